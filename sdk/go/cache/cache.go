// Package cache is for the caches of grant = { cache = ["totals"] }: values that can be made again, and may be gone at any time.
//
// Keys are 1 to 512 bytes, values at most 1 MiB.
package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ostler/internal/host"
)

// Why a cache did not do it; the host's words are in the error's text. Ask with errors.Is.
var (
	// ErrDenied: not granted; the text names the missing grant.
	ErrDenied = host.ErrDenied
	// ErrInvalid: a key, value, tag or time to live is outside its limits; the text says which.
	ErrInvalid = host.ErrInvalid
	// ErrUnavailable: the shared store is gone.
	ErrUnavailable = host.ErrUnavailable
)

// Cache is a cache by its name.
type Cache struct{ name string }

// Open is the cache of that name. It costs nothing; whether it is granted shows at the first use.
func Open(name string) Cache { return Cache{name} }

// Get is the value under key; nil if there is none. A value of no bytes is not nil.
func (c Cache) Get(key string) ([]byte, error) { return host.Current().CacheGet(c.name, key) }

// GetJSON reads the value under key as JSON. False: there is none.
func (c Cache) GetJSON(key string, value any) (bool, error) {
	data, err := c.Get(key)
	if err != nil || data == nil {
		return false, err
	}
	return true, parse(data, value)
}

// Set puts a value under key for ttl (1 ms to 365 days; 0: as long as there is room). The tags are names by which it is dropped
// with others.
func (c Cache) Set(key string, value []byte, ttl time.Duration, tags ...string) error {
	return host.Current().CacheSet(c.name, key, value, ttl, tags)
}

// SetJSON is Set for a value as JSON.
func (c Cache) SetJSON(key string, value any, ttl time.Duration, tags ...string) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.Set(key, data, ttl, tags...)
}

// Delete drops the value under key.
func (c Cache) Delete(key string) error { return host.Current().CacheDelete(c.name, key) }

// DeleteTag drops all values of this cache that were set with the tag, on all hosts that share it.
func (c Cache) DeleteTag(tag string) error { return host.Current().CacheDeleteTag(c.name, tag) }

// GetOrCompute is the value under key; if there is none, compute makes it and it is kept as Set keeps it.
//
// Of many that ask at once one makes the value while the others wait, for up to half of what is left of their deadline. If making
// it fails, the next one tries. A cache that is out of reach makes this slower, not fail.
func (c Cache) GetOrCompute(key string, ttl time.Duration, tags []string, compute func() ([]byte, error)) ([]byte, error) {
	found, err := c.GetOrLock(key, host.Current().DeadlineLeft()/2)
	if errors.Is(err, ErrUnavailable) {
		return compute()
	}
	if err != nil || found != nil {
		return found, err
	}
	kept := false
	defer func() {
		if !kept {
			_ = c.Unlock(key) // The first failure is the one to tell.
		}
	}()
	value, err := compute()
	if err != nil {
		return nil, err
	}
	if err := c.Set(key, value, ttl, tags...); err != nil {
		if errors.Is(err, ErrUnavailable) {
			return value, nil
		}
		return nil, err
	}
	kept = true
	return value, nil
}

// GetOrComputeJSON is Cache.GetOrCompute for a value as JSON.
func GetOrComputeJSON[T any](c Cache, key string, ttl time.Duration, tags []string, compute func() (T, error)) (value T, err error) {
	data, err := c.GetOrCompute(key, ttl, tags, func() ([]byte, error) {
		made, err := compute()
		if err != nil {
			return nil, err
		}
		return json.Marshal(made)
	})
	if err != nil {
		return value, err
	}
	err = parse(data, &value)
	return value, err
}

// GetOrLock is the value under key, or nil and the right to make it: then Set it, or Unlock the key. It waits for up to wait while
// somebody else has that right. GetOrCompute does all of it.
func (c Cache) GetOrLock(key string, wait time.Duration) ([]byte, error) {
	return host.Current().CacheGetOrLock(c.name, key, wait)
}

// Unlock gives that right back.
func (c Cache) Unlock(key string) error { return host.Current().CacheUnlock(c.name, key) }

func parse(data []byte, value any) error {
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("the value is not the JSON expected: %w", err)
	}
	return nil
}
