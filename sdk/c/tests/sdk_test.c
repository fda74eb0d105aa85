/// The SDK's own tests, over the stand-ins: what handlers rely on, and hostile JSON.

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ostler_testing.h"

ostler_response *handle(const ostler_request *request) {
    return ostler_text(request->path);
}

static const ostler_json *parse(const char *text) {
    return ostler_json_parse(ostler_bytes_of(text));
}

static void a_request_is_looked_up(void) {
    ostler_request *request = ostler_test_request("GET", "/a%20b?x=1&x=2&y=%C3%A9+z&c&%6e=%ff", NULL);
    ostler_test_with_header(request, "X-One", "1");
    assert(ostler_is(request, "GET") && strcmp(request->path, "/a%20b") == 0);
    assert(strcmp(ostler_query(request, "x"), "1") == 0 && strcmp(ostler_query(request, "y"), "\xc3\xa9 z") == 0);
    assert(strcmp(ostler_query(request, "c"), "") == 0 && ostler_query(request, "d") == NULL);
    assert(strcmp(ostler_query(request, "n"), "\xef\xbf\xbd") == 0);
    assert(strcmp(ostler_header(request, "x-one"), "1") == 0 && ostler_header(request, "x-two") == NULL);
    assert(ostler_query(ostler_test_request("GET", "/", NULL), "x") == NULL);

    ostler_request *form = ostler_test_request("POST", "/", "a=1&b=two+words");
    assert(ostler_form(form, "a") == NULL);
    ostler_test_with_header(form, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    assert(strcmp(ostler_form(form, "b"), "two words") == 0);
}

static bool fits(const char *pattern, const char *path, ostler_params *params) {
    return ostler_match(ostler_test_request("GET", path, NULL), pattern, params);
}

static void paths_fit_patterns(void) {
    ostler_params params;
    assert(fits("/users/{id}/posts/{post}", "/users/a%20b/posts/7?x", &params));
    assert(strcmp(ostler_param(&params, "id"), "a b") == 0 && strcmp(ostler_param(&params, "post"), "7") == 0);
    assert(strcmp(ostler_param(&params, "other"), "") == 0);
    assert(fits("/files/{*rest}", "/files/a/b%2Fc", &params) && strcmp(ostler_param(&params, "rest"), "a/b/c") == 0);
    assert(fits("/files/{*rest}", "/files/", &params) && strcmp(ostler_param(&params, "rest"), "") == 0);
    static const char *const different[][2] = {{"/a", "/b"}, {"/a", "/a/"}, {"/a/", "/a"}, {"/{x}", "/"},
                                               {"/{x}", "/a/b"}, {"/a/{x}", "/a"}, {"/", ""}};
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        assert(!fits(different[i][0], different[i][1], NULL));
    }
}

static void texts_are_trimmed_and_counted(void) {
    size_t characters;
    assert(ostler_equal(ostler_trim(ostler_bytes_of(" \t\xc2\xa0" "a \xe3\x81\x82\xe3\x80\x80\n")), "a \xe3\x81\x82"));
    assert(ostler_trim(ostler_bytes_of(" \n ")).len == 0 && ostler_trim(ostler_bytes_of("")).len == 0);
    assert(ostler_utf8(ostler_bytes_of("a\xc3\xa9\xf0\x9f\x98\x80"), &characters) && characters == 3);
    static const char *const broken[] = {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert(!ostler_utf8(ostler_bytes_of(broken[i]), NULL));
    }
}

static void a_response_is_built(void) {
    ostler_response *response = ostler_redirect(302, "/there");
    for (int i = 0; i < 20; i++) {
        ostler_with_header(response, ostler_format("x-%d", i), "1");
    }
    assert(response->status == 302 && response->header_count == 21);
    assert(strcmp(ostler_response_header(response, "Location"), "/there") == 0);
    assert(strcmp(ostler_response_header(response, "x-19"), "1") == 0);
    assert(strcmp(ostler_failure("why")->failure, "why") == 0);

    response = ostler_method_not_allowed("GET, POST");
    assert(response->status == 405 && strcmp(ostler_response_header(response, "allow"), "GET, POST") == 0);
    response = ostler_problem(404, "no_link", "no link \"a\"");
    assert(strcmp(ostler_response_header(response, "content-type"), "application/problem+json") == 0);
    assert(ostler_equal(response->body, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                        "\"detail\":\"no link \\\"a\\\"\",\"code\":\"no_link\",\"request_id\":\"test-request\"}"));
}

static void json_is_read(void) {
    const ostler_json *value = parse(" { \"a\" : [1, -2.5e1, true, null, \"x\\u00e9\\ud83d\\ude00\\n\"], \"a\\\"\": {} } ");
    assert(value != NULL && value->kind == OSTLER_JSON_OBJECT);
    const ostler_json *item = ostler_json_get(value, "a")->first;
    assert(item->is_integer && item->integer == 1 && item->number == 1.0);
    item = item->next;
    assert(!item->is_integer && item->number == -25.0);
    item = item->next;
    assert(item->kind == OSTLER_JSON_BOOL && item->boolean);
    item = item->next;
    assert(item->kind == OSTLER_JSON_NULL);
    item = item->next;
    assert(strcmp(ostler_json_text(item), "x\xc3\xa9\xf0\x9f\x98\x80\n") == 0 && item->next == NULL);
    assert(ostler_json_get(value, "a\"")->kind == OSTLER_JSON_OBJECT && ostler_json_get(value, "b") == NULL);
    assert(ostler_json_get(NULL, "a") == NULL && ostler_json_text(NULL) == NULL);
    assert(parse("9223372036854775807")->integer == INT64_MAX && !parse("9223372036854775808")->is_integer);
    assert(parse("{\"a\":1,\"a\":2}")->first->next != NULL && ostler_json_get(parse("{\"a\":1,\"a\":2}"), "a")->integer == 2);
    assert(!ostler_equal(parse("\"a\\u0000b\"")->string, "a") && parse("\"a\\u0000b\"")->string.len == 3);
}

static void what_is_no_json_is_refused(void) {
    static const char *const wrong[] = {
        "", " ", "{", "[", "]", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "+1", "1.", ".5", "1e",
        "tru", "nul", "NaN", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"",
        "\"\xff\"", "\"\xed\xa0\x80\"", "1 2", "{}x", "'a'", "/**/1", "\xef\xbb\xbf" "1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert(parse(wrong[i]) == NULL && strncmp(ostler_why(), "no JSON at byte ", 16) == 0);
    }
    assert(ostler_json_parse((ostler_bytes){"1\0", 2}) == NULL && ostler_json_parse((ostler_bytes){0}) == NULL);
    assert(parse("[1,x]") == NULL && strcmp(ostler_why(), "no JSON at byte 3: a value was expected") == 0);
}

static void depth_is_bounded(void) {
    for (int depth = OSTLER_JSON_DEPTH; depth < 200000; depth = depth * 3 + 1) {
        char *text = ostler_alloc((size_t)depth * 2);
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        bool read = ostler_json_parse((ostler_bytes){text, (size_t)depth * 2}) != NULL;
        assert(read == (depth <= OSTLER_JSON_DEPTH));
    }
}

/// Changes bytes of good JSON at random, each time in a block of its own size, so that a look too far is found out.
static void no_input_breaks_the_reader(void) {
    static const char good[] = "{\"a\":[1,-2.5e+10,true,false,null,\"x\\u00e9\\ud83d\\ude00\\n\\\\\"],\"b\":{\"c\":[[],{}]}}";
    srand(1);
    for (int round = 0; round < 100000; round++) {
        size_t len = (size_t)rand() % sizeof good;
        char *text = malloc(len == 0 ? 1 : len);
        memcpy(text, good, len);
        for (int changes = rand() % 4; changes > 0 && len > 0; changes--) {
            text[(size_t)rand() % len] = (char)(rand() % 4 == 0 ? rand() : "\"\\{}[],:u0\xc3"[rand() % 11]);
        }
        ostler_json_parse((ostler_bytes){text, len});
        free(text);
        if (round % 100 == 0) {
            ostler_test_begin();
        }
    }
}

static void json_is_written(void) {
    ostler_writer writer = {0};
    ostler_write_object(&writer);
    ostler_write_name(&writer, "a");
    ostler_write_array(&writer);
    ostler_write_int(&writer, INT64_MIN);
    ostler_write_double(&writer, 0.5);
    ostler_write_double(&writer, 1.0 / 0.0);
    ostler_write_string(&writer, "q\"\\\n\x01\xff,");
    ostler_write_string(&writer, ":");
    ostler_write_array(&writer);
    ostler_write_array_end(&writer);
    ostler_write_array_end(&writer);
    ostler_write_name(&writer, "b");
    ostler_write_bool(&writer, false);
    ostler_write_name(&writer, "c");
    ostler_write_raw(&writer, ostler_bytes_of("{\"d\":1}"));
    ostler_write_object_end(&writer);
    assert(ostler_equal(ostler_written(&writer), "{\"a\":[-9223372036854775808,0.5,null,\"q\\\"\\\\\\n\\u0001\xef\xbf\xbd,\",\":\",[]],"
                                                 "\"b\":false,\"c\":{\"d\":1}}"));
    assert(ostler_json_parse(ostler_written(&writer)) != NULL);
}

static void values_come_back_as_they_were_put(void) {
    ostler_test_kv("s");
    ostler_bytes value;
    bool yes;
    assert(ostler_kv_get("s", "a", &value) == OSTLER_OK && value.data == NULL);
    assert(ostler_kv_set("s", "a", (ostler_bytes){"1\0" "2", 3}, 0) == OSTLER_OK);
    assert(ostler_kv_get("s", "a", &value) == OSTLER_OK && value.len == 3 && memcmp(value.data, "1\0" "2", 4) == 0);
    assert(ostler_kv_exists("s", "a", &yes) == OSTLER_OK && yes);
    assert(ostler_kv_delete("s", "a", &yes) == OSTLER_OK && yes);
    assert(ostler_kv_delete("s", "a", &yes) == OSTLER_OK && !yes);
    assert(ostler_kv_set("s", "t", ostler_bytes_of("1"), 5000) == OSTLER_OK);
    ostler_test_advance(4999);
    assert(ostler_test_value("s", "t") != NULL);
    ostler_test_advance(1);
    assert(ostler_test_value("s", "t") == NULL);
    assert(ostler_kv_get("other", "a", &value) == OSTLER_DENIED && strstr(ostler_why(), "grant = { kv = [\"other\"] }"));
    assert(ostler_kv_set("s", "", value, 0) == OSTLER_INVALID);
}

static void counters_and_swaps_are_exact(void) {
    ostler_test_put("s", "word", "x");
    int64_t sum;
    bool swapped;
    assert(ostler_kv_increment("s", "n", 2, NULL) == OSTLER_OK && ostler_kv_increment("s", "n", -5, &sum) == OSTLER_OK && sum == -3);
    assert(ostler_kv_increment("s", "word", 1, &sum) == OSTLER_NOT_A_NUMBER);
    ostler_bytes none = {0}, one = ostler_bytes_of("1"), two = ostler_bytes_of("2");
    assert(ostler_kv_compare_and_swap("s", "c", none, one, &swapped) == OSTLER_OK && swapped);
    assert(ostler_kv_compare_and_swap("s", "c", none, two, &swapped) == OSTLER_OK && !swapped);
    assert(ostler_kv_compare_and_swap("s", "c", one, two, &swapped) == OSTLER_OK && swapped);
    assert(ostler_kv_compare_and_swap("s", "c", two, none, &swapped) == OSTLER_OK && swapped);
    assert(ostler_test_value("s", "c") == NULL);
}

static void keys_come_in_pages_and_batches(void) {
    ostler_test_kv("s");
    ostler_kv_entry entries[] = {{"k/2", {"b", 1}}, {"k/1", {"a", 1}}, {"k/3", {"", 0}}, {"l", {"x", 1}}};
    assert(ostler_kv_set_many("s", entries, 4) == OSTLER_OK);
    ostler_kv_page page;
    assert(ostler_kv_list("s", "k/", NULL, 2, &page) == OSTLER_OK && page.count == 2 && strcmp(page.keys[1], "k/2") == 0);
    assert(ostler_kv_list("s", "k/", page.cursor, 2, &page) == OSTLER_OK && page.count == 1 && page.cursor == NULL);
    const char *keys[] = {"k/3", "gone", "k/1"};
    ostler_bytes values[3];
    assert(ostler_kv_get_many("s", keys, 3, values) == OSTLER_OK);
    assert(values[0].data != NULL && values[0].len == 0 && values[1].data == NULL && ostler_equal(values[2], "a"));
    assert(ostler_kv_delete_many("s", keys, 3) == OSTLER_OK && ostler_test_value("s", "k/1") == NULL);
}

static void the_rest_of_the_host_is_there(void) {
    ostler_test_config("b", "2");
    ostler_test_config("a", "1");
    size_t count;
    const ostler_setting *all = ostler_config_all(&count);
    assert(count == 2 && strcmp(all[0].key, "a") == 0 && strcmp(ostler_config("b"), "2") == 0);
    assert(ostler_config("c") == NULL && strcmp(ostler_config_or("c", "3"), "3") == 0);
    ostler_warn("made", "slug", "abc", "visits", "3");
    ostler_info("plain");
    assert(ostler_test_lines() == 2 && strcmp(ostler_test_line(0), "warn made slug=abc visits=3") == 0);
    ostler_test_client_address("192.0.2.7");
    ostler_test_deadline_left(30);
    assert(strcmp(ostler_context_get().client_address, "192.0.2.7") == 0 && ostler_deadline_left_ms() == 30);
    assert(strcmp(ostler_test_send("GET", "/p?q", NULL)->body.data, "/p") == 0);
}

static ostler_response *other_server(const ostler_outbound *request) {
    if (strcmp(request->url, "https://down.test/") == 0) {
        return NULL;
    }
    assert(strcmp(request->method, "POST") == 0 && request->timeout_ms == 7);
    assert(strcmp(request->headers[0].name, "x-a") == 0);
    return ostler_with_header(ostler_body(201, "text/plain", request->body), "x-b", "2");
}

static void other_servers_are_asked(void) {
    ostler_field headers[] = {{"X-A", {"1", 1}}};
    ostler_outbound request = {"POST", "https://api.test/", headers, 1, {"body", 4}, 7};
    ostler_response *response;
    assert(ostler_fetch(&request, &response) == OSTLER_DENIED && response == NULL);
    ostler_test_http(other_server);
    assert(ostler_fetch(&request, &response) == OSTLER_OK && response->status == 201);
    assert(strcmp(ostler_response_header(response, "x-b"), "2") == 0 && ostler_equal(response->body, "body"));
    ostler_with_header(response, "x-c", "3");
    assert(response->header_count == 3);
    assert(ostler_fetch(&(ostler_outbound){.url = "https://down.test/"}, &response) == OSTLER_FAILED);
}

/// In gate_test.c and flags_test.c.
void gate_tests(void);
void flags_tests(void);

int main(void) {
    void (*const tests[])(void) = {
        a_request_is_looked_up, paths_fit_patterns, texts_are_trimmed_and_counted, a_response_is_built, json_is_read,
        what_is_no_json_is_refused, depth_is_bounded, no_input_breaks_the_reader, json_is_written,
        values_come_back_as_they_were_put, counters_and_swaps_are_exact, keys_come_in_pages_and_batches,
        the_rest_of_the_host_is_there, other_servers_are_asked, gate_tests, flags_tests,
    };
    size_t count = sizeof tests / sizeof *tests;
    for (size_t i = 0; i < count; i++) {
        ostler_test_begin();
        tests[i]();
    }
    ostler_test_begin();
    printf("%zu tests passed\n", count);
    return 0;
}
