//! Lists as tools write them and as attackers do.

use super::*;

fn packages(contents: &Contents) -> Vec<String> {
    contents.packages.iter().map(ToString::to_string).collect()
}

/// A component (or module) header with the given custom sections.
fn with(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for (name, data) in sections {
        bytes.push(0);
        leb(1 + name.len() + data.len(), &mut bytes);
        bytes.push(name.len() as u8);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
    }
    bytes
}

fn leb(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// zlib without compression (RFC 1950, RFC 1951): stored blocks.
fn stored(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut chunks = text.chunks(0xffff).peekable();
    while let Some(chunk) = chunks.next() {
        out.push(u8::from(chunks.peek().is_none()));
        out.extend((chunk.len() as u16).to_le_bytes());
        out.extend((!(chunk.len() as u16)).to_le_bytes());
        out.extend(chunk);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in text {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

#[test]
fn all_auditable_sections_are_read() {
    let one = stored(br#"{"packages":[{"name":"time","version":"0.1.42","source":"crates.io"},{"name":"mine","version":"0.1.0","source":"local","root":true}]}"#);
    let two =
        stored(br#"{"packages":[{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"}]}"#);
    let contents =
        Contents::read(&with(&[(".dep-v0", &one), ("other", b"x"), (".dep-v0", &two)]), None).unwrap();
    assert_eq!(
        packages(&contents),
        ["package mine 0.1.0", "crates.io package cc 1.0.0", "crates.io package time 0.1.42"]
    );
    assert!(contents.told && contents.packages.iter().any(|package| package.build));
}

#[test]
fn a_section_that_is_a_bomb_or_broken_is_refused() {
    let bomb = stored(&vec![b' '; 5 << 20]);
    let told = Contents::read(&with(&[(".dep-v0", &bomb)]), None).unwrap_err();
    assert!(told.contains(".dep-v0 cannot be read"), "{told}");
    for data in [
        &b""[..],
        b"garbage",
        &stored(b"{}"),
        &stored(br#"{"packages":[{"name":"a\u0000","version":"1","source":"local"}]}"#),
        &stored(br#"{"packages":[{"name":"a\u001b[2J","version":"1","source":"crates.io"}]}"#),
        &stored(
            format!(
                r#"{{"packages":[{{"name":"{}","version":"1","source":"crates.io"}}]}}"#,
                "x".repeat(2_000)
            )
            .as_bytes(),
        ),
    ] {
        assert!(Contents::read(&with(&[(".dep-v0", data)]), None).is_err());
    }
    let empty = stored(br#"{"packages":[]}"#);
    let many: Vec<(&str, &[u8])> = vec![(".dep-v0", &empty); 65];
    assert!(Contents::read(&with(&many), None).unwrap_err().contains("more than 64"));
}

#[test]
fn the_names_of_all_sections_together_are_bounded() {
    let section = |section: usize| {
        let name = |number: usize| format!("{section}-{number}-{}", "x".repeat(900));
        let of = |number| format!(r#"{{"name":"{}","version":"1","source":"crates.io"}}"#, name(number));
        stored(format!(r#"{{"packages":[{}]}}"#, (0..4_000).map(of).collect::<Vec<_>>().join(",")).as_bytes())
    };
    let sections: Vec<_> = (0..3).map(section).collect();
    let named = |sections: &[Vec<u8>]| {
        with(&sections.iter().map(|section| (".dep-v0", &section[..])).collect::<Vec<_>>())
    };
    assert_eq!(Contents::read(&named(&sections[..2]), None).unwrap().packages.len(), 8_000);
    let told = Contents::read(&named(&sections), None).unwrap_err();
    assert!(told.contains("have more than 16777216 bytes"), "{told}");
}

#[test]
fn what_builds_and_runs_is_one_package_that_runs() {
    for kinds in [["build", "runtime"], ["runtime", "build"]] {
        let of = |kind| format!(r#"{{"name":"cc","version":"1.0.0","source":"crates.io","kind":"{kind}"}}"#);
        let section = stored(format!(r#"{{"packages":[{},{}]}}"#, of(kinds[0]), of(kinds[1])).as_bytes());
        let contents = Contents::read(&with(&[(".dep-v0", &section)]), None).unwrap();
        assert_eq!(contents.packages.iter().map(|package| package.build).collect::<Vec<_>>(), [false]);
    }
}

#[test]
fn packages_of_other_ecosystems_keep_their_urls_and_unreadable_ones_are_refused() {
    let bom = |purl: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"name":"x","version":"1","purl":"{purl}"}}]}}"#
        )
    };
    let go = Contents::read(&with(&[]), Some(bom("pkg:golang/github.com/a/b@v1#c").as_bytes())).unwrap();
    let package = go.packages.first().unwrap();
    assert_eq!((package.ecosystem, package.purl.as_deref()), (None, Some("pkg:golang/github.com/a/b@v1#c")));
    let again = Contents::read(&with(&[]), Some(&go.document("p", &Digest::of(b"x")))).unwrap();
    assert_eq!(again.packages, go.packages);
    let told = Contents::read(&with(&[]), Some(bom("pkg:cargo/%ff@1").as_bytes())).unwrap_err();
    assert!(told.contains("names no crates.io package"), "{told}");
}

#[test]
fn lists_of_other_tools_are_read() {
    for version in ["1.4", "1.5", "1.6"] {
        let bom = format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"{version}","metadata":{{"component":{{"name":"app","type":"application"}}}},
            "components":[{{"type":"library","group":"@a","name":"b","version":"1.0.0","purl":"pkg:npm/%40a/b@1.0.0",
              "components":[{{"type":"library","name":"inner","version":"2","purl":"pkg:pypi/Inner@2"}}]}},
            {{"type":"library","name":"libc","group":"gnu"}}]}}"#
        );
        let contents = Contents::read(&with(&[]), Some(bom.as_bytes())).unwrap();
        let expected =
            ["package gnu/libc of an unknown version", "npm package @a/b 1.0.0", "PyPI package inner 2"];
        assert_eq!(packages(&contents), expected);
    }
}

#[test]
fn hostile_lists_are_refused() {
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}"#,
        "[{\"name\":\"x\",\"components\":".repeat(50_000)
    );
    let many = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}}"#,
        (0..50_001).map(|number| format!(r#"{{"name":"p{number}"}}"#)).collect::<Vec<_>>().join(",")
    );
    for (bom, reason) in [
        ("", "no CycloneDX"),
        ("[]", "no CycloneDX"),
        ("<bom/>", "no CycloneDX"),
        (r#"{"bomFormat":"SPDX","specVersion":"1.6"}"#, "bomFormat"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.0"}"#, "specVersion"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":""}]}"#, "no name"),
        (&deep, "recursion limit"),
        (&many, "more than 50000 packages"),
    ] {
        let told = Contents::read(&with(&[]), Some(bom.as_bytes())).unwrap_err();
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[test]
fn the_document_is_the_same_for_the_same_contents() {
    let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"name":"b","version":"1","purl":"pkg:npm/b@1","scope":"excluded"}]}"#;
    let contents = Contents::read(&with(&[]), Some(bom)).unwrap();
    let digest = Digest::of(b"x");
    let document = contents.document("hello", &digest);
    assert_eq!(document, contents.document("hello", &digest));
    let again = Contents::read(&with(&[]), Some(&document)).unwrap();
    assert_eq!(again.packages, contents.packages, "what is written can be read");
    let json: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(json["serialNumber"], "urn:uuid:2d711642-b726-8044-8162-7ca9fbac32f5");
}

#[test]
fn what_advisories_are_about_is_refused_unless_ignored() {
    let home = tempfile::tempdir().unwrap();
    let text = |id: &str, name: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]{more}}}]}}"#
        )
    };
    let note = r#","database_specific":{"informational":"unmaintained"}"#;
    std::fs::write(
        home.path().join("a.json"),
        format!("[{},{}]", text("BAD", "evil", ""), text("OLD", "old", note)),
    )
    .unwrap();
    let advisories = super::super::advisories::Shelf::default().look(&[home.path().to_owned()]).unwrap();
    let contents = |names: &[&str]| Contents {
        packages: names.iter().filter_map(|name| Package::new(Ecosystem::Npm, name, Some("1.0.0"))).collect(),
        told: true,
        ..Contents::default()
    };
    let rules = Rules { contents: true, ..Rules::default() };
    let told = judge(&rules, &contents(&["evil", "fine"]), &advisories, &[]).unwrap_err();
    assert_eq!(told, ["npm package evil 1.0.0 is affected by BAD"]);
    judge(&rules, &contents(&["evil"]), &advisories, &["BAD".into()]).unwrap();
    let told = judge(&rules, &contents(&["old"]), &advisories, &[]).unwrap();
    assert!(told.contains("only notices: 1"), "{told}");
    let many = Contents {
        packages: (0..25)
            .filter_map(|n| Package::new(Ecosystem::Npm, "evil", Some(&format!("1.0.{n}"))))
            .collect(),
        told: true,
        ..Contents::default()
    };
    let told = judge(&rules, &many, &advisories, &[]).unwrap_err();
    assert_eq!((told.len(), told[20].as_str()), (21, "and 5 more packages are affected"));
    let told = judge(&rules, &Contents::default(), &advisories, &[]).unwrap_err();
    assert!(told[0].contains("--sbom"), "{told:?}");
    let told = judge(&Rules::default(), &Contents::default(), &Advisories::default(), &[]).unwrap();
    assert_eq!(told, "nothing tells what it is made of");
}
