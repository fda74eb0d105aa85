//! One flag as flagd's JSON defines it: state, variants, the default one, targeting, metadata.
//!
//! **Invariant:** a [`Flag`] answers every question; whatever could not be was refused, with its path, when it was read.

use std::fmt;
use std::sync::Arc;

use ostler_core::when::is_flag_key;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::fields::{Variants, read_default, read_metadata, read_state, read_targeting, read_variants};
use super::problem::{Problems, Refused, join, quote, show};
use super::resolution::{ErrorCode, Reason, Resolution, no_metadata};
use super::set::Source;
use super::targeting::{Answer, Evaluators, Reading, Targeting, standing_alone};
use super::{COPY_MAX, DEFINITION_MAX, NODES_MAX};

const KEYS: [&str; 5] = ["state", "variants", "defaultVariant", "targeting", "metadata"];

/// Keys that flagd's sources may carry and that change nothing.
const IGNORED: [&str; 4] = ["$comment", "$schema", "source", "selector"];

/// Whether a flag is asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Enabled,
    /// Whoever asks gets the default that they passed.
    Disabled,
}

/// A definition that was read, and found right, but is not in force.
#[derive(Debug)]
pub struct Definition {
    /// The JSON, in one line.
    pub text: String,
    /// Whether it is asked at all.
    pub state: State,
}

/// A flag, ready to be asked.
pub struct Flag {
    key: Arc<str>,
    source: Source,
    state: State,
    variants: Variants,
    default: Option<usize>,
    targeting: Option<Targeting>,
    metadata: Arc<Value>,
    text: Box<str>,
    /// What the `$ref`s of its targeting name, where it has any.
    evaluators: Option<Arc<Evaluators>>,
    digest: u128,
}

/// Where a flag stands and what holds for all around it.
pub(super) struct Place<'p> {
    pub(super) path: &'p str,
    pub(super) source: Source,
    pub(super) metadata: &'p Arc<Value>,
    /// What else changes the meaning of its text, for the digest.
    pub(super) around: &'p [u8],
    /// Most bytes of its text.
    pub(super) most: usize,
}

impl State {
    /// As flagd writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Enabled => "ENABLED",
            State::Disabled => "DISABLED",
        }
    }
}

impl Definition {
    /// Reads the JSON of one flag, such as `{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`.
    ///
    /// # Errors
    /// Every problem with its path; `$ref` is one, since what it names is defined by files.
    pub fn read(key: &str, json: &[u8]) -> Result<Self, Refused> {
        Ok(Flag::within(DEFINITION_MAX, key, json, Source::Api { version: 0 })?.into())
    }

    /// The same of what was read before, which may be a copy of a file's flag.
    pub(super) fn read_again(key: &str, json: &[u8]) -> Result<Self, Refused> {
        Ok(Flag::read(key, json, Source::Api { version: 0 })?.into())
    }

    /// That of `flag` with another state, standing alone: what its `$ref`s name is in their place, and what its file says of all
    /// its flags is said of it.
    ///
    /// # Errors
    /// None, since the bounds of both are below those of a copy.
    pub(super) fn with_state(flag: &Flag, state: State) -> Result<Self, Refused> {
        let mut json = parse(&flag.key, flag.text.as_bytes(), COPY_MAX)?;
        if let (Some(evaluators), Some(rule)) = (&flag.evaluators, json.get_mut("targeting")) {
            *rule = standing_alone(rule, evaluators);
        }
        if let Some(entries) = json.as_object_mut() {
            entries.insert("state".into(), state.as_str().into());
            if flag.metadata.as_object().is_some_and(|metadata| !metadata.is_empty()) {
                entries.insert("metadata".into(), Value::clone(&flag.metadata));
            }
        }
        Definition::read_again(&flag.key, json.to_string().as_bytes())
    }
}

impl From<Flag> for Definition {
    fn from(flag: Flag) -> Self {
        Definition { text: flag.text.into(), state: flag.state }
    }
}

impl Flag {
    /// Reads the JSON of one flag that stands alone, as it was kept.
    pub(super) fn read(key: &str, json: &[u8], source: Source) -> Result<Self, Refused> {
        Flag::within(COPY_MAX, key, json, source)
    }

    fn within(most: usize, key: &str, json: &[u8], source: Source) -> Result<Self, Refused> {
        let json = parse(key, json, most)?;
        let evaluators = Arc::default();
        let (mut problems, mut reading) = (Problems::default(), Reading::new(&evaluators, NODES_MAX));
        let metadata = no_metadata();
        let place = Place { path: &join("flags", key), source, metadata: &metadata, around: &[], most };
        let flag = Flag::from_json(key, &json, place, &mut reading, &mut problems);
        flag.filter(|_| problems.is_empty()).ok_or_else(|| problems.refused())
    }

    /// Reads one flag of a document.
    pub(super) fn from_json(
        key: &str,
        json: &Value,
        place: Place<'_>,
        reading: &mut Reading<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let path = place.path;
        if !is_flag_key(key) {
            problems.add(path, quote(key), "1 to 128 of A-Z a-z 0-9 - _ . /", "rename the flag");
            return None;
        }
        let Value::Object(entries) = json else {
            problems.add(
                path,
                show(json),
                "an object of state, variants and defaultVariant",
                "define the flag",
            );
            return None;
        };
        for unknown in
            entries.keys().filter(|key| !KEYS.contains(&key.as_str()) && !IGNORED.contains(&key.as_str()))
        {
            problems.unknown_key(path, unknown, &KEYS);
        }
        let state = read_state(entries, path, problems);
        let variants = read_variants(entries, path, problems);
        let default = variants.as_ref().and_then(|variants| read_default(entries, variants, path, problems));
        let targeting = read_targeting(entries, path, reading, problems);
        let metadata = read_metadata(entries.get("metadata"), path, place.metadata, problems);
        if let Some(own) = metadata.as_ref().filter(|own| !Arc::ptr_eq(own, place.metadata)) {
            reading.spend(0, own.to_string().len(), path, problems)?;
        }
        let text = json.to_string();
        if text.len() > place.most {
            let found = format!("{} bytes", text.len());
            problems.add(path, found, format!("at most {} bytes", place.most), "shorten the definition");
        }
        Some(Flag {
            digest: digest(key, &text, place.around),
            key: key.into(),
            source: place.source,
            state: state?,
            variants: variants?,
            default: default?,
            targeting: targeting?,
            metadata: metadata?,
            text: text.into(),
            evaluators: reading.evaluators_of(entries.get("targeting")),
        })
    }

    /// Its key.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Where it was defined.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether it is asked at all.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its definition: JSON in one line.
    pub fn definition(&self) -> &str {
        &self.text
    }

    /// Its variants, with their values.
    pub fn variants(&self) -> &[(Arc<str>, Arc<Value>)] {
        &self.variants
    }

    /// Name of its default variant; none where the default is what the code passes.
    pub fn default_variant(&self) -> Option<&Arc<str>> {
        self.default.map(|index| &self.variants[index].0)
    }

    /// Whether it has targeting.
    pub fn is_targeted(&self) -> bool {
        self.targeting.is_some()
    }

    /// What tells this definition from any other; the same for the same definition on every host.
    pub(super) fn digest(&self) -> u128 {
        self.digest
    }

    /// What it says of `context`; a value of `None` is the default of whoever asks.
    pub fn ask(&self, context: &dyn Context) -> Resolution<Option<&Arc<Value>>> {
        if self.state == State::Disabled {
            return self.answer(None, Reason::Disabled);
        }
        let Some(targeting) = &self.targeting else {
            return self
                .answer(self.default, if self.default.is_some() { Reason::Static } else { Reason::Default });
        };
        match targeting.ask(&self.key, context, self.variants.iter().map(|(name, _)| &**name)) {
            Answer::Default => self.answer(self.default, Reason::Default),
            Answer::Variant { found: Some(index), .. } => self.answer(Some(index), Reason::TargetingMatch),
            Answer::Variant { found: None, shown } => {
                let message =
                    format!("targeting of flag {:?} gave {shown}, which is none of its variants", self.key);
                self.failed(ErrorCode::General, message)
            }
            Answer::Failed(why) => {
                let message = format!("targeting of flag {:?} could not be evaluated: {why}", self.key);
                self.failed(ErrorCode::ParseError, message)
            }
        }
    }

    fn answer(&self, variant: Option<usize>, reason: Reason) -> Resolution<Option<&Arc<Value>>> {
        let variant = variant.map(|index| &self.variants[index]);
        Resolution {
            value: variant.map(|(_, value)| value),
            variant: variant.map(|(name, _)| name.clone()),
            reason,
            error: None,
            message: None,
            metadata: self.metadata.clone(),
        }
    }

    fn failed(&self, error: ErrorCode, message: String) -> Resolution<Option<&Arc<Value>>> {
        Resolution { metadata: self.metadata.clone(), ..Resolution::failed(None, error, message) }
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("key", &self.key).field("definition", &self.text).finish_non_exhaustive()
    }
}

/// `json` may be longer than the text that is kept of it, which has no spaces.
fn parse(key: &str, json: &[u8], most: usize) -> Result<Value, Refused> {
    let path = join("flags", key);
    if json.len() > 2 * most {
        let found = format!("{} bytes", json.len());
        return Err(Refused::one(&path, found, format!("at most {most} bytes"), "shorten it"));
    }
    let repair = "correct it; docs/flags.md shows a definition";
    serde_json::from_slice(json).map_err(|error| Refused::one(&path, error.to_string(), "JSON", repair))
}

fn digest(key: &str, text: &str, around: &[u8]) -> u128 {
    let hash =
        Sha256::new().chain_update(key).chain_update([0]).chain_update(text).chain_update(around).finalize();
    hash.iter().take(16).fold(0, |digest, byte| digest << 8 | u128::from(*byte))
}
