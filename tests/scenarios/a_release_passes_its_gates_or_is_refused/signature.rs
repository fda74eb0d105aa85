//! Who vouches for a release; with `py-minisign` as another implementation of the format, in both directions.

use std::path::Path;
use std::process::Command;

use harness::{Host, Setup, component, servers, tagged};
use http::Method;

use super::{host, refused, run, text, upload};

/// A key pair in `folder`, and the line that trusts it.
fn pair(folder: &Path, name: &str) -> String {
    let output = run(folder, &["keys", "generate-signing", name, "--no-passphrase", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    format!("key = {}", value["key"])
}

/// A signature of `bytes` by the key `name`.
fn sign(folder: &Path, bytes: &[u8], name: &str, more: &[&str]) -> Vec<u8> {
    std::fs::write(folder.join("signed.wasm"), bytes).unwrap();
    let key = format!("{name}.key");
    let output = run(folder, &[&["keys", "sign", "signed.wasm", "--key", &key][..], more].concat());
    assert!(output.status.success(), "{}", text(&output));
    std::fs::read(folder.join("signed.wasm.minisig")).unwrap()
}

/// A host that takes what `ci` signs, and knows keys that are no good any more.
fn signed_only() -> Host {
    let setup = Setup::new();
    let line = |name: &str| pair(setup.folder(), name);
    let config = format!(
        "[admission]\nsignature = true\n[admission.keys.ci]\n{}\n[admission.keys.old]\n{}\nexpires = \"2020-01-01\"\n\
         [admission.keys.lost]\n{}\nrevoked = true",
        line("ci"),
        line("old"),
        line("lost")
    );
    pair(setup.folder(), "stranger");
    host(setup.with(&config), "")
}

#[tokio::test]
async fn only_what_a_trusted_key_signed_is_taken() {
    let host = signed_only();
    let (good, other) = (component("hello-typed"), tagged("hello-typed", "other"));
    let folder = host.folder.clone();
    let by = |name: &str, more: &[&str]| sign(&folder, &good, name, more);
    let mut broken = by("ci", &[]);
    broken.truncate(100);
    for (what, signature, reason) in [
        ("nothing", None, "it is not signed"),
        ("another file's", Some(sign(&folder, &other, "ci", &[])), "does not fit this component"),
        ("a stranger's", Some(by("stranger", &[])), "none of [admission.keys]"),
        ("a revoked key's", Some(by("lost", &[])), "key \"lost\", which signed it, is revoked"),
        ("an expired key's", Some(by("old", &[])), "key \"old\", which signed it, expired on 2020-01-01"),
        ("another plugin's", Some(by("ci", &["--plugin", "other"])), "signed for plugin \"other\""),
        ("half of one", Some(broken), "not in minisign's format"),
    ] {
        let mut parts = vec![("component", &good[..])];
        parts.extend(signature.as_ref().map(|signature| ("signature", &signature[..])));
        let told = refused(&host, &upload(&host, &parts).await, "signature").await;
        assert!(told.contains(reason), "{what}: {told}");
    }
    let short = by("ci", &["--expires", "1s"]);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let told =
        refused(&host, &upload(&host, &[("component", &good), ("signature", &short)]).await, "signature")
            .await;
    assert!(told.contains("the signature expired on"), "{told}");
    let signature = by("ci", &["--expires", "90d", "--plugin", "up"]);
    let reply = upload(&host, &[("component", &good), ("signature", &signature)]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let secret = std::fs::read_to_string(folder.join("ci.key")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    let lines = host.lines_so_far().await;
    assert!(lines.iter().all(|line| !line.to_string().contains(secret)), "no log shows the key");
}

#[tokio::test]
async fn a_definition_over_the_api_takes_back_nothing_that_the_host_asks_for() {
    let host = signed_only();
    let define = |json: &'static str| host.admin.send(Method::PUT, "/v1/plugins/mine", json);
    let reply = define(r#"{"admission": {"signers": ["ci", "nobody"]}}"#).await;
    assert!(reply.status == 422 && reply.text().contains("found \\\"nobody\\\""), "{}", reply.text());
    let reply = define(r#"{"admission": {"signature": false}}"#).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let reply = host.admin.send(Method::PUT, "/v1/plugins/mine/releases", component("hello-typed")).await;
    assert!(reply.status == 422 && reply.text().contains("it is not signed"), "{}", reply.text());
}

#[tokio::test]
async fn the_command_signs_and_deploys_with_a_passphrase() {
    let setup = Setup::new();
    std::fs::write(setup.folder().join("pass"), "correct horse\n").unwrap();
    let made =
        run(setup.folder(), &["keys", "generate-signing", "ci", "--passphrase-file", "pass", "--json"]);
    assert!(made.status.success(), "{}", text(&made));
    let key: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let again = run(setup.folder(), &["keys", "generate-signing", "ci", "--no-passphrase"]);
    assert!(text(&again).contains("ci.key is there already"), "{}", text(&again));
    let host = host(
        setup.with(&format!("[admission]\nsignature = true\n[admission.keys.ci]\nkey = {}", key["key"])),
        "",
    );
    std::fs::write(host.folder.join("a.wasm"), component("hello-typed")).unwrap();
    std::fs::write(host.folder.join("wrong"), "battery staple\n").unwrap();
    let wrong =
        run(&host.folder, &["keys", "sign", "a.wasm", "--key", "ci.key", "--passphrase-file", "wrong"]);
    assert!(!wrong.status.success() && text(&wrong).contains("ci.key cannot be used"), "{}", text(&wrong));
    let signed =
        run(&host.folder, &["keys", "sign", "a.wasm", "--key", "ci.key", "--passphrase-file", "pass"]);
    assert!(signed.status.success(), "{}", text(&signed));
    let admin = format!("http://{}", host.admin_address);
    let deployed =
        run(&host.folder, &["deploy", "up", "a.wasm", "--admin", &admin, "--token-file", "admin.token"]);
    assert!(deployed.status.success(), "{}", text(&deployed));
    assert!(text(&deployed).contains("with a.wasm.minisig (signature)"), "{}", text(&deployed));
}

#[tokio::test]
async fn another_implementation_of_minisign_verifies_ours_and_we_verify_its() {
    let script = r#"
import sys, minisign
folder = sys.argv[1]
data = open(f"{folder}/signed.wasm", "rb").read()
ours = minisign.PublicKey.from_file(f"{folder}/ci.pub")
ours.verify(data, minisign.Signature.from_file(f"{folder}/signed.wasm.minisig"))
pair = minisign.KeyPair.generate()
signature = pair.secret_key.sign(data, trusted_comment="timestamp:1 file:signed.wasm")
open(f"{folder}/theirs.minisig", "wb").write(bytes(signature))
print(bytes(pair.public_key).decode().splitlines()[-1])
"#;
    let setup = Setup::new();
    let folder = setup.folder().to_owned();
    pair(&folder, "ci");
    let good = component("hello-typed");
    sign(&folder, &good, "ci", &["--expires", "1h"]);
    let output =
        Command::new(servers().join("venv/bin/python")).args(["-c", script]).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let key = String::from_utf8(output.stdout).unwrap();
    let config = format!("[admission]\nsignature = true\n[admission.keys.theirs]\nkey = \"{}\"", key.trim());
    let theirs = std::fs::read(folder.join("theirs.minisig")).unwrap();
    let host = host(setup.with(&config), "");
    let reply = upload(&host, &[("component", &good), ("signature", &theirs)]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}
