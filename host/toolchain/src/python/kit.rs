//! What `ostler new --lang python` writes: the template, and the SDK that the binary carries along.

use crate::template::Kit;

/// Version of the SDK that a project of the published one asks for.
const SDK_VERSION: &str = "0.1";

pub(crate) const KIT: Kit = Kit {
    files: &TEMPLATE,
    home: "sdk/python",
    sdk: &SDK,
    taken: &["ostler", "ostler-sdk", "ostler_sdk"],
    // In quotes, as both TOML and Python read it.
    dependency: |folder| format!("{:?}", folder.unwrap_or(SDK_VERSION)),
    about: "\n`.ostler/sdk` is a copy of the SDK as it was when this project began: `ostler-sdk` is on no registry yet. Commit it\n\
            with the project; to use another, change `sdk` in `pyproject.toml`.",
};

const TEMPLATE: [(&str, &str); 7] = [
    ("pyproject.toml", include_str!("../../templates/python/pyproject.toml")),
    ("app.py", include_str!("../../templates/python/app.py")),
    ("tests/__init__.py", include_str!("../../templates/python/tests/__init__.py")),
    ("tests/test_app.py", include_str!("../../templates/python/tests/test_app.py")),
    ("ostler.toml", include_str!("../../templates/python/ostler.toml")),
    ("README.md", include_str!("../../templates/python/README.md")),
    (".gitignore", include_str!("../../templates/python/gitignore")),
];

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../../sdk/python/", $path)))),*]
    };
}

/// The SDK's files.
const SDK: [(&str, &str); 32] = files! {
    "README.md"
    "ostler/__init__.py"
    "ostler/_host.py"
    "ostler/_json.py"
    "ostler/_keep.py"
    "ostler/_path.py"
    "ostler/_wasm.py"
    "ostler/asgi.py"
    "ostler/authz.py"
    "ostler/cache.py"
    "ostler/config.py"
    "ostler/context.py"
    "ostler/experiment.py"
    "ostler/flags.py"
    "ostler/http.py"
    "ostler/kv.py"
    "ostler/log.py"
    "ostler/pairs.py"
    "ostler/problem.py"
    "ostler/py.typed"
    "ostler/rate_limit.py"
    "ostler/request.py"
    "ostler/response.py"
    "ostler/router.py"
    "ostler/testing/__init__.py"
    "ostler/testing/cache.py"
    "ostler/testing/flag.py"
    "ostler/testing/limit.py"
    "ostler/testing/store.py"
    "ostler/wsgi.py"
    "pyproject.toml"
    "wit/plugin.wit"
};
