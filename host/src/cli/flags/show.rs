//! Flags, their changes and what they say, in words.

use serde_json::Value;

use crate::cli::releases::ago;

/// All flags, one a line.
pub(super) fn table(value: &Value, now_ms: u64) -> String {
    let flags = list(value, "flags");
    if flags.is_empty() {
        return "there are no flags; `ostler flags set KEY FILE` defines one, as does a file of [flags]"
            .to_owned();
    }
    let width = flags.iter().map(|flag| text(flag, "key").len()).max().unwrap_or(0);
    let row = |flag: &Value| {
        let state = if text(flag, "state") == "ENABLED" { "on " } else { "off" };
        let default = flag["default_variant"].as_str().unwrap_or("(the code's)");
        let targeted = if flag["targeted"] == true { "targeted" } else { "" };
        let changed = flag["changed_at_ms"].as_u64().map(|at| ago(now_ms.saturating_sub(at)));
        let changed =
            changed.map(|ago| format!("{} by {}", ago.trim(), text(flag, "who"))).unwrap_or_default();
        let (key, version, source) = (text(flag, "key"), &flag["version"], text(flag, "defined_in"));
        format!("{key:width$}  {state}  v{version:<4}  {default:<12}  {targeted:<8}  {source}  {changed}")
            .trim_end()
            .to_owned()
    };
    flags.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// One flag with its definition.
pub(super) fn flag(value: &Value, now_ms: u64) -> String {
    let changed = match value["changed_at_ms"].as_u64() {
        Some(at) => format!(", changed {} by {}", ago(now_ms.saturating_sub(at)).trim(), text(value, "who")),
        None => String::new(),
    };
    let definition = serde_json::to_string_pretty(&value["definition"]).unwrap_or_default();
    let (key, version, source) = (text(value, "key"), &value["version"], text(value, "defined_in"));
    format!("{key}: version {version}, defined in {source}{changed}\n{definition}")
}

/// Changes, the latest first.
pub(super) fn history(value: &Value, now_ms: u64) -> String {
    let changes = list(value, "changes");
    if changes.is_empty() {
        return format!("{} was never changed over the API", text(value, "key"));
    }
    let row = |change: &Value| {
        let at = change["at_ms"].as_u64().unwrap_or(now_ms);
        let what = match (&change["definition"], change["definition"]["state"].as_str()) {
            (Value::Null, _) => "taken away",
            (_, Some("DISABLED")) => "off",
            _ => "on",
        };
        let (version, ago, who) = (&change["version"], ago(now_ms.saturating_sub(at)), text(change, "who"));
        format!("v{version:<4}  {ago}  {what:<10}  {who}  {}", text(change, "why")).trim_end().to_owned()
    };
    changes.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// What a flag said.
pub(super) fn said(value: &Value) -> String {
    let why = text(value, "reason");
    match (value["error_code"].as_str(), value["variant"].as_str()) {
        (Some(code), _) => format!("the code's default  {why}  {code}: {}", text(value, "error_message")),
        (None, Some(variant)) => format!("{}  variant {variant}  {why}", value["value"]),
        (None, None) => format!("the code's default  {why}"),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flags_and_their_changes_are_lines() {
        let flags = json!({ "flags": [
            { "key": "a", "state": "ENABLED", "version": 3, "default_variant": "on", "targeted": true, "defined_in": "api",
              "changed_at_ms": 0, "who": "ada" },
            { "key": "long", "state": "DISABLED", "version": 0, "default_variant": null, "targeted": false,
              "defined_in": "flags.json", "changed_at_ms": null, "who": null },
        ]});
        let told = table(&flags, 7_200_000);
        let first = "a     on   v3  on            targeted  api  2h ago by ada";
        assert_eq!(told, format!("{first}\nlong  off  v0  (the code's)            flags.json"));
        assert!(table(&json!({ "flags": [] }), 0).contains("ostler flags set"));
        let changes = json!({ "key": "a", "changes": [
            { "version": 2, "at_ms": 7_200_000, "definition": null, "who": "ada", "why": "" },
            { "version": 1, "at_ms": 0, "definition": { "state": "ENABLED" }, "who": "ada", "why": "ticket 17" },
        ]});
        let told = history(&changes, 7_200_000);
        assert!(
            told.starts_with("v2")
                && told.contains("taken away")
                && told.ends_with("on          ada  ticket 17"),
            "{told}"
        );
    }

    #[test]
    fn what_a_flag_says_is_told_with_its_reason() {
        let said = |value| super::said(&value);
        assert_eq!(
            said(json!({ "value": true, "variant": "on", "reason": "SPLIT" })),
            "true  variant on  SPLIT"
        );
        assert_eq!(
            said(json!({ "value": null, "variant": null, "reason": "DISABLED" })),
            "the code's default  DISABLED"
        );
        let missing = json!({ "reason": "ERROR", "error_code": "FLAG_NOT_FOUND", "error_message": "there is no flag \"x\"" });
        assert_eq!(said(missing), "the code's default  ERROR  FLAG_NOT_FOUND: there is no flag \"x\"");
    }
}
