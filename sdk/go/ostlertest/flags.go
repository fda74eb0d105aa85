package ostlertest

// Stand-ins for flags, each with one value whatever the context, and for experiments.

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"ostler/internal/host"
)

// flags is what the stand-ins know.
type flags struct {
	values  map[string]host.FlagValue
	context map[string]any
	tracked map[string][]float64
}

const (
	mostAttributes     = 64
	mostAttributeBytes = 16 << 10
)

var (
	metrics = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)
	kinds   = [...]string{"a boolean", "a string", "a number", "an object"}
)

// Flag lets the flag say value from now on, whatever the context: a bool, a string, a number, or what is an object in JSON.
func (h *Host) Flag(key string, value any) *Host {
	if h.flags.values == nil {
		h.flags.values = map[string]host.FlagValue{}
	}
	switch value := value.(type) {
	case bool:
		h.flags.values[key] = host.FlagValue{Kind: host.FlagBoolean, Boolean: value}
	case string:
		h.flags.values[key] = host.FlagValue{Kind: host.FlagString, Text: value}
	case int:
		h.flags.values[key] = host.FlagValue{Kind: host.FlagNumber, Number: float64(value)}
	case float64:
		h.flags.values[key] = host.FlagValue{Kind: host.FlagNumber, Number: value}
	default:
		data, err := json.Marshal(value)
		if err != nil || data[0] != '{' {
			panic(fmt.Sprintf("flag %s says %v, which is no bool, string, number or object", key, value))
		}
		h.flags.values[key] = host.FlagValue{Kind: host.FlagObject, Text: string(data)}
	}
	return h
}

// FlagAttributes are the attributes that were added for flags, by name, as JSON has them.
func (h *Host) FlagAttributes() map[string]any { return maps.Clone(h.flags.context) }

// Tracked are the values of a metric that were tracked, in order.
func (h *Host) Tracked(metric string) []float64 { return slices.Clone(h.flags.tracked[metric]) }

// FlagBoolean is for the SDK.
func (h *Host) FlagBoolean(key string, fallback bool) bool {
	return h.FlagResolve(key, host.FlagValue{Kind: host.FlagBoolean, Boolean: fallback}).Value.Boolean
}

// FlagString is for the SDK.
func (h *Host) FlagString(key, fallback string) string {
	return h.FlagResolve(key, host.FlagValue{Kind: host.FlagString, Text: fallback}).Value.Text
}

// FlagNumber is for the SDK.
func (h *Host) FlagNumber(key string, fallback float64) float64 {
	return h.FlagResolve(key, host.FlagValue{Kind: host.FlagNumber, Number: fallback}).Value.Number
}

// FlagObject is for the SDK.
func (h *Host) FlagObject(key, fallback string) string {
	return h.FlagResolve(key, host.FlagValue{Kind: host.FlagObject, Text: fallback}).Value.Text
}

// FlagResolve is for the SDK.
func (h *Host) FlagResolve(key string, fallback host.FlagValue) host.FlagDetails {
	value, there := h.flags.values[key]
	refuse := func(code, message string) host.FlagDetails {
		return host.FlagDetails{Value: fallback, Reason: "ERROR", ErrorCode: code, ErrorMessage: message, Metadata: "{}"}
	}
	switch {
	case !there:
		return refuse("FLAG_NOT_FOUND", fmt.Sprintf("flag %q is not there", key))
	case value.Kind != fallback.Kind:
		return refuse("TYPE_MISMATCH", fmt.Sprintf("flag %q is %s, not %s", key, kinds[value.Kind], kinds[fallback.Kind]))
	}
	return host.FlagDetails{Value: value, Reason: "STATIC", Metadata: "{}"}
}

// FlagContext is for the SDK.
func (h *Host) FlagContext(attributes [][2]string) bool {
	after := map[string]any{}
	maps.Copy(after, h.flags.context)
	for _, attribute := range attributes {
		var value any
		if json.Unmarshal([]byte(attribute[1]), &value) != nil {
			return false
		}
		after[attribute[0]] = value
	}
	size := 0
	for name, value := range after {
		data, _ := json.Marshal(value)
		size += len(name) + len(data)
	}
	if len(after) > mostAttributes || size > mostAttributeBytes {
		return false
	}
	h.flags.context = after
	return true
}

// Track is for the SDK.
func (h *Host) Track(metric string, value float64) bool {
	if !metrics.MatchString(metric) || math.IsNaN(value) || math.IsInf(value, 0) {
		return false
	}
	if h.flags.tracked == nil {
		h.flags.tracked = map[string][]float64{}
	}
	h.flags.tracked[metric] = append(h.flags.tracked[metric], value)
	return true
}
