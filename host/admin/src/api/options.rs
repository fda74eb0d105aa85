//! What comes with a deployment in its query.

use serde_json::{Map, Value, json};

use super::answer::Problem;
use super::body;
use super::by::By;

/// What comes with a deployment.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    pub(super) by: By,
    /// Keys of `[plugins.NAME.rollout]`, yet to be read.
    pub(super) rollout: Value,
}

/// The options in a query: `strategy=canary&steps=1,5,100&analysis.every=2s&who=anna`.
pub(super) fn from_query(query: &str) -> Result<Options, Problem> {
    let (mut keys, mut analysis) = (Map::new(), Map::new());
    for (key, text) in form_urlencoded::parse(query.as_bytes()) {
        let value = value(&key, &text)?;
        let (table, name) = match key.strip_prefix("analysis.") {
            Some(name) => (&mut analysis, name),
            None => (&mut keys, &*key),
        };
        if table.insert(name.to_owned(), value).is_some() {
            return Err(Problem::invalid(vec![format!("{key}: given twice")]));
        }
    }
    if !analysis.is_empty() && keys.insert("analysis".to_owned(), analysis.into()).is_some() {
        return Err(Problem::invalid(vec!["analysis: given twice".to_owned()]));
    }
    let take = |keys: &mut Map<String, Value>, key| keys.remove(key).unwrap_or(Value::Null);
    let said = json!({ "who": take(&mut keys, "who"), "why": take(&mut keys, "why") });
    Ok(Options { by: body::keys(&said, By::read)?, rollout: Value::Object(keys) })
}

/// The value that a key's text means: lists with commas, tables as JSON, the rest by what the key takes.
fn value(key: &str, text: &str) -> Result<Value, Problem> {
    let not = |what: &str| Problem::invalid(vec![format!("{key}: found {text:?}; allowed: {what}")]);
    Ok(match key.strip_prefix("analysis.").unwrap_or(key) {
        "steps" => text.split(',').map(|step| Value::from(step.trim())).collect(),
        "rules" | "metrics" | "analysis" => serde_json::from_str(text).map_err(|_| not("JSON"))?,
        "unsafe_methods" => text.parse::<bool>().map_err(|_| not("true or false"))?.into(),
        "min_requests" | "failures" => text.parse::<i64>().map_err(|_| not("a whole number"))?.into(),
        "significance" | "error_rate" | "p50" | "p99" | "memory" => {
            text.parse::<f64>().map_err(|_| not("a number"))?.into()
        }
        _ => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_all_that_a_file_could() {
        let query = "strategy=canary&steps=1,%205,0.5%25&min_requests=7&unsafe_methods=true&analysis.every=2s\
            &analysis.p99=2.5&analysis.failures=3&rules=[{\"tenant\":\"a\",\"release\":\"stable\"}]&who=anna&why=new+prices";
        let Options { by, rollout } = from_query(query).unwrap();
        let expected = json!({
            "strategy": "canary", "steps": ["1", "5", "0.5%"], "min_requests": 7, "unsafe_methods": true,
            "analysis": { "every": "2s", "p99": 2.5, "failures": 3 },
            "rules": [{ "tenant": "a", "release": "stable" }],
        });
        assert_eq!((by.parts(), rollout), (("anna", "new prices"), expected));
        assert_eq!(from_query("").unwrap().rollout, json!({}));
    }

    #[test]
    fn a_query_that_makes_no_sense_is_refused() {
        let long = format!("who={}", "x".repeat(257));
        let twice = "analysis={}&analysis.every=2s";
        for query in [
            "min_requests=many",
            "strategy=ab&strategy=ab",
            "rules={",
            "unsafe_methods=yes",
            twice,
            &long,
            "who=host",
            "why=a%0Ab",
        ] {
            assert!(from_query(query).is_err(), "{query}");
        }
    }
}
