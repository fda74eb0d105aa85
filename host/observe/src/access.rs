//! The access log: one line per exchange, written by hand because every request pays for it.
//!
//! Invariant: the query string is never logged (tokens and personal data travel in it), nor any header.

use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode, Version};
use ostler_core::{Kind, Principal};
use tracing::Level;

use crate::line::Line;
use crate::sink::Sink;

/// What one exchange was and how it ended.
#[derive(Debug, Clone, Copy)]
pub struct AccessLine<'a> {
    /// `x-request-id` of the reply.
    pub request_id: &'a str,
    /// Method of the request.
    pub method: &'a Method,
    /// Path of the request; anything from the first `?` on is cut off.
    pub path: &'a str,
    /// HTTP version the client spoke.
    pub version: Version,
    /// Status of the reply.
    pub status: StatusCode,
    /// Why this host refused or failed the exchange, if it did.
    pub kind: Option<Kind>,
    /// Path pattern of the route that matched.
    pub route: Option<&'a str>,
    /// Plugin that was asked.
    pub plugin: Option<&'a str>,
    /// Short digest of the release that was asked.
    pub release: Option<&'a str>,
    /// From the arrival of the request's head to the end of the reply.
    pub duration: Duration,
    /// Bytes of the request's body, if known.
    pub bytes_in: Option<u64>,
    /// Bytes of the reply's body, if known.
    pub bytes_out: Option<u64>,
    /// Address of the client.
    pub client: IpAddr,
    /// Who the client was proved to be.
    pub principal: Option<&'a Principal>,
}

impl AccessLine<'_> {
    /// Writes it; at level `warn` if the operator should look, else `info`.
    pub fn write(&self, sink: &Sink) {
        let alarming = self.kind.is_some_and(|kind| kind.facts().alarming);
        let mut line = Line::new(sink.format(), if alarming { Level::WARN } else { Level::INFO }, "access");
        line.message("request");
        line.text("request_id", self.request_id);
        line.text("method", self.method.as_str());
        line.text("path", self.path.split_once('?').map_or(self.path, |(path, _)| path));
        line.count("status", u64::from(self.status.as_u16()));
        let texts = [
            ("kind", self.kind.map(|kind| kind.facts().code)),
            ("route", self.route),
            ("plugin", self.plugin),
            ("release", self.release),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                line.text(key, value);
            }
        }
        line.count("duration_us", self.duration.as_micros() as u64);
        for (key, value) in [("bytes_in", self.bytes_in), ("bytes_out", self.bytes_out)] {
            if let Some(value) = value {
                line.count(key, value);
            }
        }
        line.address("client", self.client);
        if let Some(principal) = self.principal {
            line.text("subject", &principal.subject);
            line.text("auth", &principal.authenticator);
            if let Some(tenant) = &principal.tenant {
                line.text("tenant", tenant);
            }
        }
        line.text("http", version(self.version));
        sink.push(line.finish());
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::line::Format;
    use crate::testing::Shelf;

    fn written(format: Format, path: &str, kind: Option<Kind>) -> Shelf {
        let shelf = Shelf::default();
        let sink = Sink::to(format, shelf.clone()).unwrap();
        let line = AccessLine {
            request_id: "abc",
            method: &Method::GET,
            path,
            version: Version::HTTP_11,
            status: StatusCode::OK,
            kind,
            route: Some("/api/{id}"),
            plugin: Some("hello"),
            release: Some("2cf24dba5fb0"),
            duration: Duration::from_micros(1234),
            bytes_in: None,
            bytes_out: Some(13),
            client: Ipv4Addr::LOCALHOST.into(),
            principal: None,
        };
        line.write(&sink);
        assert!(sink.close());
        shelf
    }

    #[test]
    fn a_json_line_is_flat_and_says_all() {
        let line = &written(Format::Json, "/api/7", None).json()[0];
        let fields = line.as_object().unwrap();
        assert_eq!(fields.len(), 15, "{line}");
        assert!(fields.values().all(|value| value.is_string() || value.is_u64()), "{line}");
        assert_eq!((&line["duration_us"], &line["bytes_out"]), (&1234.into(), &13.into()));
        assert_eq!((&line["client"], &line["http"]), (&"127.0.0.1".into(), &"1.1".into()));
    }

    #[test]
    fn a_human_line_reads_as_pairs() {
        let text = written(Format::Human, "/a b", Some(Kind::PluginTrapped)).text();
        assert!(
            text.contains(" WARN  access: request request_id=abc method=GET path=\"/a b\" status=200"),
            "{text}"
        );
        assert!(text.contains(" kind=plugin_trapped route=/api/{id} "), "{text}");
    }

    #[test]
    fn the_query_stays_out_of_the_log() {
        let text = written(Format::Json, "/reset?token=hunter2", None).text();
        assert!(text.contains("\"path\":\"/reset\"") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_path_cannot_forge_a_second_line() {
        let text =
            written(Format::Human, "/\n2026-01-01T00:00:00.000Z INFO  admin: all is well", None).text();
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
