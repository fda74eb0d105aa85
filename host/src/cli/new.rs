//! `ostler new`: a project to start from.

use std::path::PathBuf;

use clap::Args;
use ostler_toolchain::{Language, Sdk};

use super::{Failure, say};

/// Start a plugin from a template
///
/// Makes a folder with a handler that answers, its tests, and an `ostler.toml` that serves it. `ostler dev` in that folder
/// builds it, serves it, and swaps in every change.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler new hello --lang python\n  ostler dev hello")]
pub(super) struct New {
    /// Name of the plugin and of its folder
    name: String,
    /// Language of its sources
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::NAMES, default_value = "rust")]
    lang: String,
    /// Use the language's SDK in this folder rather than a copy in the project
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<(), Failure> {
        let language = Language::named(&self.lang)
            .ok_or_else(|| Failure::new(format!("no template for {}", self.lang), ""))?;
        let sdk = match self.sdk {
            Some(folder) => Sdk::Path(std::path::absolute(&folder).unwrap_or(folder)),
            None => Sdk::Vendored,
        };
        let folder = PathBuf::from(&self.name);
        ostler_toolchain::new(&folder, &self.name, language, &sdk)
            .map_err(|error| Failure::new(error.to_string(), ""))?;
        say::line(format_args!("{0}/ is ready; `ostler dev {0}` builds and serves it", self.name));
        Ok(())
    }
}
