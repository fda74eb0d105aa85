//! What `ostler new --lang rust` writes: the template, and the SDK that the binary carries along.

use crate::template::Kit;

/// Version of the SDK that a project of the published one asks for.
const SDK_VERSION: &str = "0.1";

pub(crate) const KIT: Kit = Kit {
    files: &TEMPLATE,
    home: "sdk/rust",
    sdk: &SDK,
    taken: &TAKEN,
    dependency: |folder| match folder {
        Some(folder) => format!("{{ path = {folder:?} }}"),
        None => format!("{SDK_VERSION:?}"),
    },
    about: "\n`.ostler/sdk` is a copy of the SDK as it was when this project began: `ostler-sdk` is on no registry yet. Commit it\n\
            with the project; to use another, change the dependency in `Cargo.toml`.",
};

const TEMPLATE: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../templates/rust/Cargo.toml.template")),
    ("src/lib.rs", include_str!("../../templates/rust/src/lib.rs")),
    ("ostler.toml", include_str!("../../templates/rust/ostler.toml")),
    ("README.md", include_str!("../../templates/rust/README.md")),
    (".gitignore", include_str!("../../templates/rust/gitignore")),
];

/// Names that would not compile, or that the project's own dependencies bear.
const TAKEN: [&str; 48] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "ostler-sdk",
    "ostler_sdk",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "use",
];

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/rust/", $path)))),*]
    };
}

/// The SDK's files.
const SDK: [(&str, &str); 30] = files! {
    "Cargo.toml"
    "README.md"
    "macros/Cargo.toml"
    "macros/src/lib.rs"
    "src/arena.rs"
    "src/authz.rs"
    "src/bindings.rs"
    "src/cache.rs"
    "src/config.rs"
    "src/context.rs"
    "src/error.rs"
    "src/experiment.rs"
    "src/export.rs"
    "src/flags.rs"
    "src/heap.rs"
    "src/http.rs"
    "src/kv.rs"
    "src/lib.rs"
    "src/log.rs"
    "src/rate_limit.rs"
    "src/request.rs"
    "src/response.rs"
    "src/testing.rs"
    "src/testing/cache.rs"
    "src/testing/capabilities.rs"
    "src/testing/flag.rs"
    "src/testing/limit.rs"
    "src/testing/store.rs"
    "src/uri.rs"
    "wit/plugin.wit"
};
