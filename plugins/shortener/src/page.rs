//! The page for people. It needs no script and nothing from elsewhere.

use ostler_sdk::{Error, Request, Response, config};

use crate::links::Link;

const FRAME: &str = include_str!("page.html");
/// Nothing may be loaded, run or framed; forms go here only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the page tells about the last click, and what stands in the form.
#[derive(Default)]
pub struct Said {
    notice: String,
    url: String,
    slug: String,
}

impl Said {
    /// After a redirect: `made` or `deleted`.
    pub fn from_query(request: &Request) -> Said {
        let notice = match (request.query("made"), request.query("deleted")) {
            (Some(slug), _) => {
                let slug = escape(&slug);
                format!(
                    r#"<p class="good" role="status">Your link is ready: <a href="/{slug}">/{slug}</a></p>"#
                )
            }
            (None, Some(_)) => r#"<p class="good" role="status">The link is gone.</p>"#.into(),
            (None, None) => String::new(),
        };
        Said { notice, ..Said::default() }
    }

    /// What was wrong, and what was typed.
    pub fn refusal(error: &Error, url: &str, slug: Option<&str>) -> Said {
        // The text of an error begins with its status and title, which people need not see.
        let text = error.to_string();
        let text = text.split_once(": ").map_or(text.as_str(), |(_, detail)| detail);
        let notice = format!(r#"<p class="bad" role="alert">That did not work: {}.</p>"#, escape(text));
        Said { notice, url: escape(url), slug: escape(slug.unwrap_or_default()) }
    }
}

/// Whether the client would rather have a page than JSON.
pub fn wanted(request: &Request) -> bool {
    request.header("accept").is_some_and(|kinds| kinds.contains("text/html"))
}

/// Form and list.
pub fn home(links: &[Link], after: Option<&str>, said: Said) -> Response {
    let Said { notice, url, slug } = said;
    let form = format!(
        r#"{notice}
<form method="post" action="/links" class="make">
<label for="url">Long address</label>
<input id="url" name="url" type="url" required maxlength="2048" placeholder="https://example.com/a/long/path" value="{url}">
<label for="slug">Short name <span class="hint">(optional)</span></label>
<input id="slug" name="slug" maxlength="40" pattern="[A-Za-z0-9_\-]+" title="letters, digits, - and _" autocapitalize="off" autocomplete="off" spellcheck="false" value="{slug}">
<button>Shorten</button>
</form>
"#
    );
    page(&(form + &table(links) + &next(after)))
}

/// 404 for people.
pub fn not_found(slug: &str) -> Response {
    let text = format!(
        r#"<p class="bad" role="alert">There is no link <b>/{}</b>.</p><p><a href="/">Make one</a></p>"#,
        escape(slug)
    );
    page(&text).with_status(404)
}

fn table(links: &[Link]) -> String {
    if links.is_empty() {
        return r#"<p class="empty">No links yet. The first one is yours.</p>"#.into();
    }
    let rows: String = links.iter().map(row).collect();
    format!(
        "<h2 id=\"links\">Links</h2><table aria-labelledby=\"links\"><thead><tr><th scope=\"col\">Link</th>\
         <th scope=\"col\" class=\"number\">Visits</th><th scope=\"col\"><span class=\"unseen\">Delete</span></th>\
         </tr></thead><tbody>{rows}</tbody></table>"
    )
}

fn row(link: &Link) -> String {
    let (slug, url, visits) = (escape(&link.slug), escape(&link.url), link.visits);
    format!(
        r#"<tr><th scope="row"><a href="/{slug}">/{slug}</a><span class="long" title="{url}">{url}</span></th><td class="number">{visits}</td><td><form method="post" action="/links/{slug}/delete"><button class="quiet" aria-label="Delete /{slug}">Delete</button></form></td></tr>"#
    )
}

fn next(after: Option<&str>) -> String {
    let link = |after| format!(r#"<p><a href="/?after={}" rel="next">More links</a></p>"#, escape(after));
    after.map(link).unwrap_or_default()
}

fn page(content: &str) -> Response {
    let title = escape(&config::get_or("title", "Short links"));
    let page = FRAME.replace("{{title}}", &title).replacen("{{content}}", content, 1);
    Response::html(page)
        .with_header("content-security-policy", POLICY)
        .with_header("referrer-policy", "no-referrer")
        .with_header("x-content-type-options", "nosniff")
        .with_header("cache-control", "no-store")
}

/// Text as it may stand in HTML, between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
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
