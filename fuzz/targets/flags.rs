//! Files of flags, and contexts as OFREP clients send them: any bytes are a file whose every flag answers every context, or are
//! refused with reasons on one line each; no rule takes more than its steps.
#![no_main]

use std::path::Path;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use ostler_release::flags::{Attributes, Definition, Document, FlagSet, Nobody};

fuzz_target!(|said: (&[u8], &[u8])| {
    let (file, context) = said;
    let _ = Definition::read("f", file);
    let document = match Document::read(Path::new("f.json"), file) {
        Ok(document) => document,
        Err(refused) => {
            assert!(!refused.problems.is_empty());
            return assert!(refused.problems.iter().all(|problem| !problem.to_string().contains('\n')));
        }
    };
    let context = serde_json::from_slice(context).ok().and_then(|json| Attributes::from_json(json).ok());
    let set = FlagSet::new(document.flags);
    for flag in set.iter() {
        let began = Instant::now();
        let said = match &context {
            Some(context) => set.resolve(flag.key(), context),
            None => set.resolve(flag.key(), &Nobody),
        };
        assert!(said.error.is_none() || said.value.is_none(), "an error gives the default");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
});
