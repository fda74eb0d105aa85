package host

// What the gate tells and lends, by the rules of component_wasip1.go.

import (
	"math"
	"strings"
	"time"

	"ostler/internal/bindings/imports/ostler_plugin_authz"
	"ostler/internal/bindings/imports/ostler_plugin_cache"
	"ostler/internal/bindings/imports/ostler_plugin_context"
	"ostler/internal/bindings/imports/ostler_plugin_rate_limit"
	wit "ostler/internal/wit/types"
)

func (component) Principal() *Principal {
	defer turn()()
	found := ostler_plugin_context.GetPrincipal()
	if found.IsNone() {
		return nil
	}
	its := found.Some()
	return &Principal{
		Subject: strings.Clone(its.Subject), Tenant: strings.Clone(its.Tenant.SomeOr("")), Method: strings.Clone(its.Method),
		Roles: clone(its.Roles), Scopes: clone(its.Scopes),
		AuthenticatedAt: time.UnixMilli(int64(min(its.AuthenticatedAtMs, math.MaxInt64))).UTC(),
		Claims:          strings.Clone(its.Claims),
	}
}

func (component) Parameters() [][2]string {
	defer turn()()
	return pairs(ostler_plugin_context.GetParameters())
}

func (component) AuthzCheck(permission, resource string) (bool, string) {
	defer turn()()
	decision := ostler_plugin_authz.Check(permission, resource)
	return decision.Allowed, strings.Clone(decision.Reason)
}

func (component) RateLimitCheck(limit, key string, cost uint32) (Decision, error) {
	defer turn()()
	result := ostler_plugin_rate_limit.Check(limit, key, cost)
	if result.IsOk() {
		its := result.Ok()
		return Decision{its.Admitted, its.Remaining, milliseconds(its.RetryAfterMs)}, nil
	}
	switch its := result.Err(); its.Tag() {
	case ostler_plugin_rate_limit.Error_Denied:
		return Decision{}, &Error{ErrDenied, strings.Clone(its.Denied())}
	case ostler_plugin_rate_limit.Error_Invalid:
		return Decision{}, &Error{ErrInvalid, strings.Clone(its.Invalid())}
	default:
		return Decision{}, &Error{ErrUnavailable, strings.Clone(its.Unavailable())}
	}
}

// kept splits a result of a cache.
func kept[T any](result wit.Result[T, ostler_plugin_cache.Error]) (value T, err error) {
	if result.IsOk() {
		return result.Ok(), nil
	}
	switch its := result.Err(); its.Tag() {
	case ostler_plugin_cache.Error_Denied:
		return value, &Error{ErrDenied, strings.Clone(its.Denied())}
	case ostler_plugin_cache.Error_Invalid:
		return value, &Error{ErrInvalid, strings.Clone(its.Invalid())}
	default:
		return value, &Error{ErrUnavailable, strings.Clone(its.Unavailable())}
	}
}

func (component) CacheGet(cache, key string) ([]byte, error) {
	defer turn()()
	value, err := kept(ostler_plugin_cache.Get(cache, key))
	if err != nil {
		return nil, err
	}
	return bytes(value), nil
}

func (component) CacheSet(cache, key string, value []byte, ttl time.Duration, tags []string) error {
	defer turn()()
	_, err := kept(ostler_plugin_cache.Set(cache, key, value, limit(ttl), tags))
	return err
}

func (component) CacheDelete(cache, key string) error {
	defer turn()()
	_, err := kept(ostler_plugin_cache.Delete(cache, key))
	return err
}

func (component) CacheDeleteTag(cache, tag string) error {
	defer turn()()
	_, err := kept(ostler_plugin_cache.DeleteTag(cache, tag))
	return err
}

func (component) CacheGetOrLock(cache, key string, wait time.Duration) ([]byte, error) {
	defer turn()()
	ms := uint32(min(max(wait.Milliseconds(), 0), math.MaxUint32))
	found, err := kept(ostler_plugin_cache.GetOrComputeLock(cache, key, ms))
	if err != nil || found.Tag() != ostler_plugin_cache.Found_Value {
		return nil, err
	}
	return append([]byte{}, found.Value()...), nil
}

func (component) CacheUnlock(cache, key string) error {
	defer turn()()
	_, err := kept(ostler_plugin_cache.Unlock(cache, key))
	return err
}
