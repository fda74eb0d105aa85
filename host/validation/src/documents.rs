//! Documents that routes share: each file is read and compiled once per gate, however many routes name it.
//!
//! **Invariant:** a gate sees each file in one state; the next gate reads it anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use ostler_core::Error;
use ostler_core::gate::Flaw;
use ostler_core::settings::Located;

use crate::body::BodyRules;
use crate::document::{Document, Found};
use crate::operation::Operation;
use crate::schema::Schema;
use crate::source::{Broken, Source, flaw};

/// What has been compiled so far. Begin with an empty one for each gate.
#[derive(Default)]
pub struct Documents {
    known: Mutex<HashMap<(PathBuf, Format), Compiled>>,
}

/// What a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    OpenApi,
    JsonSchema,
}

/// The rules of a file, or its problems, each with its line.
type Compiled = Result<Arc<Rules>, Arc<[(Broken, Option<u64>)]>>;

/// What requests are compared with.
pub(crate) enum Rules {
    Document(Box<Document>),
    /// A schema for the body: of methods that usually have one, and of the others.
    Schema {
        with: Box<Operation>,
        without: Box<Operation>,
    },
}

impl Documents {
    /// The rules in the file at `path` below `base`, named by `key` in `line` of the configuration.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub(crate) fn rules(
        &self,
        base: &Path,
        path: &Located<PathBuf>,
        format: Format,
        key: &str,
    ) -> Result<Arc<Rules>, Vec<Flaw>> {
        let file = base.join(&path.value);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = known.entry((file.clone(), format)).or_insert_with(|| compile(&file, format));
        compiled.clone().map_err(|broken| {
            broken.iter().map(|(broken, place)| flaw(&path.value, key, path.line, broken, *place)).collect()
        })
    }
}

impl Rules {
    /// The operation for a request.
    ///
    /// # Errors
    /// `RouteNotFound` or `MethodNotAllowed`.
    pub(crate) fn find<'r, 'p>(&'r self, method: &Method, path: &'p str) -> Result<Found<'r, 'p>, Error> {
        match self {
            Rules::Document(document) => document.find(method, path),
            Rules::Schema { with, without } => {
                let usual = [Method::POST, Method::PUT, Method::PATCH].contains(method);
                Ok((if usual { with } else { without }, matchit::Params::default()))
            }
        }
    }
}

fn compile(path: &Path, format: Format) -> Compiled {
    let source = Source::read(path).map_err(|broken| {
        let line = broken.line;
        Arc::from([(broken, line)])
    })?;
    let rules = match format {
        Format::OpenApi => Document::compile(&source.value).map(Box::new).map(Rules::Document),
        Format::JsonSchema => schema(&source).map_err(|broken| vec![broken]),
    };
    rules.map(Arc::new).map_err(|broken| {
        broken
            .into_iter()
            .map(|broken| {
                let line = source.line(&broken.pointer);
                (broken, line)
            })
            .collect()
    })
}

fn schema(source: &Source) -> Result<Rules, Broken> {
    let operation = |required| {
        let schema = Schema::alone(&source.value).map_err(|(pointer, problem)| {
            let repair = "mend the schema; references may lead within it only";
            Broken::new(pointer, problem, "JSON Schema", repair)
        })?;
        let body = BodyRules::json(schema, required);
        Ok(Box::new(Operation { parameters: Vec::new(), body, responses: Vec::new() }))
    };
    Ok(Rules::Schema { with: operation(true)?, without: operation(false)? })
}
