//! What a release is made of: kept as CycloneDX, which another tool finds valid, and compared with the operator's advisories.

use std::process::Command;

use harness::{Setup, component, servers};

use super::{host, refused, text, upload};

const SBOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
    {"type":"library","group":"@a","name":"left-pad","version":"1.3.0","purl":"pkg:npm/%40a/left-pad@1.3.0"},
    {"type":"library","name":"Jinja2","version":"2.4.1","purl":"pkg:pypi/Jinja2@2.4.1"},
    {"type":"library","name":"time","version":"0.1.42","purl":"pkg:cargo/time@0.1.42","scope":"excluded"},
    {"type":"library","name":"musl"}]}"#;

fn advisory(id: &str, ecosystem: &str, name: &str, fixed: &str) -> String {
    format!(
        r#"{{"id":"{id}","summary":"it is broken","database_specific":{{"severity":"HIGH"}},"affected":[{{"package":
        {{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

#[tokio::test]
async fn what_is_on_the_deny_list_is_refused_as_it_stands_on_the_disk() {
    let setup = Setup::new();
    let list = setup.folder().join("advisories");
    std::fs::create_dir(&list).unwrap();
    let config = "[admission]\nadvisories = [\"advisories\"]\nignored = [\"OLD-1\"]\ncontents = true";
    let host = host(setup.with(config), "");
    let good = component("hello-typed");
    let told = refused(&host, &upload(&host, &[("component", &good)]).await, "contents").await;
    assert!(told.contains("nothing tells what it is made of"), "{told}");
    let with = [("component", &good[..]), ("sbom", SBOM)];
    assert_eq!(upload(&host, &with).await.status, 201);
    for (id, ecosystem, name, fixed, told_as) in [
        ("GHSA-1", "npm", "@a/left-pad", "1.3.1", "npm package @a/left-pad 1.3.0"),
        ("PYSEC-1", "PyPI", "jinja2", "2.5", "PyPI package jinja2 2.4.1"),
        ("RUSTSEC-1", "crates.io", "time", "0.2.23", "crates.io package time 0.1.42"),
    ] {
        let file = list.join("new.json");
        std::fs::write(&file, advisory(id, ecosystem, name, fixed)).unwrap();
        let told = refused(&host, &upload(&host, &with).await, "contents").await;
        assert_eq!(told, format!("contents: {told_as} is affected by {id} (HIGH): it is broken"));
        std::fs::write(&file, advisory("OLD-1", ecosystem, name, fixed)).unwrap();
        assert_eq!(upload(&host, &with).await.status, 200, "ignored");
    }
    std::fs::write(list.join("broken.json"), "{").unwrap();
    let told = refused(&host, &upload(&host, &with).await, "contents").await;
    assert!(told.contains("broken.json: EOF"), "a list that cannot be read refuses: {told}");
}

#[tokio::test]
async fn the_list_of_contents_is_kept_and_valid() {
    let host = host(Setup::new(), "");
    let reply = upload(&host, &[("component", &component("hello-typed")), ("sbom", SBOM)]).await;
    let digest = reply.json()["digest"].as_str().unwrap().to_owned();
    let sbom = host.admin.get(&format!("/v1/plugins/up/releases/{digest}/sbom")).await;
    assert_eq!(sbom.header("content-type"), "application/vnd.cyclonedx+json; version=1.6");
    let purls = sbom.text();
    for purl in ["pkg:npm/%40a/left-pad@1.3.0", "pkg:pypi/jinja2@2.4.1", "pkg:cargo/time@0.1.42", "musl"] {
        assert!(purls.contains(purl), "{purl} in {purls}");
    }
    let file = host.folder.join("bom.json");
    std::fs::write(&file, &sbom.body).unwrap();
    let script = "import sys\nfrom cyclonedx.validation.json import JsonStrictValidator\n\
                  from cyclonedx.schema import SchemaVersion\n\
                  error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())\n\
                  sys.exit(str(error) if error else 0)";
    let output =
        Command::new(servers().join("venv/bin/python")).args(["-c", script]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let none = host.admin.get("/v1/plugins/up/releases/sha256:00/sbom").await;
    assert_eq!(none.status, 422);
    let none = host.admin.get(&format!("/v1/plugins/up/releases/{}/sbom", "0".repeat(64))).await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn hostile_lists_and_sections_are_refused() {
    let host = host(Setup::new(), "");
    let good = component("hello-typed");
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let many = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}{{}}]}}"#,
        r#"{"name":"x","version":"1"},"#.repeat(400_000)
    );
    for sbom in [&b""[..], b"null", b"<bom/>", deep.as_bytes(), many.as_bytes(), &SBOM[..100]] {
        let told =
            refused(&host, &upload(&host, &[("component", &good), ("sbom", sbom)]).await, "contents").await;
        assert!(told.contains("no CycloneDX document"), "{told}");
    }
    let mut bad = good.clone();
    bad.extend([0, 12, 7]);
    bad.extend(b".dep-v0junk");
    let told = refused(&host, &upload(&host, &[("component", &bad)]).await, "contents").await;
    assert!(told.contains(".dep-v0 cannot be read"), "{told}");
}
