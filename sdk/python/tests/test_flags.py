"""Feature flags, and what experiments are decided by, by way of the stand-ins."""

import unittest

from ostler import experiment, flags, testing
from ostler.flags import ErrorCode


class Flags(unittest.TestCase):
    def test_a_flag_says_what_the_test_says(self) -> None:
        with testing.Host(flags={"on": True, "color": "green", "most": 12, "limits": {"a": 1}}) as host:
            self.assertIs(flags.get_boolean("on", False), True)
            self.assertEqual(flags.get_string("color", "red"), "green")
            self.assertEqual(flags.get_number("most", 1), 12)
            self.assertEqual(flags.get_object("limits", {}), {"a": 1})
            host.set_flag("on", False)
            self.assertIs(flags.get_boolean("on", True), False)

    def test_a_missing_flag_and_another_type_give_the_default_and_the_reason(self) -> None:
        with testing.Host(flags={"color": "green", "on": True}):
            self.assertIs(flags.get_boolean("none", True), True)
            self.assertEqual(flags.get_number("on", 3), 3)
            self.assertEqual(flags.get_object("color", {"b": 2}), {"b": 2})
            missing = flags.resolve("none", "red")
            self.assertEqual((missing.value, missing.variant, missing.reason), ("red", None, "ERROR"))
            self.assertIs(missing.error_code, ErrorCode.FLAG_NOT_FOUND)
            self.assertIs(flags.resolve("color", True).error_code, ErrorCode.TYPE_MISMATCH)

    def test_the_detailed_form_has_no_error_when_there_was_none(self) -> None:
        with testing.Host(flags={"color": "green"}):
            details = flags.resolve("color", "red")
            self.assertEqual((details.value, details.reason, details.error_code), ("green", "STATIC", None))

    def test_attributes_are_added_whole_or_not_at_all(self) -> None:
        with testing.Host() as host:
            self.assertTrue(flags.add_context({"plan": "pro", "seats": 12}))
            self.assertTrue(flags.add_context({"plan": "free"}))
            self.assertFalse(flags.add_context({f"a{number}": number for number in range(65)}))
            self.assertFalse(flags.add_context({"long": "x" * (16 * 1024)}))
            self.assertFalse(flags.add_context({"nothing": object()}))
            self.assertEqual(host.flag_context, {"plan": "free", "seats": 12})


class Experiment(unittest.TestCase):
    def test_what_is_tracked_is_kept_in_order_and_what_is_out_of_bounds_refused(self) -> None:
        with testing.Host() as host:
            self.assertTrue(experiment.track("cart.value", 12.5) and experiment.track("cart.value"))
            for name in ("", "Cart", "a b", "m" * 65, "a\n"):
                self.assertFalse(experiment.track(name, 1), name)
            self.assertFalse(experiment.track("cart.value", float("nan")))
            self.assertEqual(host.tracked("cart.value"), [12.5, 1])
