//! A link shortener: makes, follows, counts and deletes short links. A page for people, JSON for programs.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /links` | JSON `{"url", "slug"?}` or the page's form: makes a link |
//! | `GET /links`, `GET /links/{slug}` | links as JSON |
//! | `DELETE /links/{slug}`, `POST /links/{slug}/delete` | deletes one; the second is the page's button |
//! | `GET /{slug}` | redirects, and counts |

use ostler_sdk::{Error, Request, Response, log};
use serde::Deserialize;
use serde_json::json;

mod links;
mod page;
mod slug;
mod target;

use links::{Link, Links};

/// Body of `POST /links`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    url: String,
    slug: Option<String>,
}

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let links = Links::open();
    // A HEAD is answered like a GET; the host leaves the body away.
    let method = if request.method() == "HEAD" { "GET" } else { request.method() };
    match (method, request.path()) {
        ("GET", "/") => page(&links, &request),
        ("GET", "/links") => list(&links, &request),
        ("POST", "/links") => make(&links, &request),
        (_, "/") => Err(Error::method_not_allowed("GET, HEAD")),
        (_, "/links") => Err(Error::method_not_allowed("GET, HEAD, POST")),
        _ => one(&links, &request, method),
    }
}

/// Paths that name a link.
fn one(links: &Links, request: &Request, method: &str) -> Result<Response, Error> {
    if let Some(path) = request.match_path("/links/{slug}/delete") {
        return match method {
            "POST" => delete_by_button(links, request, path.get("slug")),
            _ => Err(Error::method_not_allowed("POST")),
        };
    }
    if let Some(path) = request.match_path("/links/{slug}") {
        return match method {
            "GET" => Response::json(&links.find(path.get("slug"))?.ok_or_else(|| missing(path.get("slug")))?),
            "DELETE" => delete(links, path.get("slug")),
            _ => Err(Error::method_not_allowed("GET, HEAD, DELETE")),
        };
    }
    match request.match_path("/{slug}") {
        Some(path) if method == "GET" => follow(links, request, path.get("slug")),
        Some(_) => Err(Error::method_not_allowed("GET, HEAD")),
        None => Err(Error::not_found("there is no such page")),
    }
}

fn page(links: &Links, request: &Request) -> Result<Response, Error> {
    let (shown, more) = links.page(request.query("after").as_deref())?;
    Ok(page::home(&shown, more.as_deref(), page::Said::from_query(request)))
}

fn list(links: &Links, request: &Request) -> Result<Response, Error> {
    let (shown, more) = links.page(request.query("after").as_deref())?;
    Response::json(&json!({ "links": shown, "after": more }))
}

/// Programs get 201 and the link, people come back to the page, with what was wrong beside what they typed.
fn make(links: &Links, request: &Request) -> Result<Response, Error> {
    if !request.is_form() {
        let wish: Wish = request.json()?;
        let link = create(links, request, &wish)?;
        let place = format!("/links/{}", link.slug);
        return Ok(Response::json(&link)?.with_status(201).with_header("location", place));
    }
    refuse_other_sites(request)?;
    let form = request.form()?;
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let wish = Wish { url: text("url"), slug: Some(text("slug")).filter(|slug| !slug.is_empty()) };
    match create(links, request, &wish) {
        Ok(link) => Ok(Response::redirect(303, &format!("/?made={}", link.slug))),
        Err(error) if error.status() < 500 => {
            let (shown, more) = links.page(None)?;
            let said = page::Said::refusal(&error, &wish.url, wish.slug.as_deref());
            Ok(page::home(&shown, more.as_deref(), said).with_status(error.status()))
        }
        Err(error) => Err(error),
    }
}

fn create(links: &Links, request: &Request, wish: &Wish) -> Result<Link, Error> {
    target::check(&wish.url, request.header("host").unwrap_or_default())?;
    let link = match &wish.slug {
        Some(slug) => {
            slug::check(slug)?;
            let made = links.create(slug, &wish.url)?;
            made.ok_or_else(|| {
                Error::conflict(format!("{slug:?} is taken: choose another")).with_code("taken")
            })?
        }
        None => links.create_with_new_slug(&wish.url)?,
    };
    log::info!("link made", slug = link.slug, url = link.url);
    Ok(link)
}

fn follow(links: &Links, request: &Request, slug: &str) -> Result<Response, Error> {
    let Some(url) = links.url(slug)? else {
        return match page::wanted(request) {
            true => Ok(page::not_found(slug)),
            false => Err(missing(slug)),
        };
    };
    if request.method() == "GET" {
        // A visitor is sent on even if the count fails.
        match links.count(slug) {
            Ok(visits) => log::debug!("link followed", slug = slug, visits = visits),
            Err(error) => log::warn!("visit not counted", slug = slug, error = error),
        }
    }
    // Not stored anywhere, or visits would pass by uncounted and deleted links live on.
    Ok(Response::redirect(302, &url).with_header("cache-control", "no-store"))
}

fn delete(links: &Links, slug: &str) -> Result<Response, Error> {
    match links.delete(slug)? {
        true => {
            log::info!("link deleted", slug = slug);
            Ok(Response::no_content())
        }
        false => Err(missing(slug)),
    }
}

fn delete_by_button(links: &Links, request: &Request, slug: &str) -> Result<Response, Error> {
    refuse_other_sites(request)?;
    if links.delete(slug)? {
        log::info!("link deleted", slug = slug);
    }
    Ok(Response::redirect(303, "/?deleted=1"))
}

/// A form on another site could post here in a visitor's name; browsers say where a form stood (Fetch Metadata).
fn refuse_other_sites(request: &Request) -> Result<(), Error> {
    match request.header("sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(Error::forbidden("this form was sent from another site").with_code("cross_site")),
    }
}

fn missing(slug: &str) -> Error {
    Error::not_found(format!("there is no link {slug:?}")).with_code("no_such_link")
}

#[cfg(test)]
mod tests;
