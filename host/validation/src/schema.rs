//! JSON Schemas, compiled; and their errors in words that repeat no value.
//!
//! **Invariant:** patterns run in linear time and bounded memory; nothing is fetched.

use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, PatternOptions, Registry, ValidationError};
use serde_json::{Value, json};

use crate::meter;
use crate::violation::{Place, Violation, Violations};

/// Bytes that one compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;
/// Values of an `enum` that are told.
const OPTIONS_TOLD: usize = 20;
/// Name under which a document's own places are known.
pub(crate) const DOCUMENT: &str = "urn:ostler:document";

/// One schema.
pub(crate) struct Schema(jsonschema::Validator);

impl Schema {
    /// The schema at `pointer` of the document in `registry`.
    ///
    /// # Errors
    /// Why it cannot be compiled.
    pub(crate) fn at(registry: &Registry<'_>, pointer: &str) -> Result<Self, String> {
        let fragment = percent_encoding::utf8_percent_encode(pointer, FRAGMENT);
        let reference = json!({ "$ref": format!("{DOCUMENT}#{fragment}") });
        let options = jsonschema::options().with_registry(registry).with_draft(Draft::Draft202012);
        bounded(options).build(&reference).map(Schema).map_err(|error| told(&error))
    }

    /// A schema that stands for itself, of the draft that it names (2020-12 if none).
    ///
    /// # Errors
    /// Where in it (a JSON Pointer) and why it cannot be compiled.
    pub(crate) fn alone(schema: &Value) -> Result<Self, (String, String)> {
        let built = bounded(jsonschema::options()).build(&meter::metered(schema));
        built.map(Schema).map_err(|error| (error.instance_path().as_str().to_owned(), told(&error)))
    }

    /// Adds what is wrong with `value`; pointers begin after `prefix`.
    pub(crate) fn check(&self, value: &Value, place: Place, prefix: &str, violations: &mut Violations) {
        let compared = meter::bounded(|| self.compare(value, place, prefix, violations));
        if compared.is_none() {
            violations.invalid(Violation::new(
                place,
                prefix,
                "takes too long to compare with its schema, which contains itself",
            ));
        }
    }

    fn compare(&self, value: &Value, place: Place, prefix: &str, violations: &mut Violations) {
        // The answer is nearly always yes, and yes is cheaper to find out without collecting errors.
        if self.0.is_valid(value) {
            return;
        }
        for error in self.0.iter_errors(value) {
            let full = violations.is_full();
            violations.invalid(violation(&error, place, prefix));
            if full {
                break;
            }
        }
    }
}

/// What must be kept in a URI fragment that is a JSON Pointer.
const FRAGMENT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'%')
    .add(b'#')
    .add(b'{')
    .add(b'}')
    .add(b'^')
    .add(b'|')
    .add(b'\\')
    .add(b'[')
    .add(b']');

fn bounded(options: jsonschema::ValidationOptions<'_>) -> jsonschema::ValidationOptions<'_> {
    options
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES))
        .should_validate_formats(true)
        .with_keyword(meter::KEYWORD, meter::keyword)
        .with_format("byte", |text: &str| {
            let trimmed = text.trim_end_matches('=');
            text.len().is_multiple_of(4)
                && text.len() - trimmed.len() <= 2
                && trimmed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        })
}

/// Why a schema cannot be compiled; what stands in a document is no secret, but may be long.
fn told(error: &ValidationError<'_>) -> String {
    let mut message = error.to_string();
    if let Some((end, _)) = message.char_indices().nth(300) {
        message.truncate(end);
        message.push_str("...");
    }
    message
}

fn violation(error: &ValidationError<'_>, place: Place, prefix: &str) -> Violation {
    let (problem, allowed) = explain(error.kind());
    let at = format!("{prefix}{}", error.instance_path().as_str());
    let mut violation = Violation::new(place, &at, problem);
    violation.allowed = allowed;
    if matches!(error.kind(), Kind::Type { .. }) {
        violation.found = Some(type_of(error.instance()));
    }
    violation
}

/// The problem in words, and what would be right.
fn explain(kind: &Kind) -> (String, Option<Value>) {
    let plain = |problem: &str| (problem.to_owned(), None);
    let limit = |problem: &str, limit: Value| (problem.to_owned(), Some(limit));
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => limit("is of another type", one.to_string().into()),
        Kind::Type { kind: TypeKind::Multiple(types) } => {
            limit("is of another type", types.iter().map(|one| one.to_string()).collect::<Vec<_>>().into())
        }
        Kind::Required { property } => limit("a required property is missing", property.clone()),
        Kind::Enum { options } => limit("is not one of the allowed values", few(options)),
        Kind::Constant { expected_value } => limit("is not the allowed value", few(expected_value)),
        Kind::Format { format } => limit("is not of the format", format.as_str().into()),
        Kind::Pattern { pattern } => limit("does not match the pattern", pattern.as_str().into()),
        Kind::Maximum { limit: max } => limit("is greater than the maximum", max.clone()),
        Kind::Minimum { limit: min } => limit("is less than the minimum", min.clone()),
        Kind::ExclusiveMaximum { limit: max } => limit("is not less than", max.clone()),
        Kind::ExclusiveMinimum { limit: min } => limit("is not greater than", min.clone()),
        Kind::MultipleOf { multiple_of } => limit("is not a multiple of", json!(multiple_of)),
        Kind::MaxLength { limit: max } => limit("is longer than the maximum of characters", (*max).into()),
        Kind::MinLength { limit: min } => limit("is shorter than the minimum of characters", (*min).into()),
        Kind::MaxItems { limit: max } => limit("has more items than allowed", (*max).into()),
        Kind::MinItems { limit: min } => limit("has fewer items than needed", (*min).into()),
        Kind::MaxProperties { limit: max } => limit("has more properties than allowed", (*max).into()),
        Kind::MinProperties { limit: min } => limit("has fewer properties than needed", (*min).into()),
        Kind::AdditionalItems { limit: max } => limit("has more items than allowed", (*max).into()),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            (names("has properties that are not known", unexpected), None)
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => alternatives(context),
        Kind::OneOfMultipleValid { .. } => plain("matches more than one of the alternatives"),
        Kind::Not { .. } | Kind::FalseSchema => plain("is not allowed here"),
        Kind::UniqueItems => plain("has equal items"),
        Kind::Contains => plain("has too few or too many items of the kind asked for"),
        Kind::PropertyNames { error } => {
            let (problem, allowed) = explain(error.kind());
            (format!("has a property whose name {problem}"), allowed)
        }
        other => (format!("does not satisfy {}", other.keyword()), None),
    }
}

/// What keeps each alternative from matching, in short.
fn alternatives(context: &[Vec<ValidationError<'static>>]) -> (String, Option<Value>) {
    let first = |errors: &Vec<ValidationError<'static>>| {
        let error = errors.first()?;
        let (problem, allowed) = match error.kind() {
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                ("matches none of its alternatives".to_owned(), None)
            }
            kind => explain(kind),
        };
        let mut object = serde_json::Map::new();
        object.insert("at".to_owned(), error.instance_path().as_str().into());
        object.insert("problem".to_owned(), problem.into());
        object.extend(allowed.map(|allowed| ("allowed".to_owned(), allowed)));
        Some(Value::Object(object))
    };
    let list: Vec<Value> = context.iter().take(OPTIONS_TOLD).filter_map(first).collect();
    (format!("matches none of the {} alternatives", context.len()), Some(Value::Array(list)))
}

/// The names of unknown properties are the client's own; they are told, in bounds, so that a typing error is found.
fn names(problem: &str, names: &[String]) -> String {
    let mut text = problem.to_owned();
    for (index, name) in names.iter().take(5).enumerate() {
        let name: String = name.chars().filter(|char| !char.is_control()).take(40).collect();
        let _ = write!(text, "{} {name}", if index == 0 { ":" } else { "," });
    }
    text
}

fn few(options: &Value) -> Value {
    match options {
        Value::Array(list) if list.len() > OPTIONS_TOLD => Value::Array(list[..OPTIONS_TOLD].to_vec()),
        other => other.clone(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(schema: Value, value: Value) -> Vec<Violation> {
        let mut violations = Violations::default();
        let schema = Schema::alone(&schema).unwrap();
        schema.check(&value, Place::Body, "", &mut violations);
        violations.list
    }

    #[test]
    fn every_violation_is_told_with_its_pointer_and_without_its_value() {
        let schema = json!({"type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": {
            "a": {"type": "integer", "maximum": 5}, "b": {"enum": ["x", "y"]}, "c": {"type": "string", "maxLength": 3},
            "d": {"anyOf": [{"type": "string"}, {"const": 7}]}, "e": {"format": "date"}}});
        let value = json!({"a": 98765, "c": "hunter2", "d": 98765, "e": "hunter2", "typo": 1});
        let found = problems(schema, value);
        let text = format!("{found:?}");
        assert_eq!(found.len(), 6, "{text}");
        assert!(!text.contains("hunter2") && !text.contains("98765"), "{text}");
        assert!(found.iter().any(|one| one.at == "/c" && one.allowed == Some(3.into())), "{text}");
        assert!(found.iter().any(|one| one.problem.contains("typo")), "{text}");
    }

    #[test]
    fn patterns_cannot_blow_up() {
        let schema = Schema::alone(&json!({"pattern": "^(a+)+$"})).unwrap();
        let started = std::time::Instant::now();
        let mut violations = Violations::default();
        schema.check(&json!(format!("{}!", "a".repeat(100_000))), Place::Body, "", &mut violations);
        assert_eq!(violations.list.len(), 1);
        assert!(started.elapsed().as_secs() < 30);
        assert!(Schema::alone(&json!({"pattern": "((a{1000}){1000}){1000}"})).is_err());
        assert!(Schema::alone(&json!({"pattern": "(?=lookahead)"})).is_err());
    }

    #[test]
    fn alternatives_that_contain_themselves_are_given_up_in_time() {
        let side = |name: &str| json!({"type": "object", "properties": {name: {"type": "integer"}, "l": {"$ref": "#"}, "r": {"$ref": "#"}}});
        let schema = Schema::alone(
            &json!({"oneOf": [{"type": "integer"}, side("a"), side("b"), {"$ref": "#/$defs/list"}], "$defs": {"list": {"type": "array", "items": {"$ref": "#"}}}}),
        );
        let schema = schema.unwrap();
        let started = std::time::Instant::now();
        for leaf in ["1", "null"] {
            let text = format!("{}{leaf}{}", "{\"l\":".repeat(60), "}".repeat(60));
            let mut violations = Violations::default();
            schema.check(&serde_json::from_str(&text).unwrap(), Place::Body, "", &mut violations);
            assert_eq!(
                violations.list[0].problem,
                "takes too long to compare with its schema, which contains itself"
            );
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
        let mut violations = Violations::default();
        schema.check(&json!([1, [2, [{"a": 1, "b": "x"}]]]), Place::Body, "", &mut violations);
        assert!(violations.list.is_empty(), "{violations:?}");
    }

    #[test]
    fn nothing_is_fetched() {
        assert!(Schema::alone(&json!({"$ref": "http://127.0.0.1:9/x.json"})).is_err());
        assert!(Schema::alone(&json!({"$ref": "file:///etc/passwd"})).is_err());
    }

    #[test]
    fn formats_are_asserted() {
        for (format, good, bad) in [
            ("date-time", "2026-01-02T03:04:05Z", "2026-13-02"),
            ("uuid", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "x"),
            ("email", "a@b.example", "a"),
            ("ipv4", "127.0.0.1", "1.2.3"),
            ("byte", "aGk=", "aGk"),
        ] {
            assert!(problems(json!({"format": format}), json!(good)).is_empty(), "{format}");
            assert_eq!(problems(json!({"format": format}), json!(bad)).len(), 1, "{format}");
        }
    }
}
