//! What comes with a release, and advisories: read or refused, never a panic; and what was read is compared without one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ostler_core::Digest;
use ostler_release::admission::advisories::Advisories;
use ostler_release::admission::contents::{Contents, Package};
use ostler_release::admission::signature::{Comment, Question, judge};
use ostler_release::admission::smoke::{Requests, Seen};
use ostler_release::admission::{Config, Key, hook};

/// The key of minisign's own documentation.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 6 {
        0 => {
            let key = Key { key: KEY.into(), expires: None, revoked: false };
            let config = Config { keys: [("k".to_owned(), key)].into(), ..Config::default() };
            let question = Question { plugin: "p", component: b"x", signers: None, now: 1 };
            assert!(judge(&config, bytes, question).is_err(), "nobody has that key");
        }
        1 => {
            if let Ok(contents) = Contents::read(b"\0asm\x0d\0\x01\0", Some(bytes)) {
                let written = contents.document("p", &Digest::of(bytes));
                let again = Contents::read(b"\0asm\x0d\0\x01\0", Some(&written)).unwrap();
                assert_eq!(again.packages, contents.packages);
            }
        }
        2 => {
            let _ = Contents::read(bytes, None);
        }
        3 => {
            if let Ok(requests) = Requests::parse(bytes) {
                for request in &requests.requests {
                    let _ = request.judge(&Seen { body: bytes.to_vec().into(), ..Seen::default() });
                }
            }
        }
        4 => {
            if let Ok(advisories) = Advisories::parse(bytes) {
                let package = Package::of_purl("pkg:npm/a@1.0.0").unwrap().unwrap();
                let _ = advisories.about(&package).map(ToString::to_string).collect::<Vec<_>>();
            }
        }
        _ => {
            let text = String::from_utf8_lossy(bytes);
            let _ = Comment::parse(&text);
            let _ = hook::judge(http::StatusCode::OK, bytes);
            if let Ok(Some(package)) = Package::of_purl(&text) {
                let purl = package.purl.clone().unwrap();
                assert_eq!(Package::of_purl(&purl), Ok(Some(package)), "{purl}");
            }
        }
    }
});
