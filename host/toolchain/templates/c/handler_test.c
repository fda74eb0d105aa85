/// Tests of the handler: `make test`. They need no host and no WebAssembly.

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ostler_testing.h"

static void a_guest_is_greeted_and_counted(void) {
    ostler_test_kv("greeted");
    ostler_test_config("greeting", "Hi");
    ostler_response *response = ostler_test_send("GET", "/hello/you", NULL);
    assert(ostler_equal(response->body, "{\"greeting\":\"Hi, you!\",\"times\":1}"));
    assert(strcmp(ostler_test_value("greeted", "you"), "1") == 0);
}

static void an_unknown_path_is_a_404(void) {
    assert(ostler_test_send("GET", "/nowhere", NULL)->status == 404);
}

int main(void) {
    ostler_test_begin();
    a_guest_is_greeted_and_counted();
    ostler_test_begin();
    an_unknown_path_is_a_404();
    puts("all tests passed");
    return 0;
}
