package ostlertest

// The stand-in for key-value stores, with the limits of the real ones.

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ostler/internal/host"
)

const (
	mostKey   = 512
	mostValue = 1 << 20
	mostBatch = 1000
)

type entry struct {
	value []byte
	// until is when it disappears; 0: never.
	until time.Duration
}

type store map[string]entry

func (s store) get(key string, now time.Duration) []byte {
	found, ok := s[key]
	if !ok || (found.until != 0 && found.until <= now) {
		return nil
	}
	return append([]byte{}, found.value...)
}

func invalid(text string) error { return &host.Error{Kind: host.ErrInvalid, Text: text} }

// use is the store after everything passed has been held against the limits.
func (h *Host) use(name string, keys []string, values ...[]byte) (store, error) {
	its, granted := h.stores[name]
	if !granted {
		text := fmt.Sprintf("store %q is not granted: add it to grant = { kv = [%q] } of plugin test", name, name)
		return nil, &host.Error{Kind: host.ErrDenied, Text: text}
	}
	if len(keys) > mostBatch {
		return nil, invalid("a batch has at most 1,000 keys")
	}
	for _, key := range keys {
		if len(key) < 1 || len(key) > mostKey {
			return nil, invalid("a key has 1 to 512 bytes")
		}
	}
	for _, value := range values {
		if len(value) > mostValue {
			return nil, invalid("a value has at most 1 MiB")
		}
	}
	return its, nil
}

// change is use before a change: another request may be quicker.
func (h *Host) change(name string, keys []string, values ...[]byte) (store, error) {
	its, err := h.use(name, keys, values...)
	if other := h.beforeChange; err == nil && other != nil {
		h.beforeChange = nil
		other()
	}
	return its, err
}

// KVGet is for the SDK.
func (h *Host) KVGet(name, key string) ([]byte, error) {
	its, err := h.use(name, []string{key})
	return its.get(key, h.now), err
}

// KVSet is for the SDK.
func (h *Host) KVSet(name, key string, value []byte, ttl time.Duration) error {
	its, err := h.change(name, []string{key}, value)
	if err != nil {
		return err
	}
	put := entry{value: bytes.Clone(value)}
	if ttl != 0 {
		put.until = h.now + ttl
	}
	its[key] = put
	return nil
}

// KVDelete is for the SDK.
func (h *Host) KVDelete(name, key string) (bool, error) {
	its, err := h.change(name, []string{key})
	existed := its.get(key, h.now) != nil
	delete(its, key)
	return existed, err
}

// KVExists is for the SDK.
func (h *Host) KVExists(name, key string) (bool, error) {
	its, err := h.use(name, []string{key})
	return its.get(key, h.now) != nil, err
}

// KVList is for the SDK.
func (h *Host) KVList(name, prefix string, cursor *string, limit uint32) ([]string, *string, error) {
	its, err := h.use(name, nil)
	if err != nil {
		return nil, nil, err
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(its)) {
		if !strings.HasPrefix(key, prefix) || its.get(key, h.now) == nil || (cursor != nil && key <= *cursor) {
			continue
		}
		if len(keys) == int(min(limit, mostBatch)) {
			if len(keys) == 0 {
				return nil, nil, nil
			}
			return keys, &keys[len(keys)-1], nil
		}
		keys = append(keys, key)
	}
	return keys, nil, nil
}

// KVIncrement is for the SDK.
func (h *Host) KVIncrement(name, key string, delta int64) (int64, error) {
	its, err := h.change(name, []string{key})
	if err != nil {
		return 0, err
	}
	var value int64
	if text := its.get(key, h.now); text != nil {
		value, err = strconv.ParseInt(string(text), 10, 64)
	}
	sum := value + delta
	if err != nil || (delta > 0) != (sum > value) && delta != 0 {
		return 0, &host.Error{Kind: host.ErrNotANumber, Text: "the value is not a 64-bit decimal integer, or the sum would not be"}
	}
	its[key] = entry{value: strconv.AppendInt(nil, sum, 10)}
	return sum, nil
}

// KVCompareAndSwap is for the SDK.
func (h *Host) KVCompareAndSwap(name, key string, expected, value []byte) (bool, error) {
	its, err := h.change(name, []string{key}, value)
	if err != nil {
		return false, err
	}
	now := its.get(key, h.now)
	if (now == nil) != (expected == nil) || !bytes.Equal(now, expected) {
		return false, nil
	}
	if value == nil {
		delete(its, key)
	} else {
		its[key] = entry{value: bytes.Clone(value)}
	}
	return true, nil
}

// KVGetMany is for the SDK.
func (h *Host) KVGetMany(name string, keys []string) ([][]byte, error) {
	its, err := h.use(name, keys)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = its.get(key, h.now)
	}
	return values, nil
}

// KVSetMany is for the SDK.
func (h *Host) KVSetMany(name string, entries []host.Entry) error {
	keys, values := make([]string, len(entries)), make([][]byte, len(entries))
	for i, one := range entries {
		keys[i], values[i] = one.Key, one.Value
	}
	its, err := h.change(name, keys, values...)
	if err != nil {
		return err
	}
	for _, one := range entries {
		its[one.Key] = entry{value: bytes.Clone(one.Value)}
	}
	return nil
}

// KVDeleteMany is for the SDK.
func (h *Host) KVDeleteMany(name string, keys []string) error {
	its, err := h.change(name, keys)
	for _, key := range keys {
		delete(its, key)
	}
	return err
}
