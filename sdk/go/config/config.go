// Package config is for the values of grant = { config = { ... } }.
package config

import "ostler/internal/host"

// Get is the value under key. False: the definition has no such key.
func Get(key string) (string, bool) { return host.Current().ConfigGet(key) }

// GetOr is the value under key, or the fallback.
func GetOr(key, fallback string) string {
	if value, ok := Get(key); ok {
		return value
	}
	return fallback
}

// All is all values by their keys.
func All() map[string]string {
	all := map[string]string{}
	for _, pair := range host.Current().ConfigAll() {
		all[pair[0]] = pair[1]
	}
	return all
}
