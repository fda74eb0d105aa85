//! `ostler experiments`: what the variants of flags under experiment have shown so far.

use clap::Args;
use http::Method;
use serde_json::Value;

use super::releases::{now_ms, span};
use super::remote::Remote;
use super::{Failure, say};

/// Show what experiments have shown so far
///
/// Without a name, lists the flags under experiment: those with metadata "experiment": true that a plugin has asked for. With
/// one, tells what each variant has counted, and how it differs from the one it is compared with. The intervals hold all
/// together with 95 %, however often somebody looks.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  ostler experiments\n  ostler experiments new-checkout --split on=50 --split off=50\n  ostler experiments new-checkout --restart"
)]
pub(super) struct Experiments {
    /// Key of the flag
    name: Option<String>,
    /// Variant to compare the others with [default: control, off, false or the first by name]
    #[arg(long, value_name = "VARIANT", requires = "name")]
    against: Option<String>,
    /// What part of the exchanges a variant should have, as a weight; once for each variant of the flag
    #[arg(long = "split", value_name = "VARIANT=WEIGHT", requires = "name")]
    splits: Vec<String>,
    /// Forget what was counted, and start over
    #[arg(long, requires = "name", conflicts_with_all = ["against", "splits"])]
    restart: bool,
    #[command(flatten)]
    remote: Remote,
    /// Print the host's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Experiments {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Some(name) = &self.name else { return self.list() };
        let path = format!("/v1/experiments/{}", encoded(name));
        if self.restart {
            self.remote.call(Method::DELETE, &path, "")?;
            say::line(format!("{name} starts over"));
            return Ok(());
        }
        let value = self.remote.call(Method::GET, &format!("{path}{}", self.query()?), "")?.value;
        match self.json {
            true => say::json(&value),
            false => say::line(told(&value, now_ms())),
        }
        Ok(())
    }

    fn list(&self) -> Result<(), Failure> {
        let value = self.remote.call(Method::GET, "/v1/experiments", "")?.value;
        match self.json {
            true => say::json(&value),
            false => say::line(table(&value, now_ms())),
        }
        Ok(())
    }

    fn query(&self) -> Result<String, Failure> {
        let mut pairs: Vec<String> =
            self.against.iter().map(|variant| format!("against={}", encoded(variant))).collect();
        for split in &self.splits {
            let Some((variant, weight)) = split.rsplit_once('=') else {
                return Err(Failure::new(
                    format!("{split:?} is no weight"),
                    "write --split on=50 --split off=50",
                ));
            };
            pairs.push(format!("split={}", encoded(&format!("{variant}:{weight}"))));
        }
        Ok(if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) })
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn table(value: &Value, now_ms: u64) -> String {
    let experiments = value["experiments"].as_array().map(Vec::as_slice).unwrap_or_default();
    if experiments.is_empty() {
        return "no experiments; one begins with the first exchange that asks for a flag with metadata \"experiment\": true".into();
    }
    let lines = experiments.iter().map(|experiment| {
        let variants = experiment["variants"].as_object().into_iter().flatten();
        let variants: Vec<_> = variants.map(|(name, exchanges)| format!("{name} {exchanges}")).collect();
        format!("{}  begun {}  {}", text(&experiment["name"]), begun(experiment, now_ms), variants.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn told(value: &Value, now_ms: u64) -> String {
    let mut lines = vec![format!("{}, begun {}", text(&value["name"]), begun(value, now_ms))];
    for arm in value["arms"].as_array().into_iter().flatten() {
        lines.push(format!("  {}: {} exchanges", text(&arm["name"]), arm["exchanges"]));
        for (name, metric) in arm["metrics"].as_object().into_iter().flatten() {
            lines.push(format!("    {name}: {}", counted(metric)));
        }
    }
    for difference in value["differences"].as_array().into_iter().flatten() {
        lines.push(format!("- {}", text(&difference["words"])));
    }
    if let Some(words) = value["split"]["words"].as_str() {
        lines.push(format!("- {words}"));
    }
    lines.push(format!("Test: {}.", text(&value["test"])));
    lines.join("\n")
}

fn counted(metric: &Value) -> String {
    let number = |key: &str| metric[key].as_f64().map_or("?".into(), |number| format!("{number:.4}"));
    format!("{} values, mean {}, {} by exchange", metric["count"], number("mean"), number("per_exchange"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn begun(value: &Value, now_ms: u64) -> String {
    value["since_ms"]
        .as_u64()
        .map_or("?".into(), |since| format!("{} ago", span(now_ms.saturating_sub(since))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_experiment_is_told_in_words_and_a_strange_answer_breaks_nothing() {
        let value = json!({ "name": "new-checkout", "since_ms": 1_000, "test": "a test",
            "arms": [{ "name": "off", "exchanges": 200, "metrics": {
                "bought": { "count": 20, "mean": 1.0, "per_exchange": 0.1 } } }],
            "differences": [{ "words": "bought by exchange is higher in on than in off" }],
            "split": { "words": "divided as it should be" } });
        let words = told(&value, 61_000);
        for part in [
            "off: 200 exchanges",
            "bought: 20 values, mean 1.0000, 0.1000 by exchange",
            "is higher",
            "divided as",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(told(&json!([1]), 0).contains('?'));
        assert!(table(&json!({}), 0).starts_with("no experiments"));
    }
}
