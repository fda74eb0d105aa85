//! Whole configuration files: what they come to, and what is told of bad ones.

use std::fs;

use tempfile::TempDir;

use super::*;

const GOOD: &str = r#"
[server]
listen = ["http://127.0.0.1:8080"]
[admin]
listen = "127.0.0.1:9080"
token_file = "admin.token"
[state]
dir = "state"
[observe]
level = "info"
[plugins.hello]
path = "hello.wasm"
instances = "warm"
memory = "64MiB"
deadline = "2s"
concurrency = 64
grant = { kv = ["hello"], config = { greeting = "${GREETING}" } }
[plugins.other]
[[routes]]
path = "/api/{*rest}"
methods = ["GET", "POST"]
host = "api.example.com"
plugin = "hello"
[[routes]]
path = "/other"
plugin = "other"
"#;

const HELLO: &str = r#"(component
    (import "ostler:plugin/kv@0.1.0" (instance))
    (instance $i) (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hello.wasm"), wat::parse_str(HELLO).unwrap()).unwrap();
    fs::write(folder.path().join("core.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
    fs::write(folder.path().join("a.txt"), "hello").unwrap();
    let import = r#"(component (import "acme:db/x" (instance)))"#;
    fs::write(folder.path().join("odd.wasm"), wat::parse_str(import).unwrap()).unwrap();
    folder
}

/// What is told of `bytes` as a file, without the folder's name.
pub(super) fn told(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let folder = folder();
    load(&folder, bytes).map_or_else(|problems| problems, |(_, warnings)| warnings)
}

fn load(folder: &TempDir, bytes: impl AsRef<[u8]>) -> Result<(Config, Vec<String>), Vec<String>> {
    let file = folder.path().join("ostler.toml");
    fs::write(&file, bytes).unwrap();
    let lookup = |name: &str| (name == "GREETING").then(|| "hi".to_owned());
    let here = format!("{}/", folder.path().display());
    let texts = |problems: Vec<Problem>| -> Vec<String> {
        problems.iter().map(|problem| problem.to_string().replace(&here, "")).collect()
    };
    match Config::load_with(&file, &lookup) {
        Ok((config, warnings)) => Ok((config, texts(warnings))),
        Err(problems) => Err(texts(problems)),
    }
}

#[test]
fn a_good_file_is_read_whole_and_paths_are_relative_to_it() {
    let folder = folder();
    let (config, warnings) = load(&folder, GOOD).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.state, folder.path().join("state"));
    assert_eq!(config.admin.token_file, folder.path().join("admin.token"));
    assert_eq!(config.plugins["hello"].spec.path, Some(folder.path().join("hello.wasm")));
    assert_eq!(config.plugins["hello"].spec.grant.config["greeting"], "hi");
    assert_eq!((config.routes[0].plugin.as_str(), config.routes[1].line), ("hello", 24));
}

#[test]
fn an_empty_file_is_all_defaults() {
    let folder = folder();
    let (config, warnings) = load(&folder, "").unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:9080");
    assert_eq!(config.admin.token_file, folder.path().join("state/admin.token"));
    assert_eq!(config.server.listen.len(), 1);
}

/// Broken files and exactly what is told of each.
const BROKEN: &[(&str, &[&str])] = &[
    (
        "[auth.a]\nkind = 'jwd'\n[auth.b]\nkind = 'mtls'\n[auth.c]\nkind = 'basic'\nusers = { anna = 'hunter2' }",
        &[
            "ostler.toml:1: error: auth: found \"b\" of kind mtls, while no listener asks for certificates; allowed: mtls beside \
             [server] tls.client_ca; repair: add client_ca = \"ca.pem\" to [server] tls",
            "ostler.toml:2: error: auth.a.kind: found \"jwd\"; allowed: \"jwt\" or \"introspection\" or \"oidc\" or \"api-key\" or \
             \"mtls\" or \"basic\"",
            "ostler.toml:7: error: auth.c.users: found \"anna\": no hash in PHC form; allowed: NAME:$argon2id$...[:ROLE,ROLE]; \
             repair: make the hash with `ostler hash-password`",
        ],
    ),
    (
        "[sever]",
        &[
            "ostler.toml:1: error: sever: found an unknown key; allowed: state, server, admin, plugins, routes, \
           defaults, auth, limits, authorization, overload, observe, runtime, upstream, redis, cache; repair: write server",
        ],
    ),
    (
        "[plugins.a]\nmemroy = '1MiB'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.memroy: found an unknown key; allowed: path, instances, memory, deadline, \
           concurrency, requests_per_instance, table_elements, response_body, request_body, log, grant, openapi, schema, \
           check_responses, auth, require, tenant, mfa, limits, cost, priority, cache; repair: write memory",
        ],
    ),
    (
        "[plugins.a]\nmemory = '1KiB'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.memory: found \"1KiB\"; allowed: a size from \"64KiB\" to \"4GiB\", with its unit \
           (B, KiB, MiB, GiB)",
        ],
    ),
    (
        "[plugins.a]\npath = 'none.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"none.wasm\": there is no such file; allowed: a component file; repair: \
           build it with `ostler build`, or leave path out and upload releases",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nopenapi = 'none.yaml'",
        &[
            "ostler.toml:5: error: openapi: found none.yaml: cannot be read: No such file or directory (os error 2); allowed: a file \
           of YAML or JSON; repair: name a file, relative to the configuration file, that the host may read",
        ],
    ),
    (
        "[plugins.a]\nopenapi = 'ostler.toml'\nschema = 'x'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: openapi: found openapi and schema; allowed: one of them; repair: leave out schema",
        ],
    ),
    (
        "[defaults]\ncheck_responses = 'yes'",
        &[
            "ostler.toml:2: error: defaults.check_responses: found \"yes\"; allowed: \"off\", \"log\", \"refuse\"",
        ],
    ),
    (
        "[plugins.a]\npath = '.'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \".\": it is a folder; allowed: a component file; repair: name a file",
        ],
    ),
    (
        "[plugins.a]\npath = '/dev/zero'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"/dev/zero\": it is no regular file; allowed: a component file; \
           repair: name a file",
        ],
    ),
    (
        "[plugins.a]\npath = 'core.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"core.wasm\": this is a core module, not a component; build for \
           wasm32-wasip2, or turn it into a component with `wasm-tools component new`; allowed: a component file",
        ],
    ),
    (
        "[plugins.a]\npath = 'a.txt'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"a.txt\": this is no WebAssembly file: it does not begin with \
           \"\\0asm\"; allowed: a component file",
        ],
    ),
    (
        "[plugins.a]\npath = 'odd.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"odd.wasm\": it exports no handler; it exports nothing; export \
             ostler:plugin/http-handler@0.1.0, wasi:http/incoming-handler@0.2.x or wasi:http/handler@0.3.x; allowed: a \
             component that can run here",
            "ostler.toml:2: error: plugins.a.path: found \"odd.wasm\": it imports acme:db/x, which nobody provides; allowed: a \
             component that can run here",
        ],
    ),
    (
        "[plugins.a]\npath = 'hello.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: warning: plugins.a.path: found \"hello.wasm\": it imports key-value stores, but kv is not granted; \
           calls will be denied; repair: grant it if the plugin is to use it",
        ],
    ),
    (
        "[plugins.a]\ngrant = { kvs = ['x'] }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.grant.kvs: found an unknown key; allowed: kv, sqlite, blob, limits, cache, http, networks, config; repair: write kv",
        ],
    ),
    (
        "[plugins.a]\n",
        &[
            "ostler.toml:1: warning: plugins.a: found no route to it; repair: add [[routes]] with plugin = \"a\"",
        ],
    ),
    (
        "[plugins.'A b']\n[[routes]]\npath = '/'\nplugin = 'A b'",
        &[
            "ostler.toml:1: error: plugins.A b: found a name that is no plugin's; allowed: 1 to 63 of a-z, 0-9, - and _, \
           beginning with a letter or digit; repair: rename it",
        ],
    ),
    (
        "[plugins.hello]\n[[routes]]\npath = '/'\nplugin = 'hello'\n[[routes]]\npath = '/b'\nplugin = 'helo'",
        &[
            "ostler.toml:7: error: routes[1].plugin: found \"helo\", which is not defined; allowed: hello; repair: write \"hello\"",
        ],
    ),
    (
        "[[routes]]\npath = '/'\nplugin = 'hello'",
        &[
            "ostler.toml:3: error: routes[0].plugin: found \"hello\", which is not defined; allowed: a plugin of this file; \
           repair: define it: [plugins.hello]",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\nplugin = 'a'\n[[routes]]\npath = 'x'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: routes[0].path: found nothing; allowed: a path such as \"/api/{*rest}\"; repair: add path = ...",
            "ostler.toml:5: error: routes[1].path: found \"x\"; allowed: a path that begins with /; repair: write \"/x\"",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/{*x}/y'\nplugin = 'a'\n[[routes]]\npath = '/{a}{b}'\nplugin = 'a'\n\
         [[routes]]\npath = '/{'\nplugin = 'a'",
        &[
            "ostler.toml:3: error: routes[0].path: found \"/{*x}/y\": Catch-all parameters are only allowed at the end of a \
             route; allowed: one {name} per segment, {*rest} at the end, {{ and }} for braces",
            "ostler.toml:6: error: routes[1].path: found \"/{a}{b}\": Only one parameter is allowed per path segment; allowed: \
             one {name} per segment, {*rest} at the end, {{ and }} for braces",
            "ostler.toml:9: error: routes[2].path: found \"/{\": Parameters must be registered with a valid name; allowed: one \
             {name} per segment, {*rest} at the end, {{ and }} for braces",
        ],
    ),
    (
        "[plugins.a]\n[plugins.b]\n[[routes]]\npath = '/x'\nmethods = ['GET', 'PUT']\nplugin = 'a'\n\
         [[routes]]\npath = '/x'\nmethods = ['POST']\nplugin = 'b'\n[[routes]]\npath = '/x'\nplugin = 'b'",
        &[
            "ostler.toml:12: error: routes[2].path: found \"/x\", which line 4 routes already (any host, GET, PUT); allowed: \
           each method of a path once; repair: give them different methods, or remove one",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/x/{id}'\nhost = 'a.test'\nplugin = 'a'\n[[routes]]\npath = '/x/{name}'\n\
         host = 'A.test'\nplugin = 'a'\n[[routes]]\npath = '/x/{name}'\nplugin = 'a'",
        &[
            "ostler.toml:7: error: routes[1].path: found \"/x/{name}\", which matches the same paths as \"/x/{id}\" of line 3; \
           allowed: one pattern for the same paths; repair: write \"/x/{id}\" in both, or remove one",
        ],
    ),
    (
        "[server]\nlisten = ['http://0.0.0.0:80', 'http://127.0.0.1:80']",
        &[
            "ostler.toml:2: error: server.listen: found 127.0.0.1:80 beside 0.0.0.0:80, which covers it; allowed: each port of \
           an address once; repair: remove one",
        ],
    ),
    (
        "[server]\nlisten = ['http://127.0.0.1:9080']\n[admin]\nlisten = '127.0.0.1:9080'",
        &[
            "ostler.toml:4: error: admin.listen: found 127.0.0.1:9080, where [server] listens on 127.0.0.1:9080; allowed: an \
           address of its own; repair: choose another port",
        ],
    ),
    (
        "[server]\nlisten = ['http://127.0.0.1:9080']",
        &[
            "ostler.toml:1: error: server.listen: found 127.0.0.1:9080, where [server] listens on 127.0.0.1:9080; allowed: an \
           address of its own; repair: choose another port, or another [admin] listen than the default",
        ],
    ),
    (
        "[admin]\nlisten = '0.0.0.0:9080'",
        &[
            "ostler.toml:2: error: admin.listen: found 0.0.0.0:9080 without tls; allowed: a loopback address, or any address \
           with tls; repair: add tls = { cert = \"cert.pem\", key = \"key.pem\" }, or listen on 127.0.0.1",
        ],
    ),
    (
        "[admin]\nlisten = 'http://x'\ntoken_file = 'nowhere/token'",
        &[
            "ostler.toml:2: error: admin.listen: found \"http://x\"; allowed: IP:PORT; repair: write it as \"127.0.0.1:9080\", \
             without http://",
            "ostler.toml:3: error: admin.token_file: found \"nowhere/token\", in a folder that does not exist; allowed: a file \
             with the token, readable by its owner only; repair: create it",
        ],
    ),
    (
        "[authorization]\nroles = { a = ['role:b'], c = ['x:'] }\nscopes = 'restrct'\ncedar = 'none.cedar'",
        &[
            "ostler.toml:2: error: authorization.roles.a: found \"role:b\", which is not defined; allowed: a, c; repair: define \
             it: b = [...]",
            "ostler.toml:2: error: authorization.roles.c: found \"x:\"; allowed: permissions as \"orders:write\", \"orders:*\" \
             or \"*\", with \" on RESOURCE\" if need be",
            "ostler.toml:3: error: authorization.scopes: found \"restrct\"; allowed: \"restrict\" or \"grant\" or \"ignore\"",
            "ostler.toml:4: error: authorization.cedar: found none.cedar: No such file or directory (os error 2); allowed: a \
             readable file of Cedar policies, of at most 1MiB; repair: name a file beside this one",
        ],
    ),
    (
        "[authorization]\ncedar = 'a.txt'",
        &[
            "ostler.toml:2: error: authorization.cedar: found a.txt:1: unexpected end of input; allowed: Cedar policies",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/x/{id}'\nplugin = 'a'\nrequire = ['x on y/{no}']\ntenant = 'path:t'",
        &[
            "ostler.toml:5: error: require: found \"x on y/{no}\"; allowed: segments that are texts or parameters of /x/{id}: \
             {id}",
            "ostler.toml:6: error: tenant: found \"path:t\", but /x/{id} has no segment {t}; allowed: {id}",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nrequire = ['x']",
        &[
            "ostler.toml:5: error: require: found no auth beside it, so that nobody could pass; allowed: together with auth; \
             repair: add auth = [\"NAME\"] to the route, its plugin or [defaults], or require = [] to the route",
        ],
    ),
    (
        "[overload]\nmax_in_flight = 10\nmin_in_flight = 20\nretry_after = '1ms'\npriority = 'low'",
        &[
            "ostler.toml:3: error: overload.min_in_flight: found 20; allowed: at most max_in_flight and plugin_max_in_flight; \
             repair: write 10 or less",
            "ostler.toml:4: error: overload.retry_after: found \"1ms\"; allowed: a duration from \"1s\" to \"1h\", with its \
             unit (ms, s, m, h, d)",
            "ostler.toml:5: error: overload.priority: found an unknown key; allowed: max_in_flight, plugin_max_in_flight, \
             min_in_flight, adaptive, retry_after; repair: remove it",
        ],
    ),
    (
        "[state]\ndir = 'a.txt'",
        &[
            "ostler.toml:2: error: state.dir: found \"a.txt\", which is a file; allowed: a folder, which is created on first \
           start; repair: name another folder",
        ],
    ),
    (
        "[plugins.a]\ngrant = { config = { x = '${NOPE}' } }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.grant.config.x: found ${NOPE}, and no variable of this name (in UTF-8) is set; \
           allowed: variables of the host's environment; repair: set NOPE, or write $${ where you mean the characters \
           themselves",
        ],
    ),
    (
        "[auth.a]\nkind = 'jwd'\n[auth.b]\nkind = 'mtls'\n[auth.c]\nkind = 'basic'\nusers = { anna = 'hunter2' }",
        &[
            "ostler.toml:1: error: auth: found \"b\" of kind mtls, while no listener asks for certificates; allowed: mtls beside \
             [server] tls.client_ca; repair: add client_ca = \"ca.pem\" to [server] tls",
            "ostler.toml:2: error: auth.a.kind: found \"jwd\"; allowed: \"jwt\" or \"introspection\" or \"oidc\" or \"api-key\" or \
             \"mtls\" or \"basic\"",
            "ostler.toml:7: error: auth.c.users: found \"anna\": no hash in PHC form; allowed: NAME:$argon2id$...[:ROLE,ROLE]; \
             repair: make the hash with `ostler hash-password`",
        ],
    ),
    (
        "[limits.a]\nrate = 'often'\n[limits.b]\nrate = '5/s'\nshared = true",
        &[
            "ostler.toml:2: error: limits.a.rate: found \"often\"; allowed: a count and a period of 1s to 31d, such as \
           \"100/min\" or \"20/30s\"; repair: write \"100/min\"",
            "ostler.toml:5: error: limits.b.shared: found no [redis] to share it in; allowed: shared beside [redis]; repair: \
           add [redis] url",
        ],
    ),
    (
        "[limits.per-user]\nrate = '5/s'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nlimits = ['per-usr']",
        &["ostler.toml:7: error: limits: found \"per-usr\"; allowed: per-user; repair: write \"per-user\""],
    ),
    (
        "[limits.a]\nrate = '5/s'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nlimits = ['a']\ncost = 6",
        &[
            "ostler.toml:7: error: cost: found 6; allowed: at most 5, what a holds; repair: lower cost, or raise the limit's \
           rate or burst",
        ],
    ),
    (
        "[plugins.a]\ngrant = { limits = ['a'] }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:1: warning: plugins.a.grant.limits: found \"a\"; allowed: names of [limits.NAME]; repair: add \
           [limits.a]",
        ],
    ),
];

#[test]
fn each_broken_file_is_told_exactly() {
    for (file, expected) in BROKEN.iter().chain(super::broken_access::BROKEN) {
        assert_eq!(told(file), *expected, "{file}");
    }
}

#[test]
fn certificates_are_read_and_compared_with_their_keys() {
    let folder = folder();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    for name in ["a", "b"] {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        write(&format!("{name}.cert"), made.cert.pem());
        write(&format!("{name}.key"), made.signing_key.serialize_pem());
    }
    let tls = |cert, key| {
        format!("[server]\nlisten = ['https://127.0.0.1:1']\ntls = {{ cert = '{cert}', key = '{key}' }}")
    };
    assert!(load(&folder, tls("a.cert", "a.key")).is_ok());
    for (cert, key) in [("a.cert", "b.key"), ("a.cert", "none"), ("a.txt", "a.key"), ("a.key", "a.cert")] {
        let problems = load(&folder, tls(cert, key)).unwrap_err();
        assert!(
            problems.len() == 1 && problems[0].starts_with("ostler.toml:3: error: server.tls: found "),
            "{problems:?}"
        );
        assert!(problems[0].contains("; repair: "), "{problems:?}");
    }
    for (ca, fine) in [("a.cert", true), ("none", false), ("a.txt", false), ("a.key", false)] {
        let keys = format!("cert = 'a.cert', key = 'a.key', client_ca = '{ca}'");
        let loaded = load(&folder, format!("[server]\ntls = {{ {keys} }}"));
        assert_eq!(loaded.is_ok(), fine, "{ca}: {loaded:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_token_that_others_may_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let token = folder.path().join("admin.token");
    fs::write(&token, "secret").unwrap();
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(load(&folder, "[admin]\ntoken_file = 'admin.token'").unwrap().1.len(), warnings);
    }
}

#[test]
fn hostile_files_give_problems() {
    let deep = "[".repeat(100_000);
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    // Each level of inline tables may have a dotted key of its own: the deepest nesting TOML's own guards let through.
    let key = vec!["a"; 79].join(".");
    let nested = format!("{key} = {}1{}", format!("{{ {key} = ").repeat(78), " }".repeat(78));
    let huge = format!("a = '{}'", "x".repeat(2 << 20));
    let files: [&[u8]; 9] = [
        b"\xff\xfe[server]",
        b"[server]\nlisten = [\"\xc3\x28\"]",
        b"\0\0\0\0",
        b"\0asm\x0d\0\x01\0",
        deep.as_bytes(),
        dotted.as_bytes(),
        nested.as_bytes(),
        huge.as_bytes(),
        b"[[plugins]]\n[routes]\n",
    ];
    for file in files {
        let problems = told(file);
        assert!(!problems.is_empty() && problems.len() < 100, "{} problems", problems.len());
        assert!(problems.iter().all(|problem| problem.len() < 1_000), "{problems:?}");
    }
}

#[test]
fn a_folder_or_nothing_in_place_of_the_file_is_a_problem() {
    let folder = folder();
    let problem = |file: &Path| Config::load(file).unwrap_err().remove(0).to_string();
    assert!(problem(folder.path()).contains("(file): found a folder; allowed: a TOML file"));
    assert!(
        problem(&folder.path().join("none.toml"))
            .contains("(file): found no such file; allowed: a TOML file")
    );
    assert!(problem(Path::new("/dev/zero")).contains("(file): found more than 1048576 bytes"));
}

#[test]
fn a_thousand_mutations_of_a_good_file_never_panic() {
    let folder = folder();
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..1_000 {
        let mut bytes = GOOD.as_bytes().to_vec();
        for _ in 0..random.usize(1..8) {
            let (at, to) = (random.usize(..bytes.len()), random.usize(..bytes.len()));
            match random.u8(0..5) {
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, *random.choice(b"[]{}='\"\n.$#").unwrap_or(&0)),
                3 => bytes.swap(at, to),
                _ => bytes.extend_from_within(at.min(to)..at.max(to)),
            }
        }
        // A mutation may only ever name files in the folder or nothing at all.
        let _ = load(&folder, &bytes);
    }
}
