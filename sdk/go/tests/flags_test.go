package tests

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ostler/experiment"
	"ostler/flags"
	"ostler/ostlertest"
)

func TestAFlagSaysWhatTheTestSays(t *testing.T) {
	host := ostlertest.New(t).Flag("on", true).Flag("color", "green").Flag("most", 12).Flag("limits", map[string]any{"a": 1})
	check(t, flags.Boolean("on", false) && flags.String("color", "red") == "green" && flags.Number("most", 1) == 12)
	object := flags.Object("limits", nil)
	check(t, reflect.DeepEqual(object, map[string]any{"a": 1.0}), object)
	host.Flag("on", false)
	check(t, !flags.Boolean("on", true))
}

func TestAMissingFlagAndAnotherTypeGiveTheFallbackAndTheReason(t *testing.T) {
	ostlertest.New(t).Flag("color", "green")
	check(t, flags.Boolean("none", true) && flags.Number("color", 3) == 3)
	object := flags.Object("color", map[string]any{"b": 2.0})
	check(t, reflect.DeepEqual(object, map[string]any{"b": 2.0}), object)
	missing := flags.Resolve("none", "red")
	check(t, missing.Value == "red" && missing.Variant == "" && missing.Reason == "ERROR", missing)
	check(t, missing.ErrorCode == flags.FlagNotFound && flags.Resolve("color", true).ErrorCode == flags.TypeMismatch, missing)
}

func TestTheDetailedFormHasNoErrorWhenThereWasNone(t *testing.T) {
	ostlertest.New(t).Flag("limits", map[string]any{"a": 1})
	details := flags.Resolve("limits", map[string]any{})
	check(t, reflect.DeepEqual(details.Value, map[string]any{"a": 1.0}), details)
	check(t, details.Reason == "STATIC" && details.ErrorCode == "" && details.ErrorMessage == "", details)
}

func TestAttributesAreAddedWholeOrNotAtAll(t *testing.T) {
	host := ostlertest.New(t)
	many := map[string]any{}
	for number := range 65 {
		many[fmt.Sprintf("a%d", number)] = number
	}
	check(t, flags.AddContext(map[string]any{"plan": "pro", "seats": 12}) && flags.AddContext(map[string]any{"plan": "free"}))
	check(t, !flags.AddContext(many) && !flags.AddContext(map[string]any{"long": strings.Repeat("x", 16<<10)}))
	check(t, !flags.AddContext(map[string]any{"nothing": math.NaN()}))
	added := host.FlagAttributes()
	check(t, reflect.DeepEqual(added, map[string]any{"plan": "free", "seats": 12.0}), added)
}

func TestWhatIsTrackedIsKeptInOrderAndWhatIsOutOfBoundsRefused(t *testing.T) {
	host := ostlertest.New(t)
	check(t, experiment.Track("cart.value", 12.5) && experiment.Track("cart.value", 1))
	for _, name := range []string{"", "Cart", "a b", strings.Repeat("m", 65), "a\n"} {
		check(t, !experiment.Track(name, 1), name)
	}
	check(t, !experiment.Track("cart.value", math.NaN()))
	check(t, slices.Equal(host.Tracked("cart.value"), []float64{12.5, 1}), host.Tracked("cart.value"))
}
