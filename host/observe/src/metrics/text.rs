//! Writes the Prometheus text format, version 0.0.4.
//!
//! Samples of one family may come from several callers in any order: they are gathered and written together, since the
//! format demands it. Invariant: label values are escaped here, and nowhere else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::histogram::{BOUNDS, Histogram};

/// Labels of a sample: name and value. Names are ours and must be valid; values may be anything.
pub(crate) type Labels<'a> = [(&'a str, &'a str)];

/// Metrics being written.
#[derive(Debug, Default)]
pub struct Text(BTreeMap<&'static str, Family>);

#[derive(Debug)]
struct Family {
    help: &'static str,
    kind: &'static str,
    samples: String,
}

impl Text {
    /// A sample of a counter; `name` ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: u64) {
        let samples = self.family(name, help, "counter");
        sample(samples, name, "", labels, None);
        let _ = writeln!(samples, " {value}");
    }

    /// A sample of a gauge.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: f64) {
        let samples = self.family(name, help, "gauge");
        sample(samples, name, "", labels, None);
        let _ = writeln!(samples, " {value}");
    }

    /// All samples of a histogram; `name` ends in its unit.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &Labels<'_>,
        histogram: &Histogram,
    ) {
        let samples = self.family(name, help, "histogram");
        let mut total = 0;
        let bounds = BOUNDS.iter().map(|(_, label)| *label).chain(["+Inf"]);
        for (count, bound) in histogram.counts().into_iter().zip(bounds) {
            total += count;
            sample(samples, name, "_bucket", labels, Some(("le", bound)));
            let _ = writeln!(samples, " {total}");
        }
        sample(samples, name, "_sum", labels, None);
        let _ = writeln!(samples, " {}", histogram.seconds());
        // The sum of the buckets, so that count and +Inf agree even while requests are being counted.
        sample(samples, name, "_count", labels, None);
        let _ = writeln!(samples, " {total}");
    }

    /// All families, each under its description.
    pub(crate) fn finish(self) -> String {
        let mut out = String::new();
        for (name, family) in self.0 {
            let _ = write!(out, "# HELP {name} {}\n# TYPE {name} {}\n", family.help, family.kind);
            out.push_str(&family.samples);
        }
        out
    }

    fn family(&mut self, name: &'static str, help: &'static str, kind: &'static str) -> &mut String {
        let family = self.0.entry(name).or_insert_with(|| Family { help, kind, samples: String::new() });
        debug_assert_eq!(family.kind, kind, "{name} has two types");
        &mut family.samples
    }
}

fn sample(out: &mut String, name: &str, suffix: &str, labels: &Labels<'_>, last: Option<(&str, &str)>) {
    out.push_str(name);
    out.push_str(suffix);
    let mut before = '{';
    for (label, value) in labels.iter().copied().chain(last) {
        out.push(before);
        before = ',';
        out.push_str(label);
        out.push_str("=\"");
        escape(out, value);
        out.push('"');
    }
    if before == ',' {
        out.push('}');
    }
}

fn escape(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

/// A reader that takes nothing but what the format allows, for tests.
#[cfg(test)]
pub(crate) mod strict;
