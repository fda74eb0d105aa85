//! Codes, their single use and their limits, with a clock that stands still.

use tempfile::TempDir;

use super::*;

const SECRET: &[u8] = b"12345678901234567890";

fn fresh() -> (TempDir, Factors, Clock) {
    let home = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_000_000_000);
    let database = Database::open(&home.path().join("state")).unwrap();
    (home, Factors::new(database, clock.clone(), &HostKey::new(b"k")), clock)
}

fn owner(subject: &str) -> Owner {
    Owner { authenticator: "site".into(), subject: subject.into() }
}

fn code(clock: &Clock, steps: i64) -> String {
    let time = clock.now_ms() / 1_000 + steps * 30;
    totp(SECRET, "", "").generate(time.unsigned_abs()).to_string()
}

async fn enrolled() -> (TempDir, Factors, Clock, Vec<String>) {
    let (home, factors, clock) = fresh();
    let codes = factors.enrol(&owner("a"), SECRET, &code(&clock, 0)).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(60));
    (home, factors, clock, codes)
}

#[test]
fn codes_are_those_of_the_rfc() {
    // RFC 6238 appendix B, the last six digits.
    for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
        assert_eq!(totp(SECRET, "", "").generate(time).to_string(), code);
    }
    let url = totp(SECRET, "my: host", "a:b").to_url().unwrap();
    assert!(url.starts_with("otpauth://totp/my%20host:ab?"), "{url}");
}

#[tokio::test]
async fn a_code_is_taken_one_step_either_way_and_once() {
    let (_home, factors, clock, _) = enrolled().await;
    let a = owner("a");
    for (steps, outcome) in
        [(-2, Outcome::Wrong), (2, Outcome::Wrong), (-1, Outcome::Right), (-1, Outcome::Wrong)]
    {
        assert_eq!(factors.verify(&a, &code(&clock, steps)).await.unwrap(), outcome, "{steps}");
    }
    assert_eq!(factors.verify(&a, &code(&clock, 1)).await.unwrap(), Outcome::Right);
    // What came before a used code is used up with it.
    assert_eq!(factors.verify(&a, &code(&clock, 0)).await.unwrap(), Outcome::Wrong);
    assert_eq!(factors.verify(&owner("b"), &code(&clock, 1)).await.unwrap(), Outcome::Nobody);
}

#[tokio::test]
async fn enrolment_wants_a_code_of_its_secret_and_uses_it_up() {
    let (_home, factors, clock) = fresh();
    let a = owner("a");
    assert!(factors.enrol(&a, b"another secret of 20", &code(&clock, 0)).await.unwrap().is_none());
    assert!(!factors.has(&a).unwrap());
    factors.enrol(&a, SECRET, &code(&clock, 0)).await.unwrap().unwrap();
    assert!(factors.has(&a).unwrap() && !factors.has(&owner("b")).unwrap());
    assert_eq!(factors.verify(&a, &code(&clock, 0)).await.unwrap(), Outcome::Wrong);
}

#[tokio::test]
async fn five_wrong_codes_lock_the_person_out_for_a_while() {
    let (_home, factors, clock, codes) = enrolled().await;
    let a = owner("a");
    for _ in 0..ATTEMPTS_MAX {
        assert_eq!(factors.verify(&a, "000000").await.unwrap(), Outcome::Wrong);
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(
        factors.verify(&a, &code(&clock, 0)).await.unwrap(),
        Outcome::Locked(Duration::from_secs(600))
    );
    assert!(matches!(factors.verify(&a, &codes[0]).await.unwrap(), Outcome::Locked(_)));
    clock.advance(Duration::from_secs(600));
    assert_eq!(factors.verify(&a, &code(&clock, 0)).await.unwrap(), Outcome::Right);
}

#[tokio::test]
async fn attempts_at_once_are_counted_one_by_one() {
    let (_home, factors, _, _) = enrolled().await;
    let a = owner("a");
    let tries = futures::future::join_all((0..20).map(|_| factors.verify(&a, "000000"))).await;
    let wrong = tries.iter().filter(|outcome| matches!(outcome, Ok(Outcome::Wrong))).count();
    assert_eq!(wrong, ATTEMPTS_MAX as usize);
}

#[tokio::test]
async fn one_code_sent_twice_at_once_is_taken_once() {
    let (_home, factors, clock, _) = enrolled().await;
    let (a, right) = (owner("a"), code(&clock, 0));
    let tries = futures::future::join_all((0..4).map(|_| factors.verify(&a, &right))).await;
    assert_eq!(tries.iter().filter(|outcome| matches!(outcome, Ok(Outcome::Right))).count(), 1);
}

#[tokio::test]
async fn a_recovery_code_is_taken_once_however_it_is_typed() {
    let (_home, factors, _, codes) = enrolled().await;
    let a = owner("a");
    assert_eq!(codes.len(), 10);
    let typed = codes[0].to_uppercase().replace('-', " ");
    assert_eq!(factors.verify(&a, &typed).await.unwrap(), Outcome::Right);
    assert_eq!(factors.verify(&a, &codes[0]).await.unwrap(), Outcome::Wrong);
    assert_eq!(factors.recovery_codes_left(&a).unwrap(), 9);
    factors.database.settle().unwrap();
    let file = std::fs::read(factors.database.path()).unwrap();
    for code in &codes {
        let plain = plain(code);
        let bytes = [code.as_bytes(), plain.as_bytes()];
        assert!(!bytes.iter().any(|code| file.windows(code.len()).any(|window| window == *code)));
    }
}
