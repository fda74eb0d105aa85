// Package authz asks what the principal of the exchange may do, by the same roles and rules that guard routes ([authorization]).
package authz

import (
	"net/http"

	"ostler"
	"ostler/internal/host"
)

// Decision is an answer of the host.
type Decision struct {
	// Allowed: it may.
	Allowed bool
	// Reason is what decided; for logs, not for clients.
	Reason string
}

// Check tells whether the principal may use the permission on the resource, such as "orders/17" (empty: none in particular).
func Check(permission, resource string) Decision {
	allowed, reason := host.Current().AuthzCheck(permission, resource)
	return Decision{allowed, reason}
}

// Allows is Check for those who need no reason.
func Allows(permission, resource string) bool { return Check(permission, resource).Allowed }

// Require is nil if the principal may, otherwise the *ostler.Problem 403 with code "forbidden". Only a principal that is known is
// told which permission it lacks.
func Require(permission, resource string) error {
	if Allows(permission, resource) {
		return nil
	}
	detail := "this is not allowed"
	if ostler.CurrentPrincipal() != nil {
		detail = "this needs the permission " + permission
		if resource != "" {
			detail += " on " + resource
		}
	}
	return ostler.NewProblem(http.StatusForbidden, "forbidden", detail)
}
