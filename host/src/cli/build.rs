//! `ostler build`: a source folder becomes a component.

use std::path::PathBuf;

use clap::Args;
use ostler_toolchain::{BuildError, Built, Options};
use serde_json::json;

use super::{Failure, say};

/// Build a component from a source folder
///
/// Finds out the language of the folder, compiles it to WebAssembly, makes a component of that and checks that it exports a
/// handler. Rust needs the WebAssembly target of rustup, or Debian's compiler with its library source; which of them was
/// chosen is told, and if neither is there, the command that installs one.
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
        if self.json {
            say::json(&json!({
                "path": built.path,
                "size": built.size,
                "digest": built.digest.to_string(),
                "handler": built.handler,
                "language": format!("{:?}", built.language),
            }));
        } else {
            say::line(words(&built));
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

/// A built component in one line.
pub(super) fn words(built: &Built) -> String {
    format!("{}: {}, {}, {}", built.path.display(), say::size(built.size), built.handler, built.digest)
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
