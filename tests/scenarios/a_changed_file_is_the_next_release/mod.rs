//! The file at `path` is the release: replaced, it is swapped in; half written or broken, it is told and changes nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::{Host, PATIENCE, Setup, saying};

/// A host whose plugin is `p.wasm`, which says `gold`.
fn host() -> (Host, PathBuf) {
    let setup = Setup::new();
    let file = setup.folder().join("p.wasm");
    std::fs::write(&file, saying("p2", "gold")).unwrap();
    (setup.with("[plugins.p]\npath = \"p.wasm\"").route("/", "p").start(), file)
}

/// Asks until `/` says `says`; every answer before must be 200 and one of `gold` and `says`.
async fn says(host: &Host, says: &str) {
    let start = Instant::now();
    loop {
        let reply = host.client.get("/").await;
        assert!(reply.status == 200 && reply.whole, "{} {}", reply.status, reply.text());
        if reply.text() == says {
            return;
        }
        assert_eq!(reply.text(), "gold");
        assert!(start.elapsed() < PATIENCE, "the new file is not served");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn told_that_it_is_kept(host: &Host, file: &Path, reason: &str) {
    let told = host
        .line(|line| {
            line["msg"] == "the live release is kept"
                && line["error"].as_str().is_some_and(|error| error.contains(reason))
        })
        .await;
    assert_eq!(told["plugin"], "p");
    assert!(told["error"].as_str().unwrap().contains(&file.display().to_string()), "{told}");
    says(host, "gold").await;
}

#[tokio::test]
async fn a_file_renamed_over_it_is_swapped_in() {
    let (host, file) = host();
    std::fs::write(host.folder.join("next.wasm"), saying("p2", "iron")).unwrap();
    std::fs::rename(host.folder.join("next.wasm"), file).unwrap();
    says(&host, "iron").await;
    let line = host.line(|line| line["msg"] == "swapped in").await;
    let digest = ostler_core::Digest::of(&saying("p2", "iron")).short();
    assert_eq!((&line["plugin"], &line["release"]), (&"p".into(), &digest.into()));
}

/// Writes the next release piece by piece in place, over `gold`; the longest time between two pieces.
async fn write_slowly(host: &Host, path: &Path) -> Duration {
    let next = saying("p2", "iron");
    let mut file = std::fs::File::create(path).unwrap();
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    for piece in next.chunks(next.len() / 20 + 1) {
        file.write_all(piece).unwrap();
        (longest, last) = (longest.max(last.elapsed()), Instant::now());
        assert!(["gold", "iron"].contains(&host.client.get("/").await.text().as_str()));
        // A slow copy: this is what is tested, not a wait for something.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    longest
}

#[tokio::test]
async fn a_file_written_slowly_in_place_is_swapped_in_once_it_is_whole() {
    for _ in 0..20 {
        let (host, path) = host();
        let longest = write_slowly(&host, &path).await;
        says(&host, "iron").await;
        if longest < Duration::from_millis(100) {
            let kept = |line: &serde_json::Value| line["msg"] == "the live release is kept";
            assert!(!host.lines_so_far().await.iter().any(kept), "nothing half was read");
            return;
        }
        // A busy machine wrote so slowly that it may have looked whole.
    }
    panic!("the pieces are never written within a tenth of a second of each other");
}

#[tokio::test]
async fn half_a_file_garbage_and_no_file_are_told_and_the_old_release_serves() {
    let (host, file) = host();
    let next = saying("p2", "iron");
    std::fs::write(&file, &next[..next.len() / 2]).unwrap();
    told_that_it_is_kept(&host, &file, "damaged").await;
    std::fs::write(&file, "not at all").unwrap();
    told_that_it_is_kept(&host, &file, "no WebAssembly file").await;
    std::fs::write(&file, wat::parse_str("(component (import \"acme:x/y@1.0.0\" (instance)))").unwrap())
        .unwrap();
    told_that_it_is_kept(&host, &file, "acme:x/y@1.0.0").await;
    std::fs::remove_file(&file).unwrap();
    told_that_it_is_kept(&host, &file, "No such file").await;
    std::fs::write(&file, next).unwrap();
    says(&host, "iron").await;
}

#[tokio::test]
async fn a_link_led_elsewhere_and_a_folder_replaced_are_noticed() {
    let setup = Setup::new();
    let (a, b) = (setup.folder().join("a"), setup.folder().join("b"));
    for (folder, says) in [(&a, "gold"), (&b, "iron")] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("p.wasm"), saying("p2", says)).unwrap();
    }
    let (now, next) = (setup.folder().join("now"), setup.folder().join("next"));
    std::os::unix::fs::symlink(&a, &now).unwrap();
    let host = setup.with("[plugins.p]\npath = \"now/p.wasm\"").route("/", "p").start();
    says(&host, "gold").await;
    std::os::unix::fs::symlink(&b, &next).unwrap();
    std::fs::rename(&next, &now).unwrap();
    says(&host, "iron").await;
}
