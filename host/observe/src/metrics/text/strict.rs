//! A strict reader of the text format: everything Prometheus would refuse or warn about is an error here.

use std::collections::{BTreeMap, HashSet};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Samples by family.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, Vec<Sample>>, String> {
    let mut families: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    let mut help = None;
    let mut seen = HashSet::new();
    if !text.ends_with('\n') {
        return Err("no newline at the end".into());
    }
    for line in text.lines() {
        let wrong = |why: &str| Err(format!("{why}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(name, _)| name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else { return wrong("no type") };
            if help.as_deref() != Some(name) || !["counter", "gauge", "histogram"].contains(&kind) {
                return wrong("type without its help, or of no kind");
            }
            if (kind == "counter") != name.ends_with("_total") {
                return wrong("_total is for counters");
            }
            if families.insert(name.to_owned(), Vec::new()).is_some() {
                return wrong("a family in two places");
            }
            open = Some((name.to_owned(), kind.to_owned()));
        } else {
            let sample = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
            let Some((family, kind)) = &open else { return wrong("a sample outside of a family") };
            let suffix = sample.name.strip_prefix(family.as_str());
            let fits = match kind.as_str() {
                "histogram" => matches!(suffix, Some("_bucket" | "_sum" | "_count")),
                _ => suffix == Some(""),
            };
            if !fits || !seen.insert(format!("{}{:?}", sample.name, sample.labels)) {
                return wrong("a sample of another family, or twice");
            }
            families.entry(family.clone()).or_default().push(sample);
        }
    }
    families.values().try_for_each(|samples| buckets_rise(samples))?;
    Ok(families)
}

fn buckets_rise(samples: &[Sample]) -> Result<(), String> {
    let mut last = 0.0;
    for sample in samples {
        if sample.name.ends_with("_bucket") {
            if sample.value < last {
                return Err(format!("buckets fall: {sample:?}"));
            }
            last = sample.value;
        } else if sample.name.ends_with("_count") {
            if sample.value != last {
                return Err(format!("count is not the last bucket: {sample:?}"));
            }
            last = 0.0;
        }
    }
    Ok(())
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let name = &line[..end];
    let mut rest = &line[end..];
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            valid(label).then_some(())?;
            labels.push((label.to_owned(), value));
            match after.as_bytes().first()? {
                b',' => rest = &after[1..],
                b'}' => {
                    rest = &after[1..];
                    break;
                }
                _ => return None,
            }
        }
    }
    valid(name).then_some(())?;
    Some(Sample { name: name.to_owned(), labels, value: rest.strip_prefix(' ')?.parse().ok()? })
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                _ => return None,
            },
            other => value.push(other),
        }
    }
    None
}

fn valid(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
