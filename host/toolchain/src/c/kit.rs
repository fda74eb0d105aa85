//! What `ostler new --lang c` writes: the template, and the SDK that the binary carries along.

use crate::template::Kit;

pub(crate) const KIT: Kit = Kit {
    files: &TEMPLATE,
    home: "sdk/c",
    sdk: &SDK,
    taken: &["ostler"],
    dependency: |folder| folder.unwrap_or(".ostler/sdk").to_owned(),
    about: "\n`.ostler/sdk` is a copy of Ostler's SDK for C as it was when this project began. Commit it with the project; to use\n\
            another, change `SDK` in `Makefile`.",
};

const TEMPLATE: [(&str, &str); 6] = [
    ("handler.c", include_str!("../../templates/c/handler.c")),
    ("handler_test.c", include_str!("../../templates/c/handler_test.c")),
    ("Makefile", include_str!("../../templates/c/Makefile.template")),
    ("ostler.toml", include_str!("../../templates/c/ostler.toml")),
    ("README.md", include_str!("../../templates/c/README.md")),
    (".gitignore", include_str!("../../templates/c/gitignore")),
];

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/c/", $path)))),*]
    };
}

/// The SDK's files.
const SDK: [(&str, &str); 30] = files! {
    "README.md"
    "bindings/typed.c"
    "bindings/typed.h"
    "include/ostler.h"
    "include/ostler_flags.h"
    "include/ostler_gate.h"
    "include/ostler_json.h"
    "ostler.mk"
    "src/arena.c"
    "src/cache.c"
    "src/export.c"
    "src/flags.c"
    "src/gate.c"
    "src/host.c"
    "src/http.c"
    "src/internal.h"
    "src/json_read.c"
    "src/json_write.c"
    "src/kv.c"
    "src/request.c"
    "src/response.c"
    "src/text.c"
    "src/uri.c"
    "testing/flags.c"
    "testing/gate.c"
    "testing/host.c"
    "testing/ostler_testing.h"
    "testing/stand_ins.h"
    "testing/store.c"
    "wit/plugin.wit"
};
