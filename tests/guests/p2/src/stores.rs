//! Ostler's key-value stores and configuration under their WASI names.

use wasip2::http::types::ResponseOutparam;

use crate::answer::Answer;
use wasi::keyvalue::store::{self, Error};
use wasi::keyvalue::{atomics, batch};

wit_bindgen::generate!({
    path: "../../../wit",
    world: "ostler:plugin/wasi-capabilities",
    generate_all,
});

/// The value of a key, or 404.
pub fn config(out: ResponseOutparam, key: &str) {
    match wasi::config::store::get(key) {
        Ok(Some(value)) => Answer::start(out, 200, &[]).text(&value),
        Ok(None) => Answer::start(out, 404, &[]).text("none"),
        Err(error) => Answer::start(out, 502, &[]).text(&format!("{error:?}")),
    }
}

/// Walks through every function with keys that begin with `a`, and tells what each said, a line each.
pub fn keyvalue(out: ResponseOutparam, name: &str) {
    match walk(name) {
        Ok(lines) => Answer::start(out, 200, &[]).text(&lines.join("\n")),
        Err(error) => Answer::start(out, 502, &[]).text(&format!("{error:?}")),
    }
}

fn walk(name: &str) -> Result<Vec<String>, Error> {
    let bucket = store::open(name)?;
    let text = |value: Option<Vec<u8>>| value.map(|value| String::from_utf8_lossy(&value).into_owned());
    let mut lines = vec![format!("absent {:?}", text(bucket.get("a")?))];
    bucket.set("a", b"1")?;
    lines.push(format!("get {:?}", text(bucket.get("a")?)));
    lines.push(format!("exists {} {}", bucket.exists("a")?, bucket.exists("b")?));
    lines.push(format!("increment {}", atomics::increment(&bucket, "a", 41)?));
    batch::set_many(&bucket, &[("b".into(), b"2".to_vec()), ("c".into(), b"3".to_vec())])?;
    let many = batch::get_many(&bucket, &["c".into(), "none".into(), "a".into()])?;
    let many: Vec<_> =
        many.into_iter().map(|pair| pair.map(|(key, value)| (key, text(Some(value))))).collect();
    lines.push(format!("many {many:?}"));
    let mut page = bucket.list_keys(None)?;
    page.keys.sort();
    lines.push(format!("keys {:?} {:?}", page.keys, page.cursor));
    bucket.delete("a")?;
    batch::delete_many(&bucket, &["b".into(), "c".into()])?;
    lines.push(format!("left {:?}", bucket.list_keys(None)?.keys));
    Ok(lines)
}
