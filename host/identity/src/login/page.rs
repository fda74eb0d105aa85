//! The pages of a login: plain HTML without scripts, styles or anything from elsewhere.
//!
//! **Invariant:** no text of a client or a provider gets into a page unescaped, and the pages' own policy forbids all that they do
//! not use.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use ostler_core::Body;

/// A page with `title` and `body`; its forms may lead to this host, and on to `elsewhere` (an origin).
pub(super) fn page(status: StatusCode, title: &str, body: &str, elsewhere: Option<&str>) -> Response<Body> {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<h1>{title}</h1>\n{body}\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; form-action 'self'{}{}; frame-ancestors 'none'; base-uri 'none'",
        if elsewhere.is_some() { " " } else { "" },
        elsewhere.unwrap_or_default(),
    );
    let mut response = Response::new(Body::full(html));
    *response.status_mut() = status;
    let fields = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.extend(fields.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A form that sends one code to `action`.
pub(super) fn code_form(action: &str, return_to: &str, button: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"return_to\" value=\"{}\">\n\
         <p><label>Code <input name=\"code\" autocomplete=\"one-time-code\" required autofocus></label>\n\
         <button>{}</button></p>\n</form>",
        escape(action),
        escape(return_to),
        escape(button)
    )
}

/// A form of one button.
pub(super) fn button_form(action: &str, button: &str) -> String {
    format!("<form method=\"post\" action=\"{}\"><button>{}</button></form>", escape(action), escape(button))
}

/// Leads a browser elsewhere with GET, whatever it came with.
pub(super) fn see_other(location: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}

/// For programs.
pub(super) fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::full(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Text that means itself in HTML, also within quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_into_a_page_unescaped() {
        let form = code_form("/auth/mfa", "/\"><script>alert(1)</script>", "Go");
        assert!(!form.contains("<script>") && form.contains("&lt;script&gt;"), "{form}");
        let page = page(StatusCode::OK, "<b>", &form, Some("https://id.test"));
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; form-action 'self' https://id.test;"), "{policy}");
        let Body::Full(html) = page.into_body() else { panic!("a page is buffered") };
        assert!(String::from_utf8_lossy(&html).contains("<title>&lt;b&gt;</title>"));
    }
}
