//! Changes over the API: set, toggled, removed, rolled back; each with a version, an author and a reason.

use std::future::Future;

use super::{Change, ChangeError, Store, rows};
use crate::flags::definition::{Definition, State};

/// Longest name of whoever makes a change, in bytes.
pub const WHO_MAX: usize = 256;

/// Longest reason, in bytes.
pub const WHY_MAX: usize = 1024;

/// Who changes a flag, why, and from which version on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The version that the change was made for: that of the flag when it was read, 0 for a flag that the API does not define
    /// yet. None changes whatever is there.
    pub expected: Option<u64>,
    /// Who makes it, at most 256 bytes.
    pub who: String,
    /// Why, at most 1024 bytes; may be empty.
    pub why: String,
}

impl Store {
    /// Defines `key` over the API, over whatever a file says of it.
    ///
    /// # Errors
    /// `Refused` with every problem; `Conflict`; `Invalid`; `SharedStoreGone`; `Unavailable`.
    pub async fn set(&self, key: &str, json: &[u8], note: Note) -> Result<Change, ChangeError> {
        let definition = Definition::read(key, json)?;
        self.change(key, Some(definition.text), note).await
    }

    /// Takes the definition of the API away; a file's one counts again, if there is one.
    ///
    /// # Errors
    /// `NotOfTheApi`; otherwise as [`Store::set`].
    pub async fn remove(&self, key: &str, note: Note) -> Result<Change, ChangeError> {
        self.change(key, None, note).await
    }

    /// Switches a flag on or off. One that a file defines gets a definition over the API, the same but for its state.
    ///
    /// # Errors
    /// `NoSuchFlag`; otherwise as [`Store::set`].
    pub async fn toggle(&self, key: &str, state: State, mut note: Note) -> Result<Change, ChangeError> {
        let set = self.flags().all();
        let flag = set.get(key).ok_or_else(|| ChangeError::NoSuchFlag { key: key.into() })?;
        // What is copied must not have been changed when it is written.
        note.expected = note.expected.or(Some(flag.source().version()));
        let definition = Definition::with_state(flag, state)?;
        self.change(key, Some(definition.text), note).await
    }

    /// Defines `key` as it was at the version `to`; that of a removal removes it again.
    ///
    /// # Errors
    /// `NoSuchVersion`; otherwise as [`Store::set`].
    pub async fn rollback(&self, key: &str, to: u64, note: Note) -> Result<Change, ChangeError> {
        let old = self.recorded(key, to)?;
        let old = old.ok_or_else(|| ChangeError::NoSuchVersion { key: key.into(), version: to })?;
        match old.definition {
            Some(text) => {
                let definition = Definition::read_again(key, text.as_bytes())?;
                self.change(key, Some(definition.text), note).await
            }
            None => self.remove(key, note).await,
        }
    }

    /// The change that made `key` what it was at `version`, as long as it is kept.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn recorded(&self, key: &str, version: u64) -> Result<Option<Change>, ChangeError> {
        self.0.database.read(|connection| Ok(rows::change(connection, key, version)?))
    }

    async fn change(&self, key: &str, definition: Option<String>, note: Note) -> Result<Change, ChangeError> {
        if !ostler_core::when::is_flag_key(key) {
            return Err(ChangeError::Invalid("a flag's key is 1 to 128 of A-Z a-z 0-9 - _ . /".into()));
        }
        if note.who.len() > WHO_MAX || note.why.len() > WHY_MAX {
            let text = format!("who is at most {WHO_MAX} bytes, why at most {WHY_MAX}");
            return Err(ChangeError::Invalid(text));
        }
        let (store, key) = (self.clone(), key.to_owned());
        to_its_end(async move { store.changed(key, definition, note).await }).await
    }

    async fn changed(
        &self,
        key: String,
        definition: Option<String>,
        note: Note,
    ) -> Result<Change, ChangeError> {
        let mut layers = self.0.layers.lock().await;
        let (at, Note { expected, who, why }) = (self.0.clock.now_ms(), note);
        let mut change = Change { key, version: 0, definition, at, who, why };
        if let Some(definition) = &change.definition {
            layers.check_room(&change.key, definition)?;
        }
        if let Some(shared) = &self.0.shared {
            let own = self.version(&change.key)?;
            change.version = shared.decide(&change, expected, own).await?;
        }
        let change = self.0.database.write(move |tx| {
            if change.version == 0 {
                change.version = rows::next_version(tx, &change.key, change.definition.is_some(), expected)?;
            }
            rows::write(tx, &change)?;
            if change.definition.is_none() {
                rows::forget_removed(tx)?;
            }
            Ok::<_, ChangeError>(change)
        });
        let change = change.await?;
        layers.take(&change, &self.0.stats);
        self.0.flags.put(layers.set());
        self.0.stats.changed();
        Ok(change)
    }
}

/// Goes on if the caller goes away: what is in the database has to be in force.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ChangeError>> + Send + 'static,
) -> Result<T, ChangeError> {
    match tokio::spawn(change).await {
        Ok(done) => done,
        Err(_) => Err(ChangeError::Unavailable(ostler_services::DatabaseError::Closed)),
    }
}
