//! Advisories on a disk that changes.

use super::*;

const TIME: &str = r#"{"id":"RUSTSEC-2020-0071","aliases":["CVE-2020-26235"],"summary":"Potential segfault",
  "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L"}],
  "affected":[{"package":{"ecosystem":"crates.io","name":"time"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.1.0"},{"fixed":"0.2.23"}]}]},
              {"package":{"ecosystem":"Go","name":"time"}}]}"#;

fn ids<'a>(advisories: &'a Advisories, purl: &str) -> Vec<&'a str> {
    let package = Package::of_purl(purl).unwrap().unwrap();
    advisories.about(&package).map(|advisory| advisory.id.as_str()).collect::<Vec<_>>()
}

#[test]
fn files_and_folders_are_read_and_read_anew_when_they_change() {
    let home = tempfile::tempdir().unwrap();
    let (file, folder) = (home.path().join("one.osv"), home.path().join("more"));
    fs::create_dir_all(folder.join("deep/.git")).unwrap();
    fs::write(&file, TIME).unwrap();
    fs::write(folder.join("README.md"), "not JSON").unwrap();
    fs::write(folder.join("deep/.git/x.json"), "not JSON").unwrap();
    let npm = r#"[{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"@a/b"},"versions":["1.0.0"]}]},
        {"id":"GHSA-2","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"@a/b"}}]}]"#;
    fs::write(folder.join("deep/npm.json"), npm).unwrap();
    let (shelf, paths) = (Shelf::default(), [file.clone(), folder.clone()]);
    let first = shelf.look(&paths).unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(ids(&first, "pkg:cargo/time@0.1.42"), ["RUSTSEC-2020-0071"]);
    assert_eq!(ids(&first, "pkg:cargo/time@0.3.0"), [""; 0]);
    assert_eq!(ids(&first, "pkg:npm/%40a/b@1.0.0"), ["GHSA-1"]);
    assert!(Arc::ptr_eq(&first, &shelf.look(&paths).unwrap()), "nothing has changed");
    fs::write(folder.join("deep/npm.json"), "[]").unwrap();
    assert_eq!(shelf.look(&paths).unwrap().len(), 1);
    fs::write(folder.join("broken.json"), "{\"id\": 1}").unwrap();
    let told = shelf.look(&paths).unwrap_err();
    assert!(told.contains("broken.json: invalid type"), "{told}");
    let told = shelf.look(&[home.path().join("none")]).unwrap_err();
    assert!(told.contains("none: No such file"), "{told}");
}

#[test]
fn an_advisory_is_told_with_its_id_severity_and_summary() {
    let mut advisories = Advisories::default();
    osv::read(TIME.as_bytes(), &mut advisories).unwrap();
    let package = Package::of_purl("pkg:cargo/time@0.1.42").unwrap().unwrap();
    let advisory = advisories.about(&package).next().unwrap();
    assert_eq!(advisory.to_string(), "RUSTSEC-2020-0071 (CVSS:3.1/AV:L): Potential segfault");
    assert!(advisory.is_one_of(&["CVE-2020-26235".into()]) && !advisory.is_one_of(&["CVE-1".into()]));
}

#[test]
fn hostile_files_are_refused_or_harmless() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "{}", "[{}]", "null", "{\"id\":\"x\",\"affected\":{}}", &deep] {
        assert!(
            osv::read(text.as_bytes(), &mut Advisories::default()).is_err(),
            "{}",
            &text[..text.len().min(40)]
        );
    }
    let mut advisories = Advisories::default();
    let long = format!(r#"{{"id":"{}","summary":"a\nb","affected":[{{}}]}}"#, "x".repeat(100_000));
    osv::read(long.as_bytes(), &mut advisories).unwrap();
    assert_eq!((advisories.len(), advisories.by_package.len()), (1, 0));
}
