//! A whole OpenAPI document, compiled: paths, their methods, and what each takes and answers.
//!
//! **Invariant:** a document that compiled has an answer for every request; what is broken in it is told whole, not the first only.

use http::{HeaderValue, Method};
use jsonschema::Registry;
use ostler_core::{Error, Kind};
use serde_json::Value;

use crate::compile::{At, Compile};
use crate::meter;
use crate::operation::{Operation, unknown_path};
use crate::response;
use crate::schema::DOCUMENT;
use crate::source::{Broken, escaped};
use crate::translate::{Side, Translated, Version, translate};

/// Problems of one document that are told.
const PROBLEMS_MAX: usize = 20;

/// What a document says, ready to be compared with.
pub(crate) struct Document {
    /// Path of the first server, without a slash at its end.
    prefix: String,
    paths: matchit::Router<PathItem>,
}

struct PathItem {
    operations: Vec<(Method, Operation)>,
    allow: HeaderValue,
}

/// An operation, and the variables of the path that led to it.
pub(crate) type Found<'r, 'p> = (&'r Operation, matchit::Params<'r, 'p>);

impl Document {
    /// Compiles what was read; responses only if they are to be checked.
    ///
    /// # Errors
    /// All that is wrong, in the order of the document.
    pub(crate) fn compile(written: &Value) -> Result<Self, Vec<Broken>> {
        let version = version(written).map_err(|broken| vec![broken])?;
        let translated = translate(written, version, Side::Request);
        let answers = translate(written, version, Side::Response);
        let mut broken = translated.broken.clone();
        broken.extend(schemas(&translated));
        told(broken)?;
        let (asked, answered) = (meter::metered(&translated.root), meter::metered(&answers.root));
        let (registry, answering) = (registry(&asked)?, registry(&answered)?);
        let requests = Compile { written, root: &translated.root, registry: &registry, version };
        let responses = Compile { written, root: &answers.root, registry: &answering, version };
        let mut document = Document { prefix: prefix(written), paths: matchit::Router::new() };
        let mut broken = Vec::new();
        let root =
            At { pointer: "/paths".to_owned(), value: translated.root.get("paths").unwrap_or(&Value::Null) };
        let items = requests.members(&root).map_err(|broken| vec![broken])?;
        for (path, item) in items.into_iter().filter(|(path, _)| !path.starts_with("x-")) {
            document.add(&requests, &responses, path, &item, &mut broken);
        }
        told(broken)?;
        Ok(document)
    }

    fn add(
        &mut self,
        requests: &Compile<'_>,
        responses: &Compile<'_>,
        path: &str,
        item: &At<'_>,
        broken: &mut Vec<Broken>,
    ) {
        let at = format!("/paths/{}", escaped(path));
        match PathItem::compile(requests, responses, path, item) {
            Ok(item) => {
                let conflict = self.paths.insert(path, item).err().map(|error| {
                    let allowed = "paths that begin with / and have at most one variable between two slashes, beside others that no path is both of";
                    Broken::new(at, format!("the path cannot be told apart: {error}"), allowed, "write the path in another way")
                });
                broken.extend(conflict);
            }
            Err(problem) => broken.push(problem),
        }
    }

    /// The operation for a request.
    ///
    /// # Errors
    /// `RouteNotFound`, or `MethodNotAllowed` with `Allow`.
    pub(crate) fn find<'r, 'p>(&'r self, method: &Method, path: &'p str) -> Result<Found<'r, 'p>, Error> {
        let own = path.strip_prefix(self.prefix.as_str()).filter(|rest| rest.starts_with('/'));
        let matched = self.paths.at(own.unwrap_or(path)).map_err(|_| unknown_path())?;
        let of = |wanted: &Method| matched.value.operations.iter().find(|(method, _)| method == wanted);
        let found = of(method).or_else(|| if method == Method::HEAD { of(&Method::GET) } else { None });
        match found {
            Some((_, operation)) => Ok((operation, matched.params)),
            None => Err(Error::new(
                Kind::MethodNotAllowed,
                "the document of this route does not have this method here",
            )
            .field(http::header::ALLOW, matched.value.allow.clone())),
        }
    }
}

impl PathItem {
    fn compile(
        requests: &Compile<'_>,
        responses: &Compile<'_>,
        path: &str,
        at: &At<'_>,
    ) -> Result<Self, Broken> {
        let shared = requests
            .member(at, "parameters")?
            .map(|list| requests.items(&list))
            .transpose()?
            .unwrap_or_default();
        let mut operations = Vec::new();
        for (name, method) in METHODS {
            let Some(at) = requests.member(at, name)? else { continue };
            let mut operation = Operation::compile(requests, &at, &shared)?;
            variables(path, &operation, &at)?;
            let value = responses.root.pointer(&at.pointer).unwrap_or(&Value::Null);
            operation.responses = response::compile(responses, &At { pointer: at.pointer, value })?;
            operations.push((method, operation));
        }
        let mut names: Vec<_> = operations.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") && !names.contains(&"HEAD") {
            names.push("HEAD");
        }
        names.sort_unstable();
        let allow = HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""));
        Ok(PathItem { operations, allow })
    }
}

const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];

fn version(written: &Value) -> Result<Version, Broken> {
    let allowed = "openapi: 3.0.x or 3.1.x";
    let repair = "name an OpenAPI document (one of Swagger 2.0 has to be converted)";
    match written.get("openapi").and_then(Value::as_str) {
        Some(text) if text.starts_with("3.0.") => Ok(Version::V30),
        Some(text) if text.starts_with("3.1.") => Ok(Version::V31),
        Some(text) => Err(Broken::new("/openapi", format!("is OpenAPI {text}"), allowed, repair)),
        None => Err(Broken::new("", "does not say which OpenAPI it is", allowed, repair)),
    }
}

/// The path of the first server's URL, its variables at their defaults.
fn prefix(written: &Value) -> String {
    let Some(server) = written.pointer("/servers/0") else { return String::new() };
    let mut url = server.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url.as_str(),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.starts_with('/') { path.to_owned() } else { String::new() }
}

/// Whether all schemas are such.
fn schemas(translated: &Translated) -> Vec<Broken> {
    let check = |pointer: &String| {
        let schema = translated.root.pointer(pointer)?;
        let error = jsonschema::draft202012::meta::validate(schema).err()?;
        let pointer = format!("{pointer}{}", error.instance_path().as_str());
        if pointer.ends_with("/type") && error.instance().is_string() {
            let allowed = "null, boolean, object, array, number, integer, string, or a list of them";
            let problem = format!("{} is no type", error.instance());
            return Some(Broken::new(pointer, problem, allowed, "name the type"));
        }
        let problem: String = error.to_string().chars().take(300).collect();
        Some(Broken::new(pointer, problem, "JSON Schema", "mend the schema"))
    };
    translated.schemas.iter().filter_map(check).collect()
}

/// A parameter in the path needs a variable there.
fn variables(path: &str, operation: &Operation, at: &At<'_>) -> Result<(), Broken> {
    let in_path = operation.parameters.iter().filter(|one| one.place == crate::violation::Place::Path);
    for parameter in in_path {
        if !path.contains(&format!("{{{}}}", parameter.name)) {
            let problem = format!("the parameter {} is in no variable of the path", parameter.name);
            let broken = at.broken(
                "parameters",
                problem,
                "parameters that the path has a variable for",
                "add the variable to the path, or mend its name",
            );
            return Err(broken);
        }
    }
    Ok(())
}

fn registry(root: &Value) -> Result<Registry<'_>, Vec<Broken>> {
    let built = Registry::new().add(DOCUMENT, root).and_then(jsonschema::RegistryBuilder::prepare);
    built.map_err(|error| {
        vec![Broken::new("", error.to_string(), "references within the document", "mend the reference")]
    })
}

fn told(mut broken: Vec<Broken>) -> Result<(), Vec<Broken>> {
    broken.truncate(PROBLEMS_MAX);
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}
