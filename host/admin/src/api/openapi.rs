//! `/v1/openapi.json`: the API's own description (OpenAPI 3.1).

mod flags;
mod rollouts;

use serde_json::{Value, json};

/// The document.
pub(super) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ostler admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Plugins, their releases, and the state of the host. Errors are RFC 9457 problem documents.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths(),
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "parameters": { "name": {
                "name": "name", "in": "path", "required": true, "description": "Name of a plugin.",
                "schema": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$" },
            }, "id": {
                "name": "id", "in": "path", "required": true, "description": "Public part of an API key: `ok_ID_...`.",
                "schema": { "type": "string", "pattern": "^[A-Za-z0-9]{12}$" },
            }, "key": {
                "name": "key", "in": "path", "required": true, "description": "Key of a flag, with / written as %2F.",
                "schema": { "type": "string", "pattern": "^[A-Za-z0-9._/-]{1,128}$" },
            } },
            "schemas": schemas(),
        },
    })
}

fn paths() -> Value {
    let name = json!([{ "$ref": "#/components/parameters/name" }]);
    let id = json!([{ "$ref": "#/components/parameters/id" }]);
    let mut paths = json!({
        "/healthz": { "get": open("Whether the process lives.", &["200"]) },
        "/readyz": { "get": open("Whether requests should be sent here: 503 while draining.", &["200", "503"]) },
        "/metrics": { "get": open("Prometheus metrics.", &["200"]) },
        "/v1/openapi.json": { "get": open("This document.", &["200"]) },
        "/v1/plugins": { "get": operation("listPlugins", "All plugins.", None, &[("200", "Plugins")]) },
        "/v1/plugins/{name}": {
            "parameters": name,
            "get": operation("getPlugin", "One plugin.", None, &[("200", "Plugin"), ("404", "Problem")]),
            "put": operation("definePlugin", "Defines a plugin, with its routes; 409 if the file defines it.",
                Some(("application/json", "Definition")),
                &[("200", "Plugin"), ("201", "Plugin"), ("400", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
            "delete": operation("removePlugin", "Removes a plugin that the API defined, with its releases.", None,
                &[("204", ""), ("404", "Problem"), ("409", "Problem")]),
        },
        "/v1/plugins/{name}/releases": {
            "parameters": name,
            "get": operation("listReleases", "Releases, the latest activated first.", None,
                &[("200", "Releases"), ("404", "Problem")]),
            "put": with_parameters(operation("deploy", "Validates, compiles, records and activates a component; 200 if it was known already.",
                Some(("application/wasm", "Component")),
                &[("200", "Deployed"), ("201", "Deployed"), ("404", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
                rollouts::options()),
        },
        "/v1/plugins/{name}/releases/{digest}": {
            "parameters": [{ "$ref": "#/components/parameters/name" },
                { "name": "digest", "in": "path", "required": true, "description": "sha256:...", "schema": { "type": "string" } }],
            "delete": operation("deleteRelease", "Deletes a release that is not live.", None,
                &[("204", ""), ("404", "Problem"), ("409", "Problem"), ("422", "Problem")]),
        },
        "/v1/plugins/{name}/releases/{digest}/sbom": {
            "parameters": [{ "$ref": "#/components/parameters/name" },
                { "name": "digest", "in": "path", "required": true, "description": "sha256:...", "schema": { "type": "string" } }],
            "get": operation("getSbom", "What a release is made of: CycloneDX 1.6.", None,
                &[("200", "Sbom"), ("404", "Problem"), ("422", "Problem")]),
        },
        "/v1/plugins/{name}/rollback": {
            "parameters": name,
            "post": operation("rollback", "Goes back to the previous release, or to the one named.",
                Some(("application/json", "Rollback")),
                &[("200", "Release"), ("400", "Problem"), ("404", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
        },
        "/v1/plugins/{name}/rollout": {
            "parameters": name,
            "get": operation("getRollout", "The rollout under way, else the one that ended last.", None,
                &[("200", "Rollout"), ("404", "Problem")]),
        },
        "/v1/plugins/{name}/rollouts": {
            "parameters": [{ "$ref": "#/components/parameters/name" },
                { "name": "limit", "in": "query", "description": "At most so many; 20 if absent.",
                    "schema": { "type": "integer", "minimum": 1, "maximum": 101 } }],
            "get": operation("listRollouts", "Rollouts, the one under way first, then the latest.", None,
                &[("200", "Rollouts"), ("404", "Problem"), ("422", "Problem")]),
        },
        "/v1/plugins/{name}/rollouts/{number}": {
            "parameters": [{ "$ref": "#/components/parameters/name" },
                { "name": "number", "in": "path", "required": true, "description": "The id of a rollout.",
                    "schema": { "type": "integer", "minimum": 1 } }],
            "get": operation("getRolloutOf", "One rollout, as long as it is kept.", None,
                &[("200", "Rollout"), ("404", "Problem"), ("422", "Problem")]),
        },
        "/v1/plugins/{name}/rollout/{wish}": {
            "parameters": [{ "$ref": "#/components/parameters/name" },
                { "name": "wish", "in": "path", "required": true, "schema": { "enum": ["pause", "resume", "promote", "abort"] } }],
            "post": operation("steerRollout", "Pauses, resumes, promotes or aborts the rollout under way.",
                Some(("application/json", "Reason")),
                &[("200", "Rollout"), ("400", "Problem"), ("404", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
        },
        "/v1/keys": {
            "get": operation("listKeys", "API keys, the newest first, without their secrets.", None, &[("200", "Keys")]),
            "post": operation("createKey", "Makes an API key, which this answer alone shows.",
                Some(("application/json", "NewKey")),
                &[("201", "ShownKey"), ("400", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
        },
        "/v1/keys/{id}": {
            "parameters": id,
            "get": operation("getKey", "One API key, without its secret.", None, &[("200", "Key"), ("404", "Problem")]),
            "delete": operation("revokeKey", "Ends an API key for ever; it stays listed.", None,
                &[("200", "Key"), ("404", "Problem")]),
        },
        "/v1/keys/{id}/rotate": {
            "parameters": id,
            "post": operation("rotateKey", "Gives an API key a new secret; the old one stays good for a grace.",
                Some(("application/json", "Rotate")),
                &[("200", "ShownKey"), ("400", "Problem"), ("404", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem")]),
        },
        "/v1/experiments": { "get": operation("listExperiments", "Flags under experiment.", None, &[("200", "Experiments")]) },
        "/v1/experiments/{name}": {
            "parameters": [{ "name": "name", "in": "path", "required": true, "description": "Key of the flag, percent-encoded.",
                "schema": { "type": "string" } }],
            "get": with_parameters(operation("getExperiment", "What an experiment has shown so far.", None,
                &[("200", "Experiment"), ("404", "Problem"), ("422", "Problem")]), json!([
                { "name": "against", "in": "query", "description": "Variant that the others are compared with.",
                    "schema": { "type": "string" } },
                { "name": "split", "in": "query", "description": "VARIANT:WEIGHT, of each variant: what the division should be.",
                    "schema": { "type": "array", "items": { "type": "string" } } }])),
            "delete": operation("restartExperiment", "Forgets what was counted; the experiment starts over.", None,
                &[("204", ""), ("404", "Problem")]),
        },
        "/v1/cache/purge": { "post": operation("purgeCache", "Drops kept answers on all hosts that share a Redis.",
            Some(("application/json", "Purge")),
            &[("200", "Purged"), ("400", "Problem"), ("413", "Problem"), ("422", "Problem"), ("503", "Problem")]) },
        "/v1/sessions": {
            "parameters": [{ "name": "subject", "in": "query", "required": true, "description": "Whose sessions.",
                "schema": { "type": "string", "minLength": 1 } }],
            "delete": operation("endSessions", "Ends all sessions of a person.", None, &[("200", "Ended"), ("422", "Problem")]),
        },
        "/v1/reload": { "post": operation("reload", "Reads the configuration file again; a bad one changes nothing.", None,
            &[("200", "Reloaded"), ("422", "Problem")]) },
    });
    if let (Some(paths), Value::Object(more)) = (paths.as_object_mut(), flags::paths()) {
        paths.extend(more);
    }
    paths
}

fn open(summary: &str, statuses: &[&str]) -> Value {
    let responses: serde_json::Map<_, _> =
        statuses.iter().map(|status| ((*status).to_owned(), json!({ "description": summary }))).collect();
    json!({ "summary": summary, "security": [], "responses": responses })
}

fn operation(id: &str, summary: &str, body: Option<(&str, &str)>, answers: &[(&str, &str)]) -> Value {
    let mut responses = serde_json::Map::new();
    for (status, schema) in answers.iter().chain(&[("401", "Problem")]) {
        let kind = match *schema {
            "Problem" => "application/problem+json",
            "Sbom" => "application/vnd.cyclonedx+json; version=1.6",
            _ => "application/json",
        };
        let answer = match *schema {
            "" => json!({ "description": "Done." }),
            schema => json!({ "description": schema, "content": { kind: { "schema": reference(schema) } } }),
        };
        responses.insert((*status).to_owned(), answer);
    }
    let mut operation = json!({ "operationId": id, "summary": summary, "responses": responses });
    if let Some((kind, schema)) = body {
        operation["requestBody"] = json!({ "required": !["Rollback", "Rotate", "FlagChange", "FlagToggle", "FlagRollback", "FlagContext", "Reason"].contains(&schema), "content": { kind: { "schema": reference(schema) } } });
        if schema == "Component" {
            operation["requestBody"]["content"]["multipart/form-data"] =
                json!({ "schema": reference("Upload") });
        }
    }
    operation
}

fn with_parameters(mut operation: Value, parameters: Value) -> Value {
    operation["parameters"] = parameters;
    operation
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn schemas() -> Value {
    let (text, whole, flag) =
        (json!({ "type": "string" }), json!({ "type": "integer" }), json!({ "type": "boolean" }));
    let texts = json!({ "type": "array", "items": text });
    let binary = json!({ "type": "string", "format": "binary" });
    let (maybe_text, maybe_whole) =
        (json!({ "type": ["string", "null"] }), json!({ "type": ["integer", "null"] }));
    let route = json!({ "type": "object", "required": ["path"], "properties": {
        "path": text, "methods": texts, "host": { "type": ["string", "null"] } } });
    let release = json!({ "type": "object", "properties": {
        "digest": text, "size": whole, "handler": text, "compile_ms": whole, "warnings": texts,
        "created_at_ms": whole, "activated_at_ms": whole, "live": flag, "candidate": flag, "admission": reference("Findings") } });
    let key = json!({ "id": text, "name": text, "authenticator": text, "subject": text, "tenant": maybe_text,
        "roles": texts, "scopes": texts, "created_ms": whole, "expires_ms": maybe_whole, "rotated_ms": maybe_whole,
        "former_until_ms": maybe_whole, "revoked_ms": maybe_whole, "used_ms": maybe_whole });
    let mut shown_key = key.clone();
    shown_key["key"] = text.clone();
    let mut schemas = json!({
        "Experiments": { "type": "object", "properties": { "experiments": { "type": "array", "items": {
            "type": "object", "properties": experiment() } } } },
        "Experiment": { "type": "object", "properties": shown_experiment() },
        "Ended": { "type": "object", "properties": { "ended": whole } },
        "Key": { "type": "object", "properties": key },
        "Keys": { "type": "object", "properties": { "keys": { "type": "array", "items": reference("Key") } } },
        "NewKey": { "type": "object", "required": ["name"], "additionalProperties": false, "properties": { "name": text,
            "authenticator": text, "subject": text, "tenant": text, "roles": texts, "scopes": texts, "life": text } },
        "Rotate": { "type": "object", "additionalProperties": false, "properties": { "grace": text } },
        "ShownKey": { "type": "object", "properties": shown_key },
        "Component": { "type": "string", "format": "binary", "description": "A WebAssembly component, 128 MiB at most." },
        "Definition": { "type": "object", "additionalProperties": false, "properties": {
            "instances": { "enum": ["warm", "fresh"] }, "memory": text, "deadline": text, "concurrency": whole,
            "requests_per_instance": whole, "table_elements": whole, "response_body": text, "request_body": text,
            "log": text, "cache": cache(), "when": text, "admission": admission(),
            "grant": { "type": "object", "additionalProperties": false, "properties": {
                "kv": texts, "sqlite": texts, "blob": texts, "cache": texts, "config": { "type": "object", "additionalProperties": text }, "http": texts, "networks": texts } },
            "routes": { "type": "array", "items": { "type": "object", "required": ["path"], "additionalProperties": false,
                "properties": { "path": text, "methods": texts, "host": text, "cache": cache(), "when": text } } } } },
        "Plugin": { "type": "object", "properties": {
            "name": text, "defined_in": { "enum": ["file", "api"] }, "path": { "type": ["string", "null"] },
            "live": { "type": ["object", "null"], "properties": { "digest": text, "size": whole, "handler": text,
                "compile_ms": whole, "idle_instances": whole, "busy": whole, "waiting": whole } },
            "deploying": { "type": ["object", "null"], "properties": {
                "step": { "enum": ["validate", "compile", "check", "activate"] }, "for_ms": whole } },
            "instances": text, "memory": text, "deadline": text, "concurrency": whole,
            "routes": { "type": "array", "items": route } } },
        "Plugins": { "type": "object", "properties": { "plugins": { "type": "array", "items": reference("Plugin") } } },
        "Release": release,
        "Releases": { "type": "object", "properties": { "releases": { "type": "array", "items": reference("Release") },
            "refused": { "type": "array", "items": { "type": "object", "properties": {
                "digest": text, "at_ms": whole, "admission": reference("Findings") } } } } },
        "Findings": { "type": "array", "items": { "type": "object", "properties": {
            "gate": { "enum": ["artifact", "signature", "contents", "smoke", "hook"] }, "passed": flag, "detail": text, "took_ms": whole } } },
        "Sbom": sbom(),
        "Upload": { "type": "object", "required": ["component"], "additionalProperties": false, "properties": {
            "component": reference("Component"), "signature": binary, "sigstore": binary, "sbom": binary, "requests": binary,
            "options": { "type": "object", "additionalProperties": false, "properties": { "approve": texts } } } },
        "Deployed": { "type": "object", "properties": { "plugin": text, "digest": text, "size": whole, "handler": text,
            "validate_ms": whole, "compile_ms": whole, "activate_ms": whole, "warnings": texts,
            "rollout": { "type": "object", "properties": { "id": whole, "strategy": text, "state": text, "share": text } } } },
        "Rollback": { "type": "object", "additionalProperties": false,
            "properties": { "to": maybe_text, "who": who(), "why": why() } },
        "Reason": { "type": "object", "additionalProperties": false,
            "properties": { "id": { "type": "integer", "minimum": 1 }, "who": who(), "why": why() } },
        "Rollout": rollouts::schema(),
        "Rollouts": { "type": "object", "properties": { "rollouts": { "type": "array", "items": rollouts::line() } } },
        "Purge": { "type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
            "tags": { "type": "array", "maxItems": 1000, "items": { "type": "string", "minLength": 1, "maxLength": 8192 } },
            "keys": { "type": "array", "maxItems": 1000, "items": { "type": "string", "minLength": 1, "maxLength": 8192 } },
            "prefix": { "type": "string", "minLength": 1, "maxLength": 8192 }, "all": { "type": "boolean" } } },
        "Purged": { "type": "object", "properties": { "purged": flag } },
        "Reloaded": { "type": "object", "properties": { "reloaded": flag, "warnings": texts } },
        "Problem": { "type": "object", "required": ["type", "title", "status", "detail", "code", "request_id"],
            "properties": { "type": text, "title": text, "status": whole, "detail": text, "code": text, "request_id": text,
                "reasons": texts, "findings": reference("Findings") } },
    });
    if let (Some(schemas), Value::Object(more)) = (schemas.as_object_mut(), flags::schemas()) {
        schemas.extend(more);
    }
    schemas
}

/// What there is of an experiment in a list.
fn experiment() -> Value {
    json!({ "name": { "type": "string" }, "since_ms": { "type": "integer" },
        "variants": { "type": "object", "additionalProperties": { "type": "integer" } },
        "metrics": { "type": "array", "items": { "type": "string" } } })
}

/// With what it has shown.
fn shown_experiment() -> Value {
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "number" }));
    let maybe = json!({ "type": ["number", "null"] });
    let parts = json!({ "type": "object", "additionalProperties": number });
    let metric = json!({ "type": "object", "properties": { "count": { "type": "integer" }, "sum": number, "mean": maybe,
        "deviation": maybe, "per_exchange": maybe } });
    let mut shown = experiment();
    shown["arms"] = json!({ "type": "array", "items": { "type": "object", "properties": { "name": text,
        "exchanges": { "type": "integer" }, "metrics": { "type": "object", "additionalProperties": metric } } } });
    shown["differences"] = json!({ "type": "array", "items": { "type": "object", "properties": { "metric": text,
        "of": { "enum": ["per-exchange", "mean"] }, "arm": text, "against": text, "difference": number, "relative": maybe,
        "interval": { "type": ["array", "null"], "items": number, "minItems": 2, "maxItems": 2 }, "p": maybe,
        "shows": { "enum": ["higher", "lower", "undecided", "too-little"] }, "words": text } } });
    shown["split"] = json!({ "type": ["object", "null"], "properties": { "expected": parts, "observed": parts, "p": maybe,
        "mismatch": { "type": "boolean" }, "words": text } });
    shown["test"] = text;
    shown
}

/// Who makes a change.
fn who() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 256, "default": "admin",
        "description": "Who makes the change, on one line; not `host`." })
}

/// Why.
fn why() -> Value {
    json!({ "type": "string", "maxLength": 1024, "description": "Why, on one line." })
}

/// What a release is made of: of CycloneDX 1.6, what is written here. A component has a name, the rest where it is known.
fn sbom() -> Value {
    let text = json!({ "type": "string" });
    let some = |properties: Value| json!({ "type": "object", "required": [], "properties": properties });
    let list = |item: Value| json!({ "type": "array", "items": item });
    let component = some(
        json!({ "type": text, "bom-ref": text, "name": text, "version": text, "purl": text, "scope": text,
        "hashes": list(some(json!({ "alg": text, "content": text }))) }),
    );
    let tools = some(json!({ "components": list(component.clone()) }));
    let metadata = some(json!({ "tools": tools, "component": component,
        "properties": list(some(json!({ "name": text, "value": text }))) }));
    some(json!({ "$schema": text, "bomFormat": text, "specVersion": text, "serialNumber": text,
        "version": { "type": "integer" }, "metadata": metadata, "components": list(component) }))
}

/// What releases must pass.
fn admission() -> Value {
    let flag = json!({ "type": "boolean" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "signature": flag, "signers": texts, "strict_grants": flag, "contents": flag, "smoke": flag,
        "handler_change": flag, "size": { "type": "string" } } })
}

/// How answers are kept.
fn cache() -> Value {
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let texts = json!({ "type": "array", "items": text });
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "enabled": flag, "when": text, "ttl": text, "vary_on": texts, "ignore_query": texts, "stale_while_revalidate": text,
        "stale_if_error": text, "drop_set_cookie": flag, "per_release": flag, "show_tags": flag } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method and path of an arm such as `(&Method::GET, ["plugins", name]) => ...` of the API's dispatch.
    fn arm(line: &str) -> Option<(String, String)> {
        let (method, rest) = line.trim().strip_prefix("(&Method::")?.split_once(", [")?;
        let segment = |part: &str| match part.trim().trim_matches('"') {
            literal if part.contains('"') => literal.to_owned(),
            name => format!("{{{name}}}"),
        };
        let path = rest.split_once(']')?.0.split(',').map(segment).collect::<Vec<_>>().join("/");
        Some((method.split(' ').next()?.to_lowercase(), path))
    }

    #[test]
    fn every_route_of_the_api_is_described() {
        let (document, mut arms) = (document(), 0);
        for (method, path) in include_str!("../api.rs").lines().filter_map(arm) {
            let described = |prefix: &str| document["paths"][format!("{prefix}/{path}")][&method].is_object();
            assert!(described("") || described("/v1"), "{method} {path} is not described");
            arms += 1;
        }
        assert!(arms >= 13, "only {arms} arms were found");
    }
}
