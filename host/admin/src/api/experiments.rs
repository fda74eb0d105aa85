//! `/v1/experiments`: what was counted for the variants of flags under experiment, and what it shows.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use ostler_core::Body;
use ostler_release::experiments::{Comparison, NotShown};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::answer::{Answer, Problem, empty, json as answer};
use crate::control::{Control, Refusal};

pub(super) fn list(control: &Control) -> Response<Body> {
    answer(StatusCode::OK, &json!({ "experiments": control.experiments().list() }))
}

pub(super) fn get(control: &Control, name: &str, query: Option<&str>) -> Answer {
    let by = read(query.unwrap_or_default())?;
    let (summary, report) = control.experiments().report(&named(name)?, &by)?;
    let mut shown = json!(summary);
    if let (Some(shown), serde_json::Value::Object(report)) = (shown.as_object_mut(), json!(report)) {
        shown.extend(report);
    }
    Ok(answer(StatusCode::OK, &shown))
}

pub(super) async fn restart(control: &Control, name: &str) -> Answer {
    let name = named(name)?;
    match control.experiments().restart(&name).await.map_err(Refusal::from)? {
        true => Ok(empty(StatusCode::NO_CONTENT)),
        false => Err(NotShown::NoSuch(name).into()),
    }
}

/// A flag's key may have any characters.
fn named(segment: &str) -> Result<String, Problem> {
    let name = percent_decode_str(segment).decode_utf8();
    name.map(String::from).map_err(|_| Problem::invalid(vec!["the name is not UTF-8".into()]))
}

/// `against=off&split=on:90&split=off:10`.
fn read(query: &str) -> Result<Comparison, Problem> {
    let mut by = Comparison::default();
    let mut reasons = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "against" => by.against = Some(value.into_owned()),
            "split" => reasons.extend(split(&mut by.split, &value).err()),
            unknown => {
                reasons.push(format!("{unknown}: found an unknown parameter; allowed: against, split"))
            }
        }
    }
    if reasons.is_empty() { Ok(by) } else { Err(Problem::invalid(reasons)) }
}

fn split(weights: &mut BTreeMap<String, f64>, value: &str) -> Result<(), String> {
    let read =
        value.rsplit_once(':').and_then(|(variant, weight)| Some((variant, weight.parse::<f64>().ok()?)));
    match read {
        Some((variant, weight)) if (0.0..=1e9).contains(&weight) => {
            weights.insert(variant.to_owned(), weight);
            Ok(())
        }
        _ => {
            Err(format!("split: found {value:?}; allowed: VARIANT:WEIGHT, as on:50, with a weight from 0 on"))
        }
    }
}

impl From<NotShown> for Problem {
    fn from(error: NotShown) -> Self {
        match error {
            NotShown::NoSuch(_) => Problem::new(StatusCode::NOT_FOUND, "not_found", error.to_string()),
            NotShown::NoSuchVariant { .. } | NotShown::NoWeight { .. } => {
                Problem::invalid(vec![error.to_string()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_read_from_the_query_and_nonsense_is_told() {
        let by = read("against=off&split=on:90&split=a%3Ab:10").unwrap();
        assert_eq!(by.against.as_deref(), Some("off"));
        assert_eq!(by.split, [("on".to_owned(), 90.0), ("a:b".to_owned(), 10.0)].into());
        for bad in ["splt=on:1", "split=on", "split=on:-1", "split=on:nan", "split=on:inf", "split=on:1e300"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(named("%ff").is_err());
        assert_eq!(named("new%2Fcheckout%20x").unwrap(), "new/checkout x");
    }
}
