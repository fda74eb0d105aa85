//! What `ostler new --lang go` writes: the template, and the SDK that the binary carries along.

use crate::template::Kit;

pub(crate) const KIT: Kit = Kit {
    files: &TEMPLATE,
    home: "sdk/go",
    sdk: &SDK,
    taken: &TAKEN,
    dependency: |folder| match folder {
        Some(folder) if folder.starts_with('/') || folder.starts_with("../") => folder.to_owned(),
        Some(folder) => format!("./{folder}"),
        None => "./.ostler/sdk".to_owned(),
    },
    about: "\n`.ostler/sdk` is a copy of Ostler's SDK for Go as it was when this project began. Commit it with the project; to use\n\
            another, change the `replace` line in `go.mod`.",
};

const TEMPLATE: [(&str, &str); 6] = [
    ("go.mod", include_str!("../../templates/go/go.mod.template")),
    ("main.go", include_str!("../../templates/go/main.go.template")),
    ("main_test.go", include_str!("../../templates/go/main_test.go.template")),
    ("ostler.toml", include_str!("../../templates/go/ostler.toml")),
    ("README.md", include_str!("../../templates/go/README.md")),
    (".gitignore", include_str!("../../templates/go/gitignore")),
];

/// Names of Go's own packages, which a module beside them cannot bear, and the SDK's.
const TAKEN: [&str; 59] = [
    "archive",
    "arena",
    "bufio",
    "builtin",
    "bytes",
    "cmd",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "main",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "ostler",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "std",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testdata",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "vendor",
    "weak",
];

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/go/", $path)))),*]
    };
}

/// The SDK's files.
const SDK: [(&str, &str); 62] = files! {
    "README.md"
    "authz/authz.go"
    "cache/cache.go"
    "component_wasip1.go"
    "config/config.go"
    "experiment/experiment.go"
    "flags/flags.go"
    "go.mod"
    "internal/bindings/exports/export_ostler_plugin_http_handler/handler.go"
    "internal/bindings/exports/wit_exports/wit_exports.go"
    "internal/bindings/imports/ostler_plugin_authz/empty.s"
    "internal/bindings/imports/ostler_plugin_authz/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_cache/empty.s"
    "internal/bindings/imports/ostler_plugin_cache/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_config/empty.s"
    "internal/bindings/imports/ostler_plugin_config/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_context/empty.s"
    "internal/bindings/imports/ostler_plugin_context/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_experiment/empty.s"
    "internal/bindings/imports/ostler_plugin_experiment/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_flags/empty.s"
    "internal/bindings/imports/ostler_plugin_flags/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_http_client/empty.s"
    "internal/bindings/imports/ostler_plugin_http_client/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_http_handler/empty.s"
    "internal/bindings/imports/ostler_plugin_http_handler/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_kv/empty.s"
    "internal/bindings/imports/ostler_plugin_kv/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_log/empty.s"
    "internal/bindings/imports/ostler_plugin_log/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_rate_limit/empty.s"
    "internal/bindings/imports/ostler_plugin_rate_limit/wit_bindings.go"
    "internal/bindings/imports/ostler_plugin_types/empty.s"
    "internal/bindings/imports/ostler_plugin_types/wit_bindings.go"
    "internal/host/component_wasip1.go"
    "internal/host/flags_wasip1.go"
    "internal/host/gate_wasip1.go"
    "internal/host/host.go"
    "internal/serve/serve.go"
    "internal/wit/LICENSE"
    "internal/wit/README.md"
    "internal/wit/runtime/arena_other.go"
    "internal/wit/runtime/arena_wasip1.go"
    "internal/wit/runtime/empty.s"
    "internal/wit/runtime/runtime.go"
    "internal/wit/types/option.go"
    "internal/wit/types/result.go"
    "internal/wit/types/tuple.go"
    "internal/wit/types/unit.go"
    "json.go"
    "kv/kv.go"
    "log.go"
    "ostler.go"
    "ostlertest/flags.go"
    "ostlertest/gate.go"
    "ostlertest/host.go"
    "ostlertest/store.go"
    "principal.go"
    "problem.go"
    "ratelimit/ratelimit.go"
    "transport.go"
    "wit/plugin.wit"
};
