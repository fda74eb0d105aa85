//! The description of `/v1/flags`.

use serde_json::{Value, json};

use super::{operation, reference};

pub(super) fn paths() -> Value {
    let key = json!([{ "$ref": "#/components/parameters/key" }]);
    let change = Some(("application/json", "FlagChange"));
    let changed = [
        ("200", "Flag"),
        ("400", "Problem"),
        ("404", "Problem"),
        ("409", "Problem"),
        ("422", "Problem"),
        ("503", "Problem"),
    ];
    json!({
        "/v1/flags": { "get": operation("listFlags", "All flags, by key.", None, &[("200", "Flags"), ("503", "Problem")]) },
        "/v1/flags/{key}": {
            "parameters": key,
            "get": operation("getFlag", "One flag; its version is the ETag.", None,
                &[("200", "Flag"), ("404", "Problem"), ("422", "Problem"), ("503", "Problem")]),
            "put": operation("setFlag", "Defines a flag; 409 if If-Match names another version than it is at.",
                Some(("application/json", "FlagDefinition")),
                &[("200", "Flag"), ("201", "Flag"), ("400", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem"),
                  ("503", "Problem")]),
            "delete": operation("removeFlag", "Takes the API's definition away; a file's counts again.", change,
                &[("200", "FlagChanged"), ("400", "Problem"), ("409", "Problem"), ("422", "Problem"), ("503", "Problem")]),
        },
        "/v1/flags/{key}/history": {
            "parameters": key,
            "get": operation("flagHistory", "Changes over the API, the latest first.", None,
                &[("200", "FlagHistory"), ("404", "Problem"), ("422", "Problem"), ("503", "Problem")]),
        },
        "/v1/flags/{key}/toggle": { "parameters": key, "post": operation("toggleFlag", "Switches a flag on or off.", change, &changed) },
        "/v1/flags/{key}/rollback": { "parameters": key,
            "post": operation("rollbackFlag", "Defines a flag as it was at the version `to`, or before the last change.", change, &changed) },
        "/v1/flags/{key}/evaluate": { "parameters": key,
            "post": operation("evaluateFlag", "What a flag says of a context.", Some(("application/json", "FlagContext")),
                &[("200", "FlagSaid"), ("400", "Problem"), ("422", "Problem")]) },
    })
}

pub(super) fn schemas() -> Value {
    let (text, whole, any) =
        (json!({ "type": "string" }), json!({ "type": "integer" }), json!({ "type": "object" }));
    let (maybe_text, maybe_whole) =
        (json!({ "type": ["string", "null"] }), json!({ "type": ["integer", "null"] }));
    let flag = json!({ "type": "object", "properties": { "key": text, "version": whole, "defined_in": text, "definition": any,
        "changed_at_ms": maybe_whole, "by": maybe_text, "why": maybe_text } });
    let line = json!({ "type": "object", "properties": { "key": text, "state": { "enum": ["ENABLED", "DISABLED"] },
        "variants": { "type": "array", "items": text }, "default_variant": maybe_text, "targeted": { "type": "boolean" },
        "defined_in": text, "version": whole, "changed_at_ms": maybe_whole, "by": maybe_text } });
    json!({
        "Flag": flag,
        "Flags": { "type": "object", "properties": { "version": text, "flags": { "type": "array", "items": line } } },
        "FlagDefinition": { "type": "object", "required": ["definition"], "additionalProperties": false,
            "properties": { "definition": any, "version": whole, "why": text } },
        "FlagChange": { "type": "object", "additionalProperties": false,
            "properties": { "version": whole, "why": text, "enabled": { "type": "boolean" }, "to": whole } },
        "FlagChanged": { "type": "object", "properties": { "key": text, "version": whole,
            "definition": { "type": ["object", "null"] }, "at_ms": whole, "by": text, "why": text } },
        "FlagHistory": { "type": "object", "properties": { "key": text,
            "changes": { "type": "array", "items": reference("FlagChanged") } } },
        "FlagContext": { "type": "object", "properties": { "context": any } },
        "FlagSaid": { "type": "object", "properties": { "key": text, "value": {}, "variant": maybe_text, "reason": text,
            "error_code": maybe_text, "error_message": maybe_text, "metadata": any } },
    })
}
