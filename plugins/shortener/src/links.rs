//! Links in the store `links`: `link/SLUG` holds the URL, `visits/SLUG` the count, `made` how many were ever numbered.

use ostler_sdk::{Error, kv};
use serde::Serialize;

use crate::slug;

/// Links on a page.
const PAGE: u32 = 50;
/// Numbered slugs tried before giving up: each is free unless somebody chose it by hand.
const ATTEMPTS: usize = 8;

/// A short link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    pub slug: String,
    pub url: String,
    pub visits: i64,
}

/// All of them.
pub struct Links(kv::Store);

impl Links {
    /// Costs nothing until used.
    pub fn open() -> Self {
        Links(kv::open("links"))
    }

    /// Where a link leads.
    pub fn url(&self, slug: &str) -> Result<Option<String>, Error> {
        // What cannot be a slug is not worth a look, and may be too long for a key.
        if slug::check(slug).is_err() {
            return Ok(None);
        }
        Ok(self.0.get(&link(slug))?.map(text))
    }

    /// A link with its count.
    pub fn find(&self, slug: &str) -> Result<Option<Link>, Error> {
        let Some(url) = self.url(slug)? else { return Ok(None) };
        Ok(Some(Link { slug: slug.to_owned(), url, visits: self.0.get_count(&visits(slug))? }))
    }

    /// Makes a link; none if the slug is taken.
    pub fn create(&self, slug: &str, url: &str) -> Result<Option<Link>, Error> {
        let made = self.0.set_if_absent(&link(slug), url)?;
        Ok(made.then(|| Link { slug: slug.to_owned(), url: url.to_owned(), visits: 0 }))
    }

    /// Makes a link under the next number that is free.
    pub fn create_with_new_slug(&self, url: &str) -> Result<Link, Error> {
        for _ in 0..ATTEMPTS {
            let number = self.0.increment("made", 1)?;
            if let Some(link) = self.create(&slug::from_number(number as u64), url)? {
                return Ok(link);
            }
        }
        Err(Error::unavailable("no free name was found: try again, or choose one"))
    }

    /// Counts a visit and returns the sum.
    pub fn count(&self, slug: &str) -> Result<i64, kv::Error> {
        self.0.increment(&visits(slug), 1)
    }

    /// Whether there was such a link.
    pub fn delete(&self, slug: &str) -> Result<bool, Error> {
        if slug::check(slug).is_err() || !self.0.delete(&link(slug))? {
            return Ok(false);
        }
        self.0.delete(&visits(slug))?;
        Ok(true)
    }

    /// Links in the order of their slugs, from behind `after`, and where the next page begins.
    pub fn page(&self, after: Option<&str>) -> Result<(Vec<Link>, Option<String>), Error> {
        let page = self.0.list("link/", after, PAGE)?;
        let slugs: Vec<&str> = page.keys.iter().filter_map(|key| key.strip_prefix("link/")).collect();
        let urls = self.0.get_many(slugs.iter().map(|slug| link(slug)))?;
        let counts = self.0.get_many(slugs.iter().map(|slug| visits(slug)))?;
        let all = slugs.into_iter().zip(urls).zip(counts).filter_map(|((slug, url), count)| {
            let visits = count.and_then(|count| text(count).parse().ok()).unwrap_or(0);
            // One that was deleted since the list was made has no URL any more.
            Some(Link { slug: slug.to_owned(), url: text(url?), visits })
        });
        Ok((all.collect(), page.cursor))
    }
}

fn link(slug: &str) -> String {
    format!("link/{slug}")
}

fn visits(slug: &str) -> String {
    format!("visits/{slug}")
}

fn text(value: Vec<u8>) -> String {
    String::from_utf8_lossy(&value).into_owned()
}
