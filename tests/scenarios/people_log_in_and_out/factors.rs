//! The second factor: enrolment, step-up, replay, lockout, recovery.

use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use totp_rs::{Builder, Secret};

use super::Place;
use super::browser::Browser;

/// The code of the app, so many steps from now.
pub(super) fn code(secret: &str, steps: u64) -> String {
    code_at(secret, now() + 30 * steps)
}

fn code_at(secret: &str, time: u64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("a").build().unwrap();
    totp.generate(time).to_string()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A code that the app shows neither now nor a step before or after.
fn wrong(secret: &str) -> String {
    let shown: Vec<_> = (0..4).map(|step| code_at(secret, now() + 30 * step - 60)).collect();
    (0..).map(|number| format!("{number:06}")).find(|code| !shown.contains(code)).unwrap()
}

/// What came of an enrolment.
struct Enrolled {
    browser: Browser,
    secret: String,
    /// The code with which it was proved.
    used: String,
    recovery: Vec<String>,
}

/// A browser that has enrolled a second factor on its way to `/pay`.
async fn enrolled(place: &Place, name: &str) -> Enrolled {
    let (mut browser, _) = place.logged_in(name).await;
    let before = place.session(&mut browser);
    let page = browser.visit(&place.url("/pay")).await.text();
    assert!(browser.at.contains("/auth/mfa/enrol?return_to=%2Fpay"), "{}", browser.at);
    let secret = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(page.contains(&format!("secret={secret}")) && page.contains("otpauth://totp/"), "{page}");
    let form = format!("code={}", wrong(&secret));
    let refused = browser.send(Method::POST, "/auth/mfa/enrol", &form, &[]).await;
    assert!(refused.status == 401 && refused.text().contains(&secret), "the same secret is shown again");
    let used = code(&secret, 0);
    let form = format!("return_to=%2Fpay&code={used}");
    let done = browser.send(Method::POST, "/auth/mfa/enrol", &form, &[]).await;
    let page = done.text();
    assert_eq!(done.status, 200, "{page}");
    let recovery: Vec<_> =
        page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    assert_ne!(place.session(&mut browser), before, "what a session may do has changed, so its id has");
    assert_eq!(place.status(&before).await, 401);
    Enrolled { browser, secret, used, recovery }
}

/// The page behind the second factor, which the plugin does not know and was asked for.
async fn pays(browser: &mut Browser, place: &Place) -> bool {
    browser.visit(&place.url("/pay")).await.status == 404
}

#[tokio::test]
async fn a_sensitive_route_asks_for_a_second_factor_and_takes_each_code_once() {
    let place = Place::new("");
    let Enrolled { browser: mut phone, secret, used, .. } = enrolled(&place, "alice").await;
    assert!(pays(&mut phone, &place).await);
    let (mut browser, _) = place.logged_in("alice").await;
    assert!(browser.visit(&place.url("/pay")).await.text().contains("Second factor"));
    let replayed = browser.send(Method::POST, "/auth/mfa", &format!("code={used}"), &[]).await;
    assert_eq!(replayed.status, 401, "the code of the enrolment is used up");
    let right = format!("return_to=%2Fpay&code={}", code(&secret, 1));
    let done = browser.send(Method::POST, "/auth/mfa", &right, &[]).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/pay"));
    assert!(pays(&mut browser, &place).await);
    assert_eq!(browser.send(Method::POST, "/auth/mfa", &right, &[]).await.status, 401);
    // Neither the secret nor a code is in a log.
    assert!(!format!("{:?}", place.host.lines_so_far().await).contains(&secret));
}

#[tokio::test]
async fn programs_are_told_what_is_needed() {
    let place = Place::new("");
    let (mut browser, _) = place.logged_in("alice").await;
    let program = [("accept", "application/json"), ("content-type", "application/json")];
    let told = browser.send(Method::GET, &place.url("/pay"), "", &program[..1]).await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (401, "step_up_required"));
    let challenge = told.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_user_authentication\"")
            && challenge.contains("max_age=\"300\"")
    );
    assert_eq!(told.json()["step_up"], "/auth/mfa");
    let told = browser.send(Method::POST, "/auth/mfa", r#"{"code":"123456"}"#, &program).await;
    assert_eq!((told.status.as_u16(), told.json()["enrol"].as_str().unwrap()), (401, "/auth/mfa/enrol"));
    let shown = browser.send(Method::GET, "/auth/mfa/enrol", "", &program[..1]).await.json();
    let form = format!(r#"{{"code":"{}"}}"#, code(shown["secret"].as_str().unwrap(), 0));
    let done = browser.send(Method::POST, "/auth/mfa/enrol", &form, &program).await;
    assert_eq!(done.json()["recovery_codes"].as_array().unwrap().len(), 10, "{}", done.text());
    assert!(pays(&mut browser, &place).await);
}

#[tokio::test]
async fn wrong_codes_lock_out_also_in_another_session_and_after_kill_9() {
    let mut place = Place::new("");
    let Enrolled { secret, recovery, .. } = enrolled(&place, "alice").await;
    let (mut one, _) = place.logged_in("alice").await;
    let (mut two, _) = place.logged_in("alice").await;
    for round in 0..5 {
        let browser = if round % 2 == 0 { &mut one } else { &mut two };
        let reply = browser.send(Method::POST, "/auth/mfa", &format!("code={}", wrong(&secret)), &[]).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    place.host = place.host.kill_and_restart();
    for code in [code(&secret, 1), recovery[0].clone()] {
        let reply = two.send(Method::POST, &place.url("/auth/mfa"), &format!("code={code}"), &[]).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (429, "rate_limited"));
        assert!(reply.header("retry-after").parse::<u64>().unwrap() > 800);
    }
    // Others are not locked out.
    let mut bob = enrolled(&place, "bob").await.browser;
    assert!(pays(&mut bob, &place).await);
}

#[tokio::test]
async fn a_recovery_code_helps_once_and_a_factor_is_replaced_only_by_its_owner() {
    let place = Place::new("");
    let codes = enrolled(&place, "alice").await.recovery;
    let (mut browser, _) = place.logged_in("alice").await;
    let asked = browser.visit(&place.url("/auth/mfa/enrol")).await;
    assert!(asked.text().contains("Second factor") && !asked.text().contains("otpauth"), "{}", asked.text());
    let sly = browser.send(Method::POST, "/auth/mfa/enrol", "code=000000", &[]).await;
    assert_eq!(sly.status, 303, "no secret without the old factor");
    let form = format!("code={}&return_to=%2Fauth%2Fmfa%2Fenrol", codes[3].to_uppercase());
    let page = browser.submit("/auth/mfa", &form).await.text();
    assert!(page.contains("otpauth://totp/"), "{page}");
    assert!(pays(&mut browser, &place).await);
    let (mut again, _) = place.logged_in("alice").await;
    assert_eq!(again.send(Method::POST, "/auth/mfa", &format!("code={}", codes[3]), &[]).await.status, 401);
}
