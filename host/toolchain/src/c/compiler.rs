//! The compiler that makes guests of C: Debian's clang with its library for WASI, or Zig's, which a build brings itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{BuildError, Words};
use crate::tools::Tools;
use crate::venv::Venv;

/// What brings Debian's, as root.
pub(crate) const DEBIAN_COMMAND: &str = "apt-get install clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32";

/// Versions of clang that are looked for, newest first.
const VERSIONS: std::ops::RangeInclusive<u32> = 14..=29;

/// Debian's library for WASI.
const LIBC: &str = "/usr/lib/wasm32-wasi";
const HEADERS: &str = "/usr/include/wasm32-wasi";

/// Carries clang and a library for WASI in one package, on every system.
const ZIG: &str = "ziglang==0.17.1";

/// A compiler with a library for WASI.
pub(crate) enum Compiler {
    /// Debian's clang of this version.
    Debian(u32),
    /// Zig's, by the Python it was installed for.
    Zig(PathBuf),
}

impl Compiler {
    /// Debian's if it is complete, otherwise Zig's, which is installed if it is not there.
    pub(crate) fn find(tools: &Tools<'_>) -> Result<Compiler, BuildError> {
        if let Some(debian) = Compiler::installed() {
            return Ok(debian);
        }
        let venv = Venv::bring(tools, &[ZIG], Words::Keep).map_err(|error| BuildError::Tool {
            what: format!("a C compiler for WebAssembly (Zig's could not be installed: {error})"),
            command: format!("on Debian, as root: {DEBIAN_COMMAND}"),
        })?;
        Ok(Compiler::Zig(venv.program("python")))
    }

    /// Debian's newest that is complete.
    pub(crate) fn installed() -> Option<Compiler> {
        VERSIONS.rev().find(|version| is_complete(*version)).map(Compiler::Debian)
    }

    /// For people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Compiler::Debian(version) => format!("clang-{version}"),
            Compiler::Zig(_) => {
                let version = ZIG.replace("ziglang==", "");
                format!("zig cc {version}, since no clang with a library for WASI is installed")
            }
        }
    }

    /// Words that let a call of it link as well.
    pub(crate) fn linker(&self) -> Vec<String> {
        let words = ["-mexec-model=reactor".into(), "-Wl,--strip-debug".into()];
        let library = match self {
            Compiler::Debian(version) => {
                let linker = format!("-fuse-ld=/usr/bin/wasm-ld-{version}");
                vec!["-Wl,--stack-first".into(), format!("-B{LIBC}"), format!("-L{LIBC}"), linker]
            }
            // Zig's own linker puts the stack first unasked, and does not know the word.
            Compiler::Zig(_) => Vec::new(),
        };
        words.into_iter().chain(library).collect()
    }

    /// A call of it that knows what it compiles for.
    pub(crate) fn command(&self) -> Command {
        match self {
            Compiler::Debian(version) => {
                let mut clang = Command::new(format!("/usr/bin/clang-{version}"));
                clang.args(["--target=wasm32-wasip1", "--sysroot=/usr", "-isystem", HEADERS]);
                clang
            }
            Compiler::Zig(python) => {
                let mut zig = Command::new(python);
                zig.args(["-m", "ziglang", "cc", "-target", "wasm32-wasi"]);
                zig
            }
        }
    }
}

/// Whether Debian's clang of this version, its linker, the library and the compiler's own part of it are there.
fn is_complete(version: u32) -> bool {
    let has = |path: String| Path::new(&path).exists();
    let builtins = Path::new(&format!("/usr/lib/llvm-{version}/lib/clang/{version}/lib")).read_dir();
    let builtins = builtins.into_iter().flatten().flatten();
    has(format!("/usr/bin/clang-{version}"))
        && has(format!("/usr/bin/wasm-ld-{version}"))
        && has(format!("{LIBC}/crt1-reactor.o"))
        && builtins.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().contains("wasi"))
}
