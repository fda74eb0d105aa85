// Package flags asks the host's feature flags. Asking never fails: a flag that is missing or of another type gives the fallback, and
// Resolve says why.
package flags

import (
	"encoding/json"

	"ostler/internal/host"
)

// Value is what a flag may say: a value of one of four types.
type Value interface {
	bool | string | float64 | map[string]any
}

// ErrorCode is why a flag gave the fallback, as the OpenFeature specification names it; empty if nothing went wrong.
type ErrorCode string

// The codes.
const (
	ProviderNotReady    ErrorCode = "PROVIDER_NOT_READY"
	FlagNotFound        ErrorCode = "FLAG_NOT_FOUND"
	ParseError          ErrorCode = "PARSE_ERROR"
	TypeMismatch        ErrorCode = "TYPE_MISMATCH"
	TargetingKeyMissing ErrorCode = "TARGETING_KEY_MISSING"
	InvalidContext      ErrorCode = "INVALID_CONTEXT"
	General             ErrorCode = "GENERAL"
)

// Details is a flag's answer, with what led to it.
type Details[T Value] struct {
	// Value is the fallback if there was an error.
	Value T
	// Variant is the variant's name; empty for the fallback.
	Variant string
	// Reason is STATIC, DEFAULT, TARGETING_MATCH, SPLIT, CACHED, DISABLED, UNKNOWN, STALE or ERROR.
	Reason string
	// ErrorCode tells what went wrong, if anything did, and ErrorMessage the same in words.
	ErrorCode    ErrorCode
	ErrorMessage string
	// Metadata is what the flag's definition says of itself.
	Metadata map[string]any
}

// Boolean is the boolean flag of this key, or the fallback.
func Boolean(key string, fallback bool) bool { return host.Current().FlagBoolean(key, fallback) }

// String is the string flag of this key, or the fallback.
func String(key, fallback string) string { return host.Current().FlagString(key, fallback) }

// Number is the number flag of this key, or the fallback.
func Number(key string, fallback float64) float64 { return host.Current().FlagNumber(key, fallback) }

// Object is the object flag of this key, or the fallback.
func Object(key string, fallback map[string]any) map[string]any {
	var value map[string]any
	if json.Unmarshal([]byte(host.Current().FlagObject(key, text(fallback))), &value) != nil {
		return fallback
	}
	return value
}

// Resolve is the flag of this key and of the fallback's type, with variant, reason and what went wrong.
func Resolve[T Value](key string, fallback T) Details[T] {
	its := host.Current().FlagResolve(key, contract(fallback))
	details := Details[T]{
		Value: fallback, Variant: its.Variant, Reason: its.Reason, ErrorCode: ErrorCode(its.ErrorCode), ErrorMessage: its.ErrorMessage,
	}
	if value, same := plain(its.Value).(T); same {
		details.Value = value
	}
	_ = json.Unmarshal([]byte(its.Metadata), &details.Metadata) // The contract says: an object.
	return details
}

// AddContext adds attributes to what the host says of the exchange (targetingKey, subject, tenant, roles, address, route, method,
// path, host, plugin, release), for the rest of this exchange; targetingKey may be set as well. False, and nothing added, if they
// are more than 64 or 16 KiB, or one has no JSON form.
func AddContext(attributes map[string]any) bool {
	texts := make([][2]string, 0, len(attributes))
	for name, value := range attributes {
		data, err := json.Marshal(value)
		if err != nil {
			return false
		}
		texts = append(texts, [2]string{name, string(data)})
	}
	return host.Current().FlagContext(texts)
}

func contract(value any) host.FlagValue {
	switch value := value.(type) {
	case bool:
		return host.FlagValue{Kind: host.FlagBoolean, Boolean: value}
	case string:
		return host.FlagValue{Kind: host.FlagString, Text: value}
	case float64:
		return host.FlagValue{Kind: host.FlagNumber, Number: value}
	case map[string]any:
		return host.FlagValue{Kind: host.FlagObject, Text: text(value)}
	}
	panic("a Value is one of these")
}

func plain(value host.FlagValue) any {
	switch value.Kind {
	case host.FlagBoolean:
		return value.Boolean
	case host.FlagString:
		return value.Text
	case host.FlagNumber:
		return value.Number
	}
	var object map[string]any
	if json.Unmarshal([]byte(value.Text), &object) != nil {
		return nil
	}
	return object
}

// text is an object as JSON; what has no JSON form is an empty one.
func text(object map[string]any) string {
	data, err := json.Marshal(object)
	if err != nil || object == nil {
		return "{}"
	}
	return string(data)
}
