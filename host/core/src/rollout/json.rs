//! A rollout's spec as it is stored and shown: under the keys that are read.

use serde_json::{Map, Value, json};

use super::{AnalysisSpec, MetricRule, RolloutSpec, Rule, Sticky};
use crate::settings::{Node, Problem, Problems};
use crate::unit::format_duration;

impl RolloutSpec {
    /// What is stored and shown of it.
    pub fn to_json(&self) -> Value {
        present(json!({
            "strategy": self.strategy.as_str(),
            "keep": format_duration(self.keep),
            "steps": self.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "share": self.share.map(|share| share.to_string()),
            "interval": format_duration(self.interval),
            "min_requests": self.min_requests,
            "sticky": self.sticky.to_string(),
            "testers": self.testers,
            "rules": self.rules.iter().map(Rule::to_json).collect::<Vec<_>>(),
            "unsafe_methods": self.unsafe_methods,
            "analysis": self.analysis.to_json(),
        }))
    }

    /// What [`RolloutSpec::to_json`] wrote, and what of it this version does not understand, if another one wrote it: that
    /// has its default, so whoever goes by the rest must look at it. What the other one did not know has its default too.
    pub fn from_json(json: &Value) -> (Self, Vec<Problem>) {
        let problems = Problems::new("rollout");
        let node = Node::from_json(json);
        let mut section = node.section("", &problems);
        let spec = RolloutSpec::read(&mut section, &RolloutSpec::default());
        section.finish();
        (spec, problems.into_vec())
    }
}

impl AnalysisSpec {
    fn to_json(&self) -> Value {
        json!({
            "every": format_duration(self.every),
            "failures": self.failures,
            "significance": self.significance,
            "error_rate": self.error_rate,
            "p50": self.p50,
            "p99": self.p99,
            "memory": self.memory,
            "metrics": self.metrics.iter().map(MetricRule::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Rule {
    fn to_json(&self) -> Value {
        let (header, value) = self.header.clone().unzip();
        let release = if self.candidate { "candidate" } else { "stable" };
        present(
            json!({ "tenant": self.tenant, "header": header, "value": value.flatten(), "release": release }),
        )
    }
}

impl MetricRule {
    fn to_json(&self) -> Value {
        present(json!({ "name": self.name, "at_least": self.at_least, "at_most": self.at_most }))
    }
}

impl std::fmt::Display for Sticky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sticky::Principal => f.write_str("principal"),
            Sticky::Address => f.write_str("address"),
            Sticky::Cookie(name) => write!(f, "cookie:{name}"),
            Sticky::Header(name) => write!(f, "header:{name}"),
        }
    }
}

/// Without the keys that say nothing.
fn present(json: Value) -> Value {
    let Value::Object(map) = json else { return json };
    Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}
