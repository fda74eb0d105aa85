//! What `ostler new --lang js` and `--lang ts` write: the templates, and the SDK that the binary carries along.

use crate::template::Kit;

/// Versions of the SDK that a project of the published one asks for.
const SDK_VERSION: &str = "^0.1.0";

pub(crate) const JAVASCRIPT: Kit = Kit { files: &JAVASCRIPT_TEMPLATE, ..TYPESCRIPT };

pub(crate) const TYPESCRIPT: Kit = Kit {
    files: &TYPESCRIPT_TEMPLATE,
    home: "sdk/js",
    sdk: &SDK,
    taken: &TAKEN,
    dependency: |folder| match folder {
        Some(folder) => format!("{:?}", format!("file:{folder}")),
        None => format!("{SDK_VERSION:?}"),
    },
    about: "\n`.ostler/sdk` is a copy of the SDK as it was when this project began: `ostler` is on no registry yet. Commit it with\n\
            the project; to use another, change the dependency in `package.json`.",
};

macro_rules! template {
    ($folder:literal $($name:literal from $path:literal)*) => {
        [$(($name, include_str!(concat!("../../templates/", $folder, "/", $path)))),*]
    };
}

const JAVASCRIPT_TEMPLATE: [(&str, &str); 6] = template! { "js"
    "package.json" from "package.json.template"
    "src/index.js" from "src/index.js"
    "tests/index.test.js" from "tests/index.test.js"
    "ostler.toml" from "ostler.toml"
    "README.md" from "README.md"
    ".gitignore" from "gitignore"
};

const TYPESCRIPT_TEMPLATE: [(&str, &str); 7] = template! { "ts"
    "package.json" from "package.json.template"
    "tsconfig.json" from "tsconfig.json"
    "src/index.ts" from "src/index.ts"
    "tests/index.test.ts" from "tests/index.test.ts"
    "ostler.toml" from "ostler.toml"
    "README.md" from "README.md"
    ".gitignore" from "gitignore"
};

/// Names that npm refuses, or that the project's own dependencies bear.
const TAKEN: [&str; 4] = ["node_modules", "ostler", "tsx", "typescript"];

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/js/", $path)))),*]
    };
}

/// The SDK's files.
pub(crate) const SDK: [(&str, &str); 35] = files! {
    "README.md"
    "package.json"
    "src/authz.js"
    "src/bytes.js"
    "src/cache.js"
    "src/component.js"
    "src/config.js"
    "src/context.js"
    "src/env.js"
    "src/experiment.js"
    "src/flags.js"
    "src/host/component.js"
    "src/host/standin.js"
    "src/http.js"
    "src/index.d.ts"
    "src/index.js"
    "src/kv.js"
    "src/log.js"
    "src/path.js"
    "src/payload.js"
    "src/problem.js"
    "src/rate-limit.js"
    "src/read.js"
    "src/respond.js"
    "src/responses.js"
    "src/router.js"
    "src/testing.d.ts"
    "src/testing.js"
    "src/testing/cache.js"
    "src/testing/capabilities.js"
    "src/testing/failure.js"
    "src/testing/flag.js"
    "src/testing/limit.js"
    "src/testing/store.js"
    "wit/plugin.wit"
};
