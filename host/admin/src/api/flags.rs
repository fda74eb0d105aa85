//! `/v1/flags`: feature flags, what they say of a context, and changes to them.
//!
//! **Invariant:** a change that was made for another version than the flag is at is refused with 409, and changes nothing.

mod change;
mod view;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use ostler_core::Body;
use ostler_core::when::is_flag_key;
use ostler_release::flags::{Attributes, Change, Source, Store};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::{Answer, Problem, json as answer};
use super::body::receive_json;
use change::Wanted;

pub(super) fn list(store: &Store) -> Answer {
    let (set, changes) = (store.flags().all(), store.last_changes()?);
    let flags: Vec<_> =
        set.sorted().into_iter().map(|flag| view::line(flag, changes.get(&**flag.key()))).collect();
    Ok(answer(StatusCode::OK, &json!({ "version": set.version(), "flags": flags })))
}

pub(super) fn get(store: &Store, key: &str) -> Answer {
    shown(store, &decoded(key)?)
}

pub(super) async fn put(store: &Store, key: &str, request: Request<Body>) -> Answer {
    let key = decoded(key)?;
    let (headers, mut wanted) = receive(request, Some(change::DEFINITION)).await?;
    let Some(definition) = wanted.definition.take() else {
        return Err(Problem::invalid(vec![
            "definition: found nothing; allowed: a flag as flagd defines it".into(),
        ]));
    };
    let change = store.set(&key, definition.to_string().as_bytes(), wanted.note(&headers)?).await?;
    change::tell("set", &change);
    defined(&change, if change.version == 1 { StatusCode::CREATED } else { StatusCode::OK })
}

pub(super) async fn delete(store: &Store, key: &str, request: Request<Body>) -> Answer {
    let key = decoded(key)?;
    let (headers, wanted) = receive(request, None).await?;
    let change = store.remove(&key, wanted.note(&headers)?).await?;
    change::tell("removed", &change);
    Ok(answer(StatusCode::OK, &view::change(&change)))
}

pub(super) async fn toggle(store: &Store, key: &str, request: Request<Body>) -> Answer {
    let key = decoded(key)?;
    let (headers, wanted) = receive(request, Some(change::ENABLED)).await?;
    let state = wanted.state(store, &key)?;
    let change = store.toggle(&key, state, wanted.note(&headers)?).await?;
    change::tell("toggled", &change);
    defined(&change, StatusCode::OK)
}

pub(super) async fn rollback(store: &Store, key: &str, request: Request<Body>) -> Answer {
    let key = decoded(key)?;
    let (headers, wanted) = receive(request, Some(change::TO)).await?;
    let (to, from) = wanted.to(store, &key)?;
    let mut note = wanted.note(&headers)?;
    note.expected = note.expected.or(from);
    let change = store.rollback(&key, to, note).await?;
    change::tell("rolled back", &change);
    match change.definition {
        Some(_) => defined(&change, StatusCode::OK),
        None => Ok(answer(StatusCode::OK, &view::change(&change))),
    }
}

pub(super) fn history(store: &Store, key: &str) -> Answer {
    let key = decoded(key)?;
    let changes = store.history(&key)?;
    if changes.is_empty() && store.flags().all().get(&key).is_none() {
        return Err(no_such_flag(&key));
    }
    let changes: Vec<_> = changes.iter().map(view::change).collect();
    Ok(answer(StatusCode::OK, &json!({ "key": key, "changes": changes })))
}

/// What a flag says of the context in the body; nothing is counted as shown.
pub(super) async fn evaluate(store: &Store, key: &str, request: Request<Body>) -> Answer {
    let key = decoded(key)?;
    let mut asked = receive_json(request.into_body()).await?;
    let context = match asked.get_mut("context").map(Value::take) {
        None | Some(Value::Null) => Attributes::default(),
        Some(context) => Attributes::from_json(context)
            .map_err(|error| Problem::invalid(vec![format!("context: {error}")]))?,
    };
    let said = store.flags().resolve(&key, &context);
    Ok(answer(StatusCode::OK, &view::said(&key, &said)))
}

/// A flag as it is in force. Its version is that of this very definition, so that a change made for it finds out whether there is a
/// newer one; the database may know that one already.
fn shown(store: &Store, key: &str) -> Answer {
    let set = store.flags().all();
    let flag = set.get(key).ok_or_else(|| no_such_flag(key))?;
    let last = match flag.source() {
        Source::Api { version } => store.recorded(key, *version)?,
        Source::File(_) => None,
    };
    let version = flag.source().version();
    Ok(tagged(answer(StatusCode::OK, &view::whole(flag, last.as_ref())), version))
}

/// A flag as a change has defined it.
fn defined(change: &Change, status: StatusCode) -> Answer {
    Ok(tagged(answer(status, &view::defined(change)), change.version))
}

fn tagged(mut response: Response<Body>, version: u64) -> Response<Body> {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The key in a segment of the path, where `/` is written `%2F`.
fn decoded(segment: &str) -> Result<String, Problem> {
    let key = percent_decode_str(segment).decode_utf8_lossy();
    if is_flag_key(&key) {
        return Ok(key.into_owned());
    }
    let told = "a flag's key is 1 to 128 of A-Z a-z 0-9 - _ . /, with / written as %2F in a path";
    Err(Problem::invalid(vec![told.to_owned()]))
}

/// A change, which may say `own` beside what every change may.
async fn receive(request: Request<Body>, own: Option<&'static str>) -> Result<(HeaderMap, Wanted), Problem> {
    let (head, body) = request.into_parts();
    Ok((head.headers, Wanted::read(receive_json(body).await?, own)?))
}

fn no_such_flag(key: &str) -> Problem {
    let detail = format!("there is no flag {key:?}; `ostler flags list`, or GET /v1/flags, lists them");
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

#[cfg(test)]
mod tests {
    use ostler_release::flags::{ChangeError, Config, Note};
    use ostler_services::{Clock, Database, DatabaseError};

    use super::*;

    #[tokio::test]
    async fn the_version_that_is_shown_is_that_of_the_definition_that_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        let store = Store::open(database.clone(), Clock::default(), &Config::default(), None).unwrap();
        let on = r#"{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}"#;
        let note = |expected| Note { expected, who: "ada".into(), why: "because".into() };
        store.set("f", on.as_bytes(), note(None)).await.unwrap();
        // Somebody's change that is in the database, and not in force yet.
        let ahead = "INSERT INTO flag_change (key, version, definition, at, who, why) \
            SELECT key, 2, definition, at, 'eve', '' FROM flag_change";
        let written = database.write(move |tx| tx.execute_batch(ahead).map_err(DatabaseError::from));
        written.await.unwrap();
        let shown = shown(&store, "f").unwrap();
        assert_eq!(shown.headers()["etag"], "\"1\"");
        let lost = store.set("f", on.as_bytes(), note(Some(1))).await;
        assert!(matches!(lost, Err(ChangeError::Conflict { found: 2, .. })));
        // Back to before the last change, whichever that is: only if it still is the last one.
        assert_eq!(
            Wanted::read(serde_json::Value::Null, Some(change::TO)).unwrap().to(&store, "f").unwrap(),
            (1, Some(2))
        );
    }
}
