/// Tests of flags and experiments, over the stand-ins; `main` is in sdk_test.c.

#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <string.h>

#include "ostler_testing.h"

static void a_flag_says_what_the_test_says(void) {
    ostler_test_begin();
    ostler_test_flag("on", (ostler_flag_value){OSTLER_FLAG_BOOLEAN, .boolean = true});
    ostler_test_flag("color", (ostler_flag_value){OSTLER_FLAG_STRING, .text = "green"});
    ostler_test_flag("most", (ostler_flag_value){OSTLER_FLAG_NUMBER, .number = 12});
    ostler_test_flag("limits", (ostler_flag_value){OSTLER_FLAG_OBJECT, .text = "{\"a\":1}"});
    assert(ostler_flag_boolean("on", false) && strcmp(ostler_flag_string("color", "red"), "green") == 0);
    assert(ostler_flag_number("most", 1) == 12);
    assert(ostler_json_get(ostler_flag_object("limits", "{}"), "a")->integer == 1);
    ostler_test_flag("on", (ostler_flag_value){OSTLER_FLAG_BOOLEAN, .boolean = false});
    assert(!ostler_flag_boolean("on", true));
    ostler_test_begin();
    assert(ostler_flag_boolean("on", true));
}

static void a_missing_flag_and_another_type_give_the_fallback_and_the_reason(void) {
    ostler_test_begin();
    ostler_test_flag("color", (ostler_flag_value){OSTLER_FLAG_STRING, .text = "green"});
    assert(ostler_flag_boolean("none", true) && ostler_flag_number("color", 3) == 3);
    assert(ostler_json_get(ostler_flag_object("color", "{\"b\":2}"), "b")->integer == 2);
    ostler_flag_details missing = ostler_flag_resolve("none", (ostler_flag_value){OSTLER_FLAG_STRING, .text = "red"});
    assert(missing.value.kind == OSTLER_FLAG_STRING && strcmp(missing.value.text, "red") == 0 && missing.variant == NULL);
    assert(strcmp(missing.reason, "ERROR") == 0 && strcmp(missing.error_code, "FLAG_NOT_FOUND") == 0);
    ostler_flag_details other = ostler_flag_resolve("color", (ostler_flag_value){OSTLER_FLAG_NUMBER, .number = 3});
    assert(other.value.number == 3 && strcmp(other.error_code, "TYPE_MISMATCH") == 0 && other.error_message != NULL);
}

static void the_detailed_form_has_no_error_when_there_was_none(void) {
    ostler_test_begin();
    ostler_test_flag("limits", (ostler_flag_value){OSTLER_FLAG_OBJECT, .text = "{\"a\":1}"});
    ostler_flag_details found = ostler_flag_resolve("limits", (ostler_flag_value){OSTLER_FLAG_OBJECT, .text = "{}"});
    assert(strcmp(found.value.text, "{\"a\":1}") == 0 && strcmp(found.reason, "STATIC") == 0);
    assert(found.error_code == NULL && found.error_message == NULL && found.metadata->first == NULL);
}

static void attributes_are_bounded(void) {
    ostler_test_begin();
    assert(ostler_flag_context("plan", "a \"pro\"") && ostler_flag_context_json("seats", "12"));
    assert(strcmp(ostler_test_flag_context("plan"), "\"a \\\"pro\\\"\"") == 0);
    assert(ostler_flag_context("plan", "free") && strcmp(ostler_test_flag_context("plan"), "\"free\"") == 0);
    static char text[16 * 1024];
    memset(text, 'x', sizeof text - 1);
    assert(!ostler_flag_context("plan", text) && !ostler_flag_context_json("seats", "no JSON"));
    assert(strcmp(ostler_test_flag_context("seats"), "12") == 0 && ostler_test_flag_context("other") == NULL);
    for (int i = 2; i < 64; i++) {
        assert(ostler_flag_context_json(ostler_format("a%d", i), "1"));
    }
    assert(!ostler_flag_context_json("one more", "1"));
}

static void what_is_tracked_is_counted_and_what_is_out_of_bounds_refused(void) {
    ostler_test_begin();
    size_t count;
    assert(ostler_track("cart.value", 12.5) && ostler_track("cart.value", -1));
    assert(!ostler_track("", 1) && !ostler_track("Cart", 1) && !ostler_track("cart.value", NAN));
    assert(ostler_test_tracked("cart.value", &count) == 11.5 && count == 2);
    assert(ostler_test_tracked("other", &count) == 0 && count == 0);
}

void flags_tests(void) {
    a_flag_says_what_the_test_says();
    a_missing_flag_and_another_type_give_the_fallback_and_the_reason();
    the_detailed_form_has_no_error_when_there_was_none();
    attributes_are_bounded();
    what_is_tracked_is_counted_and_what_is_out_of_bounds_refused();
}
