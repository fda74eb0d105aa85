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
fn a_file_that_was_changed_after_it_was_read_is_noticed() {
    let folder = folder();
    let (config, _) = load(&folder, GOOD).unwrap();
    assert!(!config.is_outdated());
    fs::write(&config.file, format!("{GOOD}\n# changed")).unwrap();
    assert!(config.is_outdated());
    fs::remove_file(&config.file).unwrap();
    assert!(!config.is_outdated());
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
