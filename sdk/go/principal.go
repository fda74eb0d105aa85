package ostler

import (
	"encoding/json"
	"fmt"
	"time"

	"ostler/internal/host"
)

// Principal is who was proved to ask, by the route's auth. Nothing in it is taken from what a client claims of itself.
type Principal struct {
	// Subject is its identifier, such as a token's "sub".
	Subject string
	// Tenant is what it belongs to; empty if nothing.
	Tenant string
	// Roles are the names of its roles. What they may do is the configuration's to say: package authz asks that.
	Roles []string
	// Scopes are what it was granted.
	Scopes []string
	// Method is how it proved itself: "jwt", "introspection", "session", "api-key", "mtls" or "basic".
	Method string
	// AuthenticatedAt is when, to the millisecond.
	AuthenticatedAt time.Time
	// Claims are the other claims of its token.
	Claims map[string]any
}

// CurrentPrincipal is who asks; nil on a route that lets everybody in.
func CurrentPrincipal() *Principal {
	its := host.Current().Principal()
	if its == nil {
		return nil
	}
	principal := &Principal{
		Subject: its.Subject, Tenant: its.Tenant, Roles: its.Roles, Scopes: its.Scopes,
		Method: its.Method, AuthenticatedAt: its.AuthenticatedAt, Claims: map[string]any{},
	}
	_ = json.Unmarshal([]byte(its.Claims), &principal.Claims) // The contract says: an object.
	return principal
}

// Parameters are those of path, query, header and cookies by name, each as JSON of the type that the route's OpenAPI document
// gives it. Empty without a document.
func Parameters() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, pair := range host.Current().Parameters() {
		all[pair[0]] = json.RawMessage(pair[1])
	}
	return all
}

// Parameter reads one of them into a value. False: the request has none. One that does not fit the value is an error, since the
// route's document let it in.
func Parameter(name string, value any) (bool, error) {
	for _, pair := range host.Current().Parameters() {
		if pair[0] != name {
			continue
		}
		if err := json.Unmarshal([]byte(pair[1]), value); err != nil {
			return true, fmt.Errorf("parameter %s is not what the handler expects: %w", name, err)
		}
		return true, nil
	}
	return false, nil
}
