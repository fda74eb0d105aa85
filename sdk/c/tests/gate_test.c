/// Tests of what the gate tells a handler and lends it, over the stand-ins; `main` is in sdk_test.c.

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "ostler_testing.h"

static const char *code_of(const ostler_response *response) {
    return ostler_json_text(ostler_json_get(ostler_json_parse(response->body), "code"));
}

static const char *detail_of(const ostler_response *response) {
    return ostler_json_text(ostler_json_get(ostler_json_parse(response->body), "detail"));
}

static void the_principal_is_as_it_was_proved(void) {
    ostler_test_begin();
    assert(ostler_principal_get() == NULL && !ostler_has_role(NULL, "clerk"));
    ostler_test_principal("ada", "acme");
    ostler_test_role("clerk");
    ostler_test_scope("orders");
    ostler_test_claims("{\"email\":\"ada@acme.test\"}");
    const ostler_principal *ada = ostler_principal_get();
    assert(strcmp(ada->subject, "ada") == 0 && strcmp(ada->tenant, "acme") == 0 && strcmp(ada->method, "jwt") == 0);
    assert(ostler_has_role(ada, "clerk") && !ostler_has_role(ada, "boss"));
    assert(ostler_has_scope(ada, "orders") && !ostler_has_scope(ada, "order"));
    assert(strcmp(ostler_json_text(ostler_json_get(ada->claims, "email")), "ada@acme.test") == 0);
    ostler_test_begin();
    ostler_test_principal("ben", NULL);
    assert(ostler_principal_get()->tenant == NULL && ostler_principal_get()->role_count == 0);
}

static void parameters_have_the_type_of_their_document(void) {
    ostler_test_begin();
    assert(ostler_parameters()->first == NULL);
    ostler_test_parameter("limit", "20");
    ostler_test_parameter("status", "[\"open\"]");
    const ostler_json *all = ostler_parameters();
    assert(ostler_json_get(all, "limit")->integer == 20 && ostler_json_get(all, "other") == NULL);
    assert(strcmp(ostler_json_text(ostler_json_get(all, "status")->first), "open") == 0);
}

static void the_missing_permission_is_named_to_those_who_are_known(void) {
    ostler_test_begin();
    const char *reason;
    ostler_test_allow("orders:read", "");
    ostler_test_allow("orders:write", "orders/17");
    assert(ostler_may("orders:read", "", NULL) && ostler_may("orders:read", "orders/3", NULL));
    assert(ostler_require("orders:write", "orders/17") == NULL && !ostler_may("orders:write", "orders/18", &reason));
    assert(*reason != '\0');
    ostler_response *stranger = ostler_require("orders:write", "");
    assert(stranger->status == 403 && strcmp(detail_of(stranger), "this is not allowed") == 0);
    ostler_test_principal("ada", NULL);
    ostler_response *known = ostler_require("orders:write", "orders/18");
    assert(strcmp(code_of(known), "forbidden") == 0);
    assert(strcmp(detail_of(known), "this needs the permission orders:write on orders/18") == 0);
}

static void each_key_has_its_own_count_until_its_time_is_over(void) {
    ostler_test_begin();
    ostler_test_limit("exports", 3, 60000);
    ostler_limit left;
    assert(ostler_limit_check("exports", "ada", 2, &left) == OSTLER_OK && left.admitted && left.remaining == 1);
    ostler_test_advance(500);
    ostler_response *refused = ostler_limit_require("exports", "ada", 2);
    assert(refused->status == 429 && strcmp(code_of(refused), "rate_limited") == 0);
    assert(strcmp(ostler_response_header(refused, "retry-after"), "60") == 0);
    assert(ostler_limit_require("exports", "ben", 3) == NULL);
    ostler_test_advance(59500);
    assert(ostler_limit_require("exports", "ada", 3) == NULL);
    assert(ostler_limit_check("other", "ada", 1, &left) == OSTLER_DENIED && strstr(ostler_why(), "other") != NULL);
    assert(ostler_limit_check("exports", "", 1, &left) == OSTLER_INVALID);
    assert(ostler_limit_check("exports", "ada", 0, &left) == OSTLER_INVALID);
    assert(ostler_limit_require("other", "ada", 1)->failure != NULL);
}

static void values_are_kept_for_their_time_and_dropped_with_their_tag(void) {
    ostler_test_begin();
    ostler_test_cache("c");
    static const char *const tags[] = {"x", "y"};
    ostler_bytes value;
    assert(ostler_cache_set("c", "a", ostler_bytes_of("1"), 60000, tags, 2) == OSTLER_OK);
    assert(ostler_cache_set("c", "b", ostler_bytes_of("2"), 0, tags + 1, 1) == OSTLER_OK);
    assert(ostler_cache_delete_tag("c", "x") == OSTLER_OK);
    assert(ostler_cache_get("c", "a", &value) == OSTLER_OK && value.data == NULL);
    assert(ostler_cache_get("c", "b", &value) == OSTLER_OK && ostler_equal(value, "2"));
    assert(ostler_cache_set("c", "a", ostler_bytes_of("3"), 60000, NULL, 0) == OSTLER_OK);
    ostler_test_advance(60000);
    assert(ostler_test_cached("c", "a") == NULL && strcmp(ostler_test_cached("c", "b"), "2") == 0);
    assert(ostler_cache_delete("c", "b") == OSTLER_OK && ostler_test_cached("c", "b") == NULL);
    assert(ostler_cache_get("other", "a", &value) == OSTLER_DENIED && ostler_cache_get("c", "", &value) == OSTLER_INVALID);
}

static ostler_bytes count_up(void *told) {
    return ostler_bytes_of(ostler_format("%d", ++*(int *)told));
}

static ostler_bytes fail(void *told) {
    (void)told;
    return (ostler_bytes){0};
}

static void a_value_is_made_once_and_the_right_given_back_when_that_fails(void) {
    ostler_test_begin();
    ostler_test_cache("c");
    static const char *const tags[] = {"t"};
    int made = 0;
    ostler_bytes value;
    for (int i = 0; i < 2; i++) {
        assert(ostler_cache_get_or_compute("c", "k", 60000, tags, 1, count_up, &made, &value) == OSTLER_OK);
        assert(ostler_equal(value, "1"));
    }
    assert(ostler_cache_delete_tag("c", "t") == OSTLER_OK);
    assert(ostler_cache_get_or_compute("c", "k", 60000, tags, 1, fail, NULL, &value) == OSTLER_FAILED);
    assert(!ostler_test_is_locked("c", "k"));
    assert(ostler_cache_get_or_lock("c", "k", 0, &value) == OSTLER_OK && value.data == NULL);
    assert(ostler_test_is_locked("c", "k"));
    assert(ostler_cache_set("c", "k", ostler_bytes_of(""), 0, NULL, 0) == OSTLER_OK && !ostler_test_is_locked("c", "k"));
    ostler_test_lose_cache("c");
    assert(ostler_cache_get_or_compute("c", "k", 0, NULL, 0, count_up, &made, &value) == OSTLER_OK);
    assert(ostler_equal(value, "2") && ostler_cache_get("c", "k", &value) == OSTLER_UNAVAILABLE);
}

void gate_tests(void) {
    the_principal_is_as_it_was_proved();
    parameters_have_the_type_of_their_document();
    the_missing_permission_is_named_to_those_who_are_known();
    each_key_has_its_own_count_until_its_time_is_over();
    values_are_kept_for_their_time_and_dropped_with_their_tag();
    a_value_is_made_once_and_the_right_given_back_when_that_fails();
}
