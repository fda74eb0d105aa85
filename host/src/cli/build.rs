//! `ostler build`: a source folder becomes a component.

use std::path::PathBuf;

use clap::Args;
use ostler_runtime::inspect::{Inspection, inspect};
use ostler_toolchain::{BuildError, Built, Options};
use serde_json::json;

use super::{Failure, say};

/// Build a component from a source folder
///
/// Finds out the language of the folder by its files, compiles it to WebAssembly, makes a component of that and checks that
/// it exports a handler. Tools that come by npm or pip are installed once, in the user's cache. What needs an administrator
/// or a choice (a Rust target, Node.js, clang) is told with the command that installs it.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler build\n  ostler build plugins/hello --output hello.wasm")]
pub(super) struct Build {
    /// The source folder
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// File to write [default: target/NAME.wasm in the source folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print what was built as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Build {
    pub(super) fn run(self) -> Result<(), Failure> {
        let options = Options { output: self.output, ..options() };
        let built = ostler_toolchain::build(&self.dir, &options).map_err(failure)?;
        let wanted = wanted(&built)?;
        if self.json {
            say::json(&json!({
                "path": built.path,
                "size": built.size,
                "digest": built.digest.to_string(),
                "handler": built.handler,
                "language": format!("{:?}", built.language),
                "imports": wanted.imports,
                "needs": wanted.needs,
            }));
        } else {
            say::line(words(&built, &wanted));
        }
        Ok(())
    }
}

/// How `build` and `dev` build: tools that builds bring are the user's, for all projects.
pub(super) fn options() -> Options {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let tools = cache.map(|cache| cache.join("ostler/tools"));
    Options { tools, tell: |line| say::aside(line), ..Options::default() }
}

/// What a built component asks of a host.
fn wanted(built: &Built) -> Result<Inspection, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", built.path.display()), "");
    let bytes = std::fs::read(&built.path).map_err(|error| told(&error))?;
    inspect(&bytes).map_err(|error| told(&error))
}

/// A built component in one line.
fn words(built: &Built, wanted: &Inspection) -> String {
    let (path, size) = (built.path.display(), say::size(built.size));
    let imports = say::count(wanted.imports.len(), "import");
    let grants = match wanted.needs.iter().map(|need| need.as_str()).collect::<Vec<_>>() {
        needs if needs.is_empty() => "no grants wanted".to_owned(),
        needs => format!("grants wanted: {}", needs.join(", ")),
    };
    format!("{path}: {size}, {}, {imports}, {grants}, {}", built.handler, built.digest)
}

/// What the toolchain says, as a failure; what the compiler said is on the terminal already.
pub(super) fn failure(error: BuildError) -> Failure {
    let repair = match &error {
        BuildError::Compiler { .. } => "mend what the compiler says above",
        BuildError::Component(_) => "`ostler new` starts a project whose component has a handler",
        _ => "",
    };
    Failure::new(error.to_string(), repair)
}
