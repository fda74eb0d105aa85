//! The life of sessions, with a clock that stands still.

use tempfile::TempDir;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn fresh() -> (TempDir, Sessions, Clock) {
    let home = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_000_000);
    let sessions = open(&home, &clock);
    (home, sessions, clock)
}

fn open(home: &TempDir, clock: &Clock) -> Sessions {
    Sessions::open(Database::open(&home.path().join("state")).unwrap(), clock.clone()).unwrap()
}

fn begin(subject: &str) -> Begin {
    let person = Person {
        subject: subject.into(),
        tenant: None,
        roles: vec!["reader".into()],
        scopes: Vec::new(),
        amr: Vec::new(),
        acr: None,
        authenticated_ms: 1_000_000,
        second_factor_ms: None,
        claims: serde_json::json!({}),
    };
    let tokens = Tokens { refresh_token: Some("r1".into()), due_ms: Some(1_060_000), ..Tokens::default() };
    Begin { authenticator: "site".into(), person, tokens, idle: MINUTE * 30, life: MINUTE * 60 }
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_at_the_latest_after_its_life() {
    let (_home, sessions, clock) = fresh();
    let (idle, _) = sessions.begin(begin("a")).await.unwrap();
    let (used, _) = sessions.begin(begin("b")).await.unwrap();
    assert!(sessions.find(&idle, "site").is_some());
    assert!(sessions.find(&idle, "elsewhere").is_none() && sessions.find("made-up", "site").is_none());
    clock.advance(MINUTE * 29);
    assert!(sessions.find(&used, "site").is_some());
    clock.advance(MINUTE);
    assert!(sessions.find(&idle, "site").is_none() && sessions.find(&used, "site").is_some());
    clock.advance(MINUTE * 29);
    assert!(sessions.find(&used, "site").is_some());
    clock.advance(MINUTE);
    assert!(sessions.find(&used, "site").is_none());
    sessions.sweep().await.unwrap();
    assert!(sessions.all().is_empty());
}

#[tokio::test]
async fn sessions_last_and_the_database_holds_no_id() {
    let (home, sessions, clock) = fresh();
    let (id, session) = sessions.begin(begin("a")).await.unwrap();
    let (gone, ended) = sessions.begin(begin("a")).await.unwrap();
    sessions.end(&ended).await.unwrap();
    sessions.0.database.settle().unwrap();
    drop((session, ended, sessions));
    let file = std::fs::read(home.path().join("state/ostler.db")).unwrap();
    assert!(!file.windows(id.len()).any(|window| window == id.as_bytes()));
    let sessions = open(&home, &clock);
    assert_eq!(&*sessions.find(&id, "site").unwrap().principal().subject, "a");
    assert!(sessions.find(&gone, "site").is_none());
}

#[tokio::test]
async fn a_renewed_session_has_another_id_the_same_end_and_its_tokens() {
    let (_home, sessions, clock) = fresh();
    let (old, session) = sessions.begin(begin("a")).await.unwrap();
    clock.advance(MINUTE * 20);
    let person = Person { second_factor_ms: Some(5_000), ..session.person() };
    let (new, next) = sessions.renew(&session, person).await.unwrap();
    assert!(sessions.find(&old, "site").is_none());
    assert!(sessions.find(&new, "site").unwrap().principal().assurance.second_factor_at.is_some());
    assert_eq!((next.expires_ms, next.created_ms), (session.expires_ms, session.created_ms));
    assert_eq!(sessions.tokens(&next).unwrap().refresh_token.as_deref(), Some("r1"));
    assert_eq!(sessions.tokens(&session).unwrap(), Tokens::default());
}

#[tokio::test]
async fn a_session_that_was_ended_does_not_come_back_by_a_renewal_or_a_refresh() {
    let (home, sessions, clock) = fresh();
    let (_, session) = sessions.begin(begin("a")).await.unwrap();
    assert_eq!(sessions.end_all_of("a").await.unwrap(), 1);
    assert!(session.has_ended());
    let (id, _) = sessions.renew(&session, session.person()).await.unwrap();
    assert!(sessions.find(&id, "site").is_none());
    sessions.refreshed(&session, None, Tokens::default()).await.unwrap();
    drop(sessions);
    assert!(open(&home, &clock).all().is_empty());
}

#[tokio::test]
async fn a_refresh_is_due_when_the_access_token_expires() {
    let (_home, sessions, _) = fresh();
    let (_, session) = sessions.begin(begin("a")).await.unwrap();
    assert!(!session.is_due(1_059_999) && session.is_due(1_060_000));
    let tokens = Tokens { refresh_token: Some("r2".into()), due_ms: Some(2_000_000), ..Tokens::default() };
    sessions.refreshed(&session, None, tokens.clone()).await.unwrap();
    assert!(!session.is_due(1_999_999));
    assert_eq!(sessions.tokens(&session).unwrap(), tokens);
    sessions.refreshed(&session, None, Tokens { refresh_token: None, ..tokens }).await.unwrap();
    assert!(!session.is_due(i64::MAX - 1));
}

#[tokio::test]
async fn one_person_has_so_many_sessions_and_the_least_used_goes() {
    let (_home, sessions, clock) = fresh();
    let mut ids = Vec::new();
    for _ in 0..PER_SUBJECT_MAX {
        ids.push(sessions.begin(begin("a")).await.unwrap().0);
        clock.advance(Duration::from_secs(1));
    }
    let (other, _) = sessions.begin(begin("b")).await.unwrap();
    clock.advance(MINUTE * 2);
    assert!(sessions.find(&ids[0], "site").is_some());
    sessions.begin(begin("a")).await.unwrap();
    assert!(sessions.find(&ids[0], "site").is_some() && sessions.find(&ids[1], "site").is_none());
    assert!(sessions.find(&other, "site").is_some());
}
