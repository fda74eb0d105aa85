//! Rust: cargo compiles the library crate of a folder to a core module.
//!
//! All flags that decide how the standard library is compiled are the same for every project, so that one target folder
//! needs it once; what is a project's own goes to its last compilation only.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::build::{BuildError, Compiled, Job, Words};
use crate::process::Ear;
use crate::toolchain::{Recipe, Target, Toolchain};

mod home;
mod kit;
mod manifest;

pub(crate) use kit::KIT;

use manifest::Manifest;

/// Memory beyond stack and data that an instance is born with, in bytes: a small request never grows it, and growing costs
/// a fresh instance more than all else. The linker wants whole pages.
const INITIAL_HEAP: u64 = 65536;

/// Variables of an outer cargo (`cargo xtask`, `cargo test`) that would change how guests are compiled.
const OUTER: [&str; 7] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_MANIFEST_DIR",
    "RUSTC",
];

/// Compiles the crate in the job's folder.
pub(crate) fn compile(job: &Job<'_>) -> Result<Compiled, BuildError> {
    let (dir, target_dir) = (job.dir, job.work);
    let manifest = Manifest::read(dir)?;
    let toolchain = Toolchain::find()?;
    job.say(&format!("compiling with {}", toolchain.describe()));
    let recipe = toolchain.recipe(manifest.target)?;
    let _turn = take_turn(target_dir)?;
    disown(dir, target_dir, recipe.target(), &manifest.name)?;
    let module = run(cargo(dir, target_dir, &recipe, &manifest), job.words)?;
    let bytes = std::fs::read(&module).map_err(BuildError::io(format!("reading {}", module.display())))?;
    Ok(Compiled { name: manifest.name, bytes })
}

/// The call of cargo.
fn cargo(dir: &Path, target_dir: &Path, recipe: &Recipe, manifest: &Manifest) -> Command {
    let mut cargo = Command::new("cargo");
    OUTER.into_iter().for_each(|name| {
        cargo.env_remove(name);
    });
    cargo.current_dir(dir).args(["rustc", "--release", "--lib", "--crate-type", "cdylib"]);
    cargo.args(["--message-format", "json-render-diagnostics", "--target", recipe.target().triple()]);
    cargo.arg("--target-dir").arg(target_dir);
    if let Recipe::Debian(target, debian) = recipe {
        cargo.args(["-Zbuild-std=std,panic_abort"]).env("RUSTC", &debian.rustc).env("RUSTC_BOOTSTRAP", "1");
        cargo.env(variable(*target, "LINKER"), &debian.linker);
    }
    cargo.env(variable(recipe.target(), "RUSTFLAGS"), common_flags(dir, recipe).join(" "));
    cargo.arg("--").args(last_flags(recipe, manifest));
    cargo
}

/// Flags of every compilation. Whatever is in `.cargo/config.toml` comes before them.
fn common_flags(dir: &Path, recipe: &Recipe) -> Vec<String> {
    let mut flags: Vec<String> = home::renaming(dir, recipe.target()).into_iter().collect();
    if let Recipe::Debian(Target::Wasip2, debian) = recipe {
        flags.push("-Clink-self-contained=no".into());
        flags.push(format!("-L{}", debian.libc.display()));
    }
    flags
}

/// Flags of the last compilation: the linker's.
fn last_flags(recipe: &Recipe, manifest: &Manifest) -> Vec<String> {
    let mut flags = vec![format!("-Clink-arg=-zstack-size={}", manifest.stack)];
    match recipe {
        Recipe::Installed(Target::Component) | Recipe::Debian(Target::Component, _) => {
            flags.push(format!("-Clink-arg=--initial-heap={INITIAL_HEAP}"));
        }
        Recipe::Debian(Target::Wasip2, debian) => {
            flags.push(format!("-Clink-arg={}", debian.libc.join("crt1-reactor.o").display()));
            flags.push("-Clink-arg=-lc".into());
        }
        Recipe::Installed(Target::Wasip2) => {}
    }
    flags
}

/// `CARGO_TARGET_WASM32_WASIP2_LINKER` and the like.
fn variable(target: Target, what: &str) -> String {
    format!("CARGO_TARGET_{}_{what}", target.triple().to_uppercase().replace('-', "_"))
}

/// Runs cargo and returns the module it reports.
fn run(mut cargo: Command, words: Words) -> Result<PathBuf, BuildError> {
    let ear = Ear::new(words)?;
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(ear.stream()?);
    let mut child =
        cargo.spawn().map_err(BuildError::io("starting cargo (is Rust installed and on the path?)"))?;
    let reports = child.stdout.take().map(BufReader::new);
    let module = reports
        .into_iter()
        .flat_map(|reports| reports.lines().map_while(Result::ok))
        .filter_map(|line| module_in(&line))
        .last();
    ear.verdict(child.wait().map_err(BuildError::io("waiting for cargo"))?)?;
    module.ok_or_else(|| BuildError::Compiler { words: "cargo reports no module".into() })
}

/// The Wasm file that one of cargo's reports names.
fn module_in(report: &str) -> Option<PathBuf> {
    let report: serde_json::Value = serde_json::from_str(report).ok()?;
    let is_artifact = report.get("reason")? == "compiler-artifact";
    let files = report.get("filenames")?.as_array()?;
    let module = files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm"));
    module.filter(|_| is_artifact).map(PathBuf::from)
}

/// One build at a time in a target folder, across processes: between cargo's end and our reading, another build could
/// replace the file.
fn take_turn(target_dir: &Path) -> Result<File, BuildError> {
    let path = target_dir.join(".ostler-lock");
    let attempt = || -> std::io::Result<File> {
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    attempt().map_err(BuildError::io(format!("locking {}", path.display())))
}

/// Cargo gives Wasm libraries of one name one file, whoever builds them, and then takes another project's for this one's.
/// So the last owner of each name is written down, and a new owner finds nothing left.
fn disown(dir: &Path, target_dir: &Path, target: Target, name: &str) -> Result<(), BuildError> {
    let release = target_dir.join(target.triple()).join("release");
    let file = format!("{}.wasm", name.replace('-', "_"));
    let owners = target_dir.join("owners");
    let note = owners.join(format!("{}-{name}", target.triple()));
    let owner = dir.canonicalize().map_err(BuildError::io(format!("finding {}", dir.display())))?;
    let owner = owner.to_string_lossy();
    if std::fs::read_to_string(&note).is_ok_and(|last| last == owner) {
        return Ok(());
    }
    for stale in [release.join(&file), release.join("deps").join(&file)] {
        match std::fs::remove_file(&stale) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BuildError::io(format!("removing {}", stale.display()))(error));
            }
            _ => {}
        }
    }
    let written = std::fs::create_dir_all(&owners).and_then(|()| std::fs::write(&note, owner.as_bytes()));
    written.map_err(BuildError::io(format!("writing {}", note.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_one_cargo_reports() {
        let report = r#"{"reason":"compiler-artifact","filenames":["/t/a.rlib","/t/a.wasm"]}"#;
        assert_eq!(module_in(report), Some("/t/a.wasm".into()));
        for other in [
            "",
            "{}",
            r#"{"reason":"build-finished","success":true}"#,
            r#"{"reason":"x","filenames":["a.wasm"]}"#,
        ] {
            assert_eq!(module_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_that_changes_hands_leaves_nothing_behind() {
        let (target, one, two) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let deps = target.path().join("wasm32-unknown-unknown/release/deps");
        std::fs::create_dir_all(&deps).unwrap();
        let module = deps.join("a_b.wasm");
        disown(one.path(), target.path(), Target::Component, "a-b").unwrap();
        std::fs::write(&module, "one").unwrap();
        disown(one.path(), target.path(), Target::Component, "a-b").unwrap();
        assert!(module.exists(), "its own stays");
        disown(two.path(), target.path(), Target::Component, "a-b").unwrap();
        assert!(!module.exists(), "another's goes");
    }

    #[test]
    fn the_variables_are_those_cargo_knows() {
        assert_eq!(variable(Target::Wasip2, "LINKER"), "CARGO_TARGET_WASM32_WASIP2_LINKER");
    }
}
