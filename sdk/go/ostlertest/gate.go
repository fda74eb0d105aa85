package ostlertest

// Stand-ins for what the gate tells and lends.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ostler"
	"ostler/internal/host"
)

// gate is what the stand-ins know.
type gate struct {
	principal  *host.Principal
	parameters [][2]string
	// allowed are permissions with their resources; an empty resource is any.
	allowed [][2]string
	limits  map[string]*limit
	caches  map[string]*cache
}

type limit struct {
	admits uint64
	per    time.Duration
	counts map[string]*count
}

type count struct {
	taken uint64
	since time.Duration
}

type cache struct {
	values map[string]kept
	locked map[string]bool
	lost   bool
}

type kept struct {
	value []byte
	// until is when it disappears; 0: never.
	until time.Duration
	tags  []string
}

const mostTTL = 365 * 24 * time.Hour

// WithPrincipal says who asks; nobody in particular otherwise. A Method left empty is "jwt".
func (h *Host) WithPrincipal(principal ostler.Principal) *Host {
	claims := []byte("{}")
	if principal.Claims != nil {
		claims, _ = json.Marshal(principal.Claims)
	}
	method := principal.Method
	if method == "" {
		method = "jwt"
	}
	h.gate.principal = &host.Principal{
		Subject: principal.Subject, Tenant: principal.Tenant, Method: method, Roles: principal.Roles,
		Scopes: principal.Scopes, AuthenticatedAt: principal.AuthenticatedAt, Claims: string(claims),
	}
	return h
}

// WithParameter adds a parameter of the request, as its document types it.
func (h *Host) WithParameter(name string, value any) *Host {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	h.gate.parameters = append(h.gate.parameters, [2]string{name, string(data)})
	return h
}

// Allow lets the principal use the permission on the resource; on any if that is empty.
func (h *Host) Allow(permission, resource string) *Host {
	h.gate.allowed = append(h.gate.allowed, [2]string{permission, resource})
	return h
}

// Limit adds a limit of grant = { limits = [...] } that admits so much for each key, and again once per is over.
func (h *Host) Limit(name string, admits uint64, per time.Duration) *Host {
	if h.gate.limits == nil {
		h.gate.limits = map[string]*limit{}
	}
	h.gate.limits[name] = &limit{admits, per, map[string]*count{}}
	return h
}

// Cache adds an empty cache of grant = { cache = [...] }.
func (h *Host) Cache(name string) *Host {
	if h.gate.caches == nil {
		h.gate.caches = map[string]*cache{}
	}
	h.gate.caches[name] = &cache{values: map[string]kept{}, locked: map[string]bool{}}
	return h
}

// LoseCache lets the cache answer from now on that its shared store is gone.
func (h *Host) LoseCache(name string) { h.gate.caches[name].lost = true }

// Cached is what a cache holds under key; nil if nothing.
func (h *Host) Cached(name, key string) []byte { return h.gate.caches[name].get(key, h.now) }

// IsLocked tells whether somebody has the right to make the value of key and has not given it back.
func (h *Host) IsLocked(name, key string) bool { return h.gate.caches[name].locked[key] }

// Principal is for the SDK.
func (h *Host) Principal() *host.Principal { return h.gate.principal }

// Parameters is for the SDK.
func (h *Host) Parameters() [][2]string { return h.gate.parameters }

// AuthzCheck is for the SDK.
func (h *Host) AuthzCheck(permission, resource string) (bool, string) {
	for _, allowed := range h.gate.allowed {
		if allowed[0] == permission && (allowed[1] == "" || allowed[1] == resource) {
			return true, "the test allows it"
		}
	}
	return false, "nothing in the test allows it"
}

// RateLimitCheck is for the SDK.
func (h *Host) RateLimitCheck(name, key string, cost uint32) (host.Decision, error) {
	its, granted := h.gate.limits[name]
	switch {
	case !granted:
		text := fmt.Sprintf("limit %q is not granted: add it to grant = { limits = [%q] } of plugin test", name, name)
		return host.Decision{}, &host.Error{Kind: host.ErrDenied, Text: text}
	case len(key) < 1 || len(key) > mostKey:
		return host.Decision{}, invalid("a key has 1 to 512 bytes")
	case cost < 1 || cost > 1_000_000:
		return host.Decision{}, invalid("a cost is 1 to 1,000,000")
	}
	now := its.counts[key]
	if now == nil || h.now >= now.since+its.per {
		now = &count{since: h.now}
		its.counts[key] = now
	}
	if now.taken+uint64(cost) > its.admits {
		return host.Decision{Remaining: its.admits - now.taken, RetryAfter: now.since + its.per - h.now}, nil
	}
	now.taken += uint64(cost)
	return host.Decision{Admitted: true, Remaining: its.admits - now.taken}, nil
}

func (c *cache) get(key string, now time.Duration) []byte {
	found, ok := c.values[key]
	if !ok || (found.until != 0 && found.until <= now) {
		return nil
	}
	return append([]byte{}, found.value...)
}

// cache is the cache after everything passed has been held against the limits.
func (h *Host) cache(name, key string, value []byte) (*cache, error) {
	its, granted := h.gate.caches[name]
	switch {
	case !granted:
		text := fmt.Sprintf("cache %q is not granted: add it to grant = { cache = [%q] } of plugin test", name, name)
		return nil, &host.Error{Kind: host.ErrDenied, Text: text}
	case its.lost:
		return nil, &host.Error{Kind: host.ErrUnavailable, Text: "the shared store is gone"}
	case len(key) < 1 || len(key) > mostKey:
		return nil, invalid("a key has 1 to 512 bytes")
	case len(value) > mostValue:
		return nil, invalid("a value has at most 1 MiB")
	}
	return its, nil
}

// CacheGet is for the SDK.
func (h *Host) CacheGet(name, key string) ([]byte, error) {
	its, err := h.cache(name, key, nil)
	if err != nil {
		return nil, err
	}
	return its.get(key, h.now), nil
}

// CacheSet is for the SDK.
func (h *Host) CacheSet(name, key string, value []byte, ttl time.Duration, tags []string) error {
	its, err := h.cache(name, key, value)
	switch {
	case err != nil:
		return err
	case ttl < 0 || ttl > mostTTL:
		return invalid("a time to live is 1 ms to 365 days")
	case slices.Contains(tags, ""):
		return invalid("a tag has at least 1 byte")
	}
	put := kept{value: bytes.Clone(value), tags: slices.Clone(tags)}
	if ttl != 0 {
		put.until = h.now + ttl
	}
	its.values[key] = put
	delete(its.locked, key)
	return nil
}

// CacheDelete is for the SDK.
func (h *Host) CacheDelete(name, key string) error {
	its, err := h.cache(name, key, nil)
	if err == nil {
		delete(its.values, key)
	}
	return err
}

// CacheDeleteTag is for the SDK.
func (h *Host) CacheDeleteTag(name, tag string) error {
	its, err := h.cache(name, tag, nil)
	if err != nil {
		return err
	}
	for key, found := range its.values {
		if slices.Contains(found.tags, tag) {
			delete(its.values, key)
		}
	}
	return nil
}

// CacheGetOrLock is for the SDK. Nobody waits: whoever asks for what is not there gets the right to make it.
func (h *Host) CacheGetOrLock(name, key string, _ time.Duration) ([]byte, error) {
	value, err := h.CacheGet(name, key)
	if err == nil && value == nil {
		h.gate.caches[name].locked[key] = true
	}
	return value, err
}

// CacheUnlock is for the SDK.
func (h *Host) CacheUnlock(name, key string) error {
	its, err := h.cache(name, key, nil)
	if err == nil {
		delete(its.locked, key)
	}
	return err
}
