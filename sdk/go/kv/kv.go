// Package kv is for the durable key-value stores of grant = { kv = ["todos"] }.
//
// What was acknowledged survives the death of the host. Keys are 1 to 512 bytes, values at most 1 MiB, a batch at most 1,000.
package kv

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"ostler/internal/host"
)

// Why a store did not do it; the host's words are in the error's text. Ask with errors.Is.
var (
	// ErrDenied: not granted; the text names the missing grant.
	ErrDenied = host.ErrDenied
	// ErrInvalid: a key, value or batch is outside its limits; the text says which.
	ErrInvalid = host.ErrInvalid
	// ErrNotANumber: Increment met a value that is no decimal integer, or the sum does not fit 64 bits.
	ErrNotANumber = host.ErrNotANumber
	// ErrUnavailable: the store failed; trying again may help.
	ErrUnavailable = host.ErrUnavailable
)

// Store is a store by its name.
type Store struct{ name string }

// Open is the store of that name. It costs nothing; whether it is granted shows at the first use.
func Open(name string) Store { return Store{name} }

// Get is the value under key; nil if there is none. A value of no bytes is not nil.
func (s Store) Get(key string) ([]byte, error) { return host.Current().KVGet(s.name, key) }

// GetJSON reads the value under key as JSON. False: there is none.
func (s Store) GetJSON(key string, value any) (bool, error) {
	data, err := s.Get(key)
	if err != nil || data == nil {
		return false, err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return false, fmt.Errorf("the value is not the JSON expected: %w", err)
	}
	return true, nil
}

// Set puts a value under key.
func (s Store) Set(key string, value []byte) error { return s.SetWithTTL(key, value, 0) }

// SetWithTTL puts a value under key that disappears after ttl; 0: never.
func (s Store) SetWithTTL(key string, value []byte, ttl time.Duration) error {
	return host.Current().KVSet(s.name, key, value, ttl)
}

// SetJSON puts a value under key as JSON.
func (s Store) SetJSON(key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.Set(key, data)
}

// Delete removes key. Whether there was something to remove.
func (s Store) Delete(key string) (bool, error) { return host.Current().KVDelete(s.name, key) }

// Exists tells whether there is a value under key.
func (s Store) Exists(key string) (bool, error) { return host.Current().KVExists(s.name, key) }

// Page is some keys of a store, and where to go on.
type Page struct {
	// Keys are in byte order.
	Keys []string
	// Cursor goes to the next List; nil at the end.
	Cursor *string
}

// List is the keys that begin with prefix, limit at most (the host caps it at 1,000). The first call has no cursor.
func (s Store) List(prefix string, cursor *string, limit uint32) (Page, error) {
	keys, next, err := host.Current().KVList(s.name, prefix, cursor, limit)
	return Page{keys, next}, err
}

// Pages walks through all keys that begin with prefix, limit at a time.
func (s Store) Pages(prefix string, limit uint32) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		var cursor *string
		for {
			page, err := s.List(prefix, cursor, limit)
			if !yield(page.Keys, err) || err != nil || page.Cursor == nil {
				return
			}
			cursor = page.Cursor
		}
	}
}

// Increment adds delta to the decimal integer under key (absent counts as 0) and returns the sum, atomically.
func (s Store) Increment(key string, delta int64) (int64, error) {
	return host.Current().KVIncrement(s.name, key, delta)
}

// CompareAndSwap puts value (nil: removes) if what is there equals expected (nil: nothing is there). Whether it did.
func (s Store) CompareAndSwap(key string, expected, value []byte) (bool, error) {
	return host.Current().KVCompareAndSwap(s.name, key, expected, value)
}

// GetMany is the values in the order of keys; nil where there is none.
func (s Store) GetMany(keys []string) ([][]byte, error) {
	return host.Current().KVGetMany(s.name, keys)
}

// Entry is a key with its value.
type Entry = host.Entry

// SetMany puts all or nothing.
func (s Store) SetMany(entries []Entry) error { return host.Current().KVSetMany(s.name, entries) }

// DeleteMany removes all or nothing.
func (s Store) DeleteMany(keys []string) error { return host.Current().KVDeleteMany(s.name, keys) }
