//! The description of `/v1/flags`.

use serde_json::{Value, json};

use super::{operation, reference, who, why, with_parameters};

pub(super) fn paths() -> Value {
    let key = json!([{ "$ref": "#/components/parameters/key" }]);
    let body = |schema| Some(("application/json", schema));
    let versioned = |operation| with_parameters(operation, versions());
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
            "put": versioned(operation("setFlag", "Defines a flag; 409 if If-Match names another version than it is at.",
                Some(("application/json", "FlagDefinition")),
                &[("200", "Flag"), ("201", "Flag"), ("400", "Problem"), ("409", "Problem"), ("413", "Problem"), ("422", "Problem"),
                  ("503", "Problem")])),
            "delete": versioned(operation("removeFlag", "Takes the API's definition away; a file's counts again.", body("FlagChange"),
                &[("200", "FlagChanged"), ("400", "Problem"), ("409", "Problem"), ("422", "Problem"), ("503", "Problem")])),
        },
        "/v1/flags/{key}/history": {
            "parameters": key,
            "get": operation("flagHistory", "Changes over the API, the latest first.", None,
                &[("200", "FlagHistory"), ("404", "Problem"), ("422", "Problem"), ("503", "Problem")]),
        },
        "/v1/flags/{key}/toggle": { "parameters": key, "post": versioned(operation("toggleFlag",
            "Switches a flag on or off; the other way than now if `enabled` is not said.", body("FlagToggle"), &changed)) },
        "/v1/flags/{key}/rollback": { "parameters": key,
            "post": versioned(operation("rollbackFlag", "Defines a flag as it was at the version `to`, or before the last change.",
                body("FlagRollback"), &changed)) },
        "/v1/flags/{key}/evaluate": { "parameters": key,
            "post": operation("evaluateFlag", "What a flag says of a context.", Some(("application/json", "FlagContext")),
                &[("200", "FlagSaid"), ("400", "Problem"), ("422", "Problem")]) },
    })
}

/// For which version of the flag a change is made, in place of `version` in the body.
fn versions() -> Value {
    json!([
        { "name": "If-Match", "in": "header", "description": "The ETag of the flag as it was read, as \"3\".",
            "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" } },
        { "name": "If-None-Match", "in": "header", "description": "*: only if the API does not define the flag yet.",
            "schema": { "const": "*" } },
    ])
}

pub(super) fn schemas() -> Value {
    let (text, whole, any) =
        (json!({ "type": "string" }), json!({ "type": "integer" }), json!({ "type": "object" }));
    let (maybe_text, maybe_whole) =
        (json!({ "type": ["string", "null"] }), json!({ "type": ["integer", "null"] }));
    let flag = json!({ "type": "object", "properties": { "key": text, "version": whole, "defined_in": text, "definition": any,
        "changed_at_ms": maybe_whole, "who": maybe_text, "why": maybe_text } });
    let line = json!({ "type": "object", "properties": { "key": text, "state": { "enum": ["ENABLED", "DISABLED"] },
        "variants": { "type": "array", "items": text }, "default_variant": maybe_text, "targeted": { "type": "boolean" },
        "defined_in": text, "version": whole, "changed_at_ms": maybe_whole, "who": maybe_text } });
    let change = |own: Value| {
        let mut properties = json!({ "version": whole, "who": who(), "why": why() });
        if let (Some(properties), Value::Object(own)) = (properties.as_object_mut(), own) {
            properties.extend(own);
        }
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    };
    let mut definition = change(json!({ "definition": any }));
    definition["required"] = json!(["definition"]);
    json!({
        "Flag": flag,
        "Flags": { "type": "object", "properties": { "version": text, "flags": { "type": "array", "items": line } } },
        "FlagDefinition": definition,
        "FlagChange": change(json!({})),
        "FlagToggle": change(json!({ "enabled": { "type": "boolean" } })),
        "FlagRollback": change(json!({ "to": whole })),
        "FlagChanged": { "type": "object", "properties": { "key": text, "version": whole,
            "definition": { "type": ["object", "null"] }, "at_ms": whole, "who": text, "why": text } },
        "FlagHistory": { "type": "object", "properties": { "key": text,
            "changes": { "type": "array", "items": reference("FlagChanged") } } },
        "FlagContext": { "type": "object", "properties": { "context": any } },
        "FlagSaid": { "type": "object", "properties": { "key": text, "value": {}, "variant": maybe_text, "reason": text,
            "error_code": maybe_text, "error_message": maybe_text, "metadata": any } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_may_say_which_version_it_is_for_and_who_makes_it() {
        let (paths, schemas) = (paths(), schemas());
        let mut changes = 0;
        for operation in
            paths.as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
        {
            let body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let Some(schema) = body.and_then(|body| body.rsplit('/').next()) else { continue };
            if schema == "FlagContext" {
                continue;
            }
            changes += 1;
            let named: Vec<_> =
                operation["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
            assert_eq!(named, ["If-Match", "If-None-Match"], "{operation}");
            for key in ["version", "who", "why"] {
                assert!(schemas[schema]["properties"][key].is_object(), "{schema} lacks {key}");
            }
        }
        assert_eq!(changes, 4);
    }
}
