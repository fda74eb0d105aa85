/// Principal, parameters, permissions and limits, over the bindings.

#include "internal.h"

static const char **texts(typed_list_string_t list) {
    const char **copy = ostler_alloc(list.len * sizeof *copy);
    for (size_t i = 0; i < list.len; i++) {
        copy[i] = ostler_from_host(list.ptr[i]);
    }
    return copy;
}

static const ostler_json *json_from_host(typed_string_t text) {
    return ostler_json_parse((ostler_bytes){ostler_from_host(text), text.len});
}

const ostler_principal *ostler_principal_get(void) {
    ostler_plugin_context_principal_t found = {0};
    if (!ostler_plugin_context_get_principal(&found)) {
        return NULL;
    }
    ostler_principal *principal = ostler_alloc(sizeof *principal);
    *principal = (ostler_principal){
        .subject = ostler_from_host(found.subject),
        .tenant = found.tenant.is_some ? ostler_from_host(found.tenant.val) : NULL,
        .roles = texts(found.roles),
        .role_count = found.roles.len,
        .scopes = texts(found.scopes),
        .scope_count = found.scopes.len,
        .method = ostler_from_host(found.method),
        .authenticated_at_ms = found.authenticated_at_ms,
        .claims = json_from_host(found.claims),
    };
    return principal;
}

static bool has(const char **list, size_t count, const char *wanted) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], wanted) == 0) {
            return true;
        }
    }
    return false;
}

bool ostler_has_role(const ostler_principal *principal, const char *role) {
    return principal != NULL && has(principal->roles, principal->role_count, role);
}

bool ostler_has_scope(const ostler_principal *principal, const char *scope) {
    return principal != NULL && has(principal->scopes, principal->scope_count, scope);
}

const ostler_json *ostler_parameters(void) {
    typed_list_tuple2_string_string_t all = {0};
    ostler_plugin_context_get_parameters(&all);
    ostler_json *object = ostler_alloc(sizeof *object);
    object->kind = OSTLER_JSON_OBJECT;
    // From the last to the first, so that each finds the one behind it.
    for (size_t i = all.len; i > 0; i--) {
        const ostler_json *value = json_from_host(all.ptr[i - 1].f1);
        ostler_json *member = ostler_alloc(sizeof *member);
        if (value != NULL) {
            *member = *value;
        }
        member->name = (ostler_bytes){ostler_from_host(all.ptr[i - 1].f0), all.ptr[i - 1].f0.len};
        member->next = object->first;
        object->first = member;
    }
    return object;
}

bool ostler_may(const char *permission, const char *resource, const char **reason) {
    typed_string_t what = ostler_to_host(permission), which = ostler_to_host(resource);
    ostler_plugin_authz_decision_t decision = {0};
    ostler_plugin_authz_check(&what, &which, &decision);
    if (reason != NULL) {
        *reason = ostler_from_host(decision.reason);
    }
    return decision.allowed;
}

ostler_response *ostler_require(const char *permission, const char *resource) {
    if (ostler_may(permission, resource, NULL)) {
        return NULL;
    }
    const char *detail = "this is not allowed";
    if (ostler_principal_get() != NULL) {
        const char *on = *resource == '\0' ? "" : " on ";
        detail = ostler_format("this needs the permission %s%s%s", permission, on, resource);
    }
    return ostler_problem(403, "forbidden", detail);
}

static ostler_result outcome(const ostler_plugin_rate_limit_error_t *error) {
    switch (error->tag) {
    case OSTLER_PLUGIN_RATE_LIMIT_ERROR_DENIED:
        return ostler_because(OSTLER_DENIED, ostler_from_host(error->val.denied));
    case OSTLER_PLUGIN_RATE_LIMIT_ERROR_INVALID:
        return ostler_because(OSTLER_INVALID, ostler_from_host(error->val.invalid));
    default:
        return ostler_because(OSTLER_UNAVAILABLE, ostler_from_host(error->val.unavailable));
    }
}

ostler_result ostler_limit_check(const char *limit, const char *key, uint32_t cost, ostler_limit *decision) {
    typed_string_t of = ostler_to_host(limit), at = ostler_to_host(key);
    ostler_plugin_rate_limit_decision_t found = {0};
    ostler_plugin_rate_limit_error_t error;
    *decision = (ostler_limit){0};
    if (!ostler_plugin_rate_limit_check(&of, &at, cost, &found, &error)) {
        return outcome(&error);
    }
    *decision = (ostler_limit){found.admitted, found.remaining, found.retry_after_ms};
    return OSTLER_OK;
}

ostler_response *ostler_limit_require(const char *limit, const char *key, uint32_t cost) {
    ostler_limit decision;
    ostler_result result = ostler_limit_check(limit, key, cost, &decision);
    if (result == OSTLER_UNAVAILABLE) {
        return ostler_problem(503, "limit_unavailable", "the limit on this cannot be checked at the moment");
    }
    if (result != OSTLER_OK) {
        return ostler_failure(ostler_why());
    }
    if (decision.admitted) {
        return NULL;
    }
    uint64_t seconds = decision.retry_after_ms / 1000 + (decision.retry_after_ms % 1000 != 0);
    const char *text = ostler_format("%llu", (unsigned long long)(seconds == 0 ? 1 : seconds));
    const char *detail = ostler_format("too many of these; try again in %s s", text);
    return ostler_with_header(ostler_problem(429, "rate_limited", detail), "retry-after", text);
}
