//! One whole login in a real browser.

use harness::Page;

use super::Place;
use super::factors::code;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_and_out_in_a_real_browser() {
    let place = Place::new("");
    let (url, origin) = (place.url("/pay"), place.origin.clone());
    tokio::task::spawn_blocking(move || {
        let mut page = Page::open(&url);
        page.until(
            "document.readyState === 'complete' && document.querySelector('input[name=login]') !== null",
        );
        page.evaluate(
            "document.querySelector('input[name=login]').value = 'alice'; \
             document.querySelector('input[name=password]').value = 'x'; \
             document.querySelector('form').requestSubmit(); 1",
        );
        page.until(
            "document.readyState === 'complete' && document.querySelector('input[value=consent]') !== null",
        );
        page.evaluate("document.querySelector('form').requestSubmit(); 1");
        page.until("document.readyState === 'complete' && document.title === 'Enrol a second factor'");
        let secret = page.evaluate("document.querySelector('code').textContent");
        let code = code(secret.as_str().unwrap(), 0);
        page.evaluate(&format!(
            "document.querySelector('input[name=code]').value = '{code}'; document.querySelector('form').requestSubmit(); 1"
        ));
        page.until("document.readyState === 'complete' && document.querySelectorAll('li code').length === 10");
        // Scripts of the site do not see the session, but may read the token against other sites.
        let cookies = page.evaluate("document.cookie");
        let cookies = cookies.as_str().unwrap();
        assert!(cookies.contains("ostler-site-csrf=") && !cookies.contains("ostler-site="), "{cookies}");
        page.evaluate(&format!("location.href = '{origin}/auth/logout'; 1"));
        page.until("document.readyState === 'complete' && document.title === 'Log out?'");
        page.evaluate("document.querySelector('form').requestSubmit(); 1");
        page.until("location.href.includes('/session/end') && document.readyState === 'complete'");
        // The provider was left half way, so it still knows the person, but this site does not: it asks for the factor again.
        page.evaluate(&format!("location.href = '{url}'; 1"));
        page.until("document.readyState === 'complete' && document.title === 'Second factor'");
    })
    .await
    .unwrap();
}
