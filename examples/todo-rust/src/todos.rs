//! To-dos in their store: each under `todo/` and its id, so that keys sort as ids do.

use ostler_sdk::kv::{self, Error, Store};
use serde::{Deserialize, Serialize};

/// Keys asked for at once, and values.
const PAGE: u32 = 1_000;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Todo {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) done: bool,
}

/// All of them.
pub(crate) struct Todos(Store);

impl Todos {
    pub(crate) fn open() -> Self {
        Todos(kv::open("todos"))
    }

    pub(crate) fn all(&self) -> Result<Vec<Todo>, Error> {
        let (mut todos, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.0.list("todo/", cursor.as_deref(), PAGE)?;
            // What is deleted between the two questions is left out.
            for value in self.0.get_many(page.keys)?.into_iter().flatten() {
                todos.push(serde_json::from_slice(&value)?);
            }
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(todos),
            }
        }
    }

    pub(crate) fn get(&self, id: i64) -> Result<Option<Todo>, Error> {
        self.0.get_json(&key(id))
    }

    pub(crate) fn add(&self, title: String) -> Result<Todo, Error> {
        let todo = Todo { id: self.0.increment("next", 1)?, title, done: false };
        self.0.set_json(&key(todo.id), &todo)?;
        Ok(todo)
    }

    /// Changes `todo`, or what others have made of it meanwhile; none if they deleted it.
    pub(crate) fn change(&self, mut todo: Todo, change: impl Fn(&mut Todo)) -> Result<Option<Todo>, Error> {
        loop {
            let before = serde_json::to_vec(&todo)?;
            change(&mut todo);
            let after = serde_json::to_vec(&todo)?;
            if self.0.compare_and_swap(&key(todo.id), Some(&before), Some(&after))? {
                return Ok(Some(todo));
            }
            match self.get(todo.id)? {
                Some(now) => todo = now,
                None => return Ok(None),
            }
        }
    }

    /// Whether it was there.
    pub(crate) fn delete(&self, id: i64) -> Result<bool, Error> {
        self.0.delete(&key(id))
    }
}

fn key(id: i64) -> String {
    format!("todo/{id:012}")
}
