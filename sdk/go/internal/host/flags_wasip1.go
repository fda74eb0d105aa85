package host

// Flags and experiments, by the rules of component_wasip1.go.

import (
	"strings"

	"ostler/internal/bindings/imports/ostler_plugin_experiment"
	"ostler/internal/bindings/imports/ostler_plugin_flags"
	wit "ostler/internal/wit/types"
)

// codes are the contract's error codes in their order.
var codes = [...]string{
	"PROVIDER_NOT_READY", "FLAG_NOT_FOUND", "PARSE_ERROR", "TYPE_MISMATCH", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL",
}

func (component) FlagBoolean(key string, fallback bool) bool {
	defer turn()()
	return ostler_plugin_flags.GetBoolean(key, fallback)
}

func (component) FlagString(key, fallback string) string {
	defer turn()()
	return strings.Clone(ostler_plugin_flags.GetString(key, fallback))
}

func (component) FlagNumber(key string, fallback float64) float64 {
	defer turn()()
	return ostler_plugin_flags.GetNumber(key, fallback)
}

func (component) FlagObject(key, fallback string) string {
	defer turn()()
	return strings.Clone(ostler_plugin_flags.GetObject(key, fallback))
}

func (component) FlagResolve(key string, fallback FlagValue) FlagDetails {
	defer turn()()
	its := ostler_plugin_flags.Resolve(key, contract(fallback))
	details := FlagDetails{
		Value: own(its.Value), Variant: strings.Clone(its.Variant.SomeOr("")), Reason: strings.Clone(its.Reason),
		ErrorMessage: strings.Clone(its.ErrorMessage.SomeOr("")), Metadata: strings.Clone(its.Metadata),
	}
	if its.ErrorCode.IsSome() {
		details.ErrorCode = codes[its.ErrorCode.Some()]
	}
	return details
}

func (component) FlagContext(attributes [][2]string) bool {
	defer turn()()
	list := make([]wit.Tuple2[string, string], len(attributes))
	for i, attribute := range attributes {
		list[i] = wit.Tuple2[string, string]{F0: attribute[0], F1: attribute[1]}
	}
	return ostler_plugin_flags.AddContext(list)
}

func (component) Track(metric string, value float64) bool {
	defer turn()()
	return ostler_plugin_experiment.Track(metric, value)
}

func contract(value FlagValue) ostler_plugin_flags.Value {
	switch value.Kind {
	case FlagBoolean:
		return ostler_plugin_flags.MakeValueBoolean(value.Boolean)
	case FlagString:
		return ostler_plugin_flags.MakeValueString(value.Text)
	case FlagNumber:
		return ostler_plugin_flags.MakeValueNumber(value.Number)
	default:
		return ostler_plugin_flags.MakeValueObject(value.Text)
	}
}

func own(value ostler_plugin_flags.Value) FlagValue {
	switch value.Tag() {
	case ostler_plugin_flags.Value_Boolean:
		return FlagValue{Kind: FlagBoolean, Boolean: value.Boolean()}
	case ostler_plugin_flags.Value_String:
		return FlagValue{Kind: FlagString, Text: strings.Clone(value.String())}
	case ostler_plugin_flags.Value_Number:
		return FlagValue{Kind: FlagNumber, Number: value.Number()}
	default:
		return FlagValue{Kind: FlagObject, Text: strings.Clone(value.Object())}
	}
}
