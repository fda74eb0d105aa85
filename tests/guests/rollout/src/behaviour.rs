//! How this release behaves: words of a text in the component's bytes, which `harness::behaving` writes there, so that one build
//! gives as many releases as a test needs. The text begins with a mark and is as long as the room that was left for it.

use std::hint::black_box;
use std::sync::OnceLock;

/// The mark, then the room for words: 256 bytes in all.
static TEXT: [u8; 256] = {
    let (mark, mut text) = (*b"ostler-behaves: ", [b' '; 256]);
    let mut at = 0;
    while at < mark.len() {
        text[at] = mark[at];
        at += 1;
    }
    text
};

/// What the words say.
pub struct Behaviour {
    /// `version=v1`: what `/` answers.
    pub version: String,
    /// `fail=2.5`: per cent of the requests that fail, told apart by their id.
    pub fail: f64,
    /// `how=status` (a 500, the default), `error`, `trap` or `spin`: how they fail.
    pub how: String,
    /// `work=100000`: rounds of a few instructions before each answer.
    pub work: u64,
    /// `leak=65536`: bytes that each request keeps.
    pub leak: usize,
    /// `track=NAME:VALUE`: a metric that each request reports.
    pub track: Option<(String, f64)>,
    /// `shape=other`: another form of `/json`.
    pub other_shape: bool,
}

/// That of this release, read once per instance.
pub fn behaviour() -> &'static Behaviour {
    static READ: OnceLock<Behaviour> = OnceLock::new();
    READ.get_or_init(|| read(std::str::from_utf8(black_box(&TEXT)).unwrap_or_default()))
}

fn read(text: &str) -> Behaviour {
    let words = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
    let word = |name: &str| words.clone().find(|(known, _)| *known == name).map(|(_, value)| value);
    let track = word("track").and_then(|track| track.split_once(':'));
    Behaviour {
        version: word("version").unwrap_or("v0").into(),
        fail: number(word("fail")),
        how: word("how").unwrap_or("status").into(),
        work: number(word("work")),
        leak: number(word("leak")),
        track: track.map(|(name, value)| (name.into(), number(Some(value)))),
        other_shape: word("shape") == Some("other"),
    }
}

/// What is there has to be a number: a test that misspells one is to fail.
fn number<T: std::str::FromStr + Default>(text: Option<&str>) -> T {
    match text.map(str::parse) {
        Some(Ok(number)) => number,
        Some(Err(_)) => panic!("a word of this release's behaviour is no number"),
        None => T::default(),
    }
}
