//! The `spin-*` request fields: where Spin's guests find the route, the whole URL and the client.
//!
//! Only guests that import one of Spin's interfaces get them. **Invariant:** what a client sent under these names never
//! reaches such a guest.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use ostler_core::Exchange;

/// Fields that are set for every request.
const FIELDS: [&str; 7] = [
    "spin-full-url",
    "spin-path-info",
    "spin-matched-route",
    "spin-base-path",
    "spin-raw-component-route",
    "spin-component-route",
    "spin-client-addr",
];

/// Begins the fields that hold the route's parameters.
const PARAMETER: &str = "spin-path-match-";

/// Whether a component with these imports is one of Spin's.
pub(crate) fn is_spin<'a>(mut imports: impl Iterator<Item = &'a str>) -> bool {
    imports.any(|name| name.starts_with("fermyon:spin/") || name.starts_with("spin:"))
}

/// Sets the fields of `request` as Spin does, in place of what the client sent.
pub(crate) fn describe<B>(request: &mut Request<B>, exchange: &Exchange) {
    let url = full_url(request, exchange);
    let (route, path) = (Route::of(&exchange.route), request.uri().path().to_owned());
    let headers = request.headers_mut();
    clear(headers);
    let rest = route.rest(&path).to_owned();
    let values = [url, rest, route.text.clone(), "/".into(), route.text.clone(), route.prefix().into()];
    let client = exchange.peer.address.to_string();
    for (name, value) in FIELDS.into_iter().zip(values.into_iter().chain([client])) {
        set(headers, HeaderName::from_static(name), &value);
    }
    for (name, value) in route.parameters(&path) {
        let name = format!("{PARAMETER}{}", name.to_ascii_lowercase());
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(headers, name, value);
        }
    }
}

fn full_url<B>(request: &Request<B>, exchange: &Exchange) -> String {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(|authority| authority.as_str()).or(host).unwrap_or("localhost");
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    format!("{}://{authority}{target}", exchange.peer.scheme.as_str())
}

fn clear(headers: &mut HeaderMap) {
    FIELDS.into_iter().for_each(|name| {
        headers.remove(name);
    });
    let forged = headers.keys().filter(|name| name.as_str().starts_with(PARAMETER));
    for name in forged.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

/// What no field can hold is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A path pattern, as Spin would write it: `/users/{id}/{*rest}` is `/users/:id/...` there.
struct Route {
    text: String,
    segments: Vec<String>,
    /// Whether the last segment takes all that is left.
    open: bool,
}

impl Route {
    fn of(pattern: &str) -> Self {
        let mut segments: Vec<&str> = pattern.split('/').skip(1).collect();
        let open = segments.pop_if(|last| last.starts_with("{*")).is_some();
        let segments: Vec<String> = segments.into_iter().map(segment).collect();
        let mut text: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if open {
            text.push_str("/...");
        }
        Route { text, segments, open }
    }

    /// The pattern without its wildcard.
    fn prefix(&self) -> &str {
        self.text.strip_suffix("/...").unwrap_or(&self.text)
    }

    /// What the wildcard takes of `path`, with its slash.
    fn rest<'a>(&self, path: &'a str) -> &'a str {
        let start = path.match_indices('/').map(|(at, _)| at).nth(self.segments.len());
        start.filter(|_| self.open).map_or("", |at| &path[at..])
    }

    /// Names of parameters that are a whole segment, and what they are in `path`.
    fn parameters<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.segments.iter().zip(path.split('/').skip(1));
        pairs.filter_map(|(name, value)| Some((name.strip_prefix(':')?, value)))
    }
}

fn segment(segment: &str) -> String {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => format!(":{name}"),
        None => segment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ostler_core::{Peer, RequestId, Scheme};

    use super::*;

    fn described(route: &str, target: &str) -> HeaderMap {
        let peer =
            Peer { address: "127.0.0.1:8777".parse().unwrap(), scheme: Scheme::Https, certificate: None };
        let now = Instant::now();
        let id = RequestId::generate(1);
        let exchange = Exchange::new(id, peer, route.into(), now, now);
        let request = Request::builder().uri(target).header("host", "a.example");
        let request = request.header("spin-client-addr", "6.6.6.6:6").header("spin-path-match-id", "forged");
        let mut request = request.header("spin-other", "kept").body(()).unwrap();
        describe(&mut request, &exchange);
        request.into_parts().0.headers
    }

    #[test]
    fn a_route_with_parameter_and_rest_is_told_as_spin_tells_it() {
        let headers = described("/foo/{Id}/{*rest}", "/foo/42/bar/baz?a=1");
        for (name, value) in [
            ("spin-full-url", "https://a.example/foo/42/bar/baz?a=1"),
            ("spin-path-info", "/bar/baz"),
            ("spin-matched-route", "/foo/:Id/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/foo/:Id/..."),
            ("spin-component-route", "/foo/:Id"),
            ("spin-client-addr", "127.0.0.1:8777"),
            ("spin-path-match-id", "42"),
            ("spin-other", "kept"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
    }

    #[test]
    fn an_exact_route_has_no_path_info_and_forgeries_are_gone() {
        let headers = described("/foo", "/foo");
        assert_eq!(
            (&headers["spin-path-info"], &headers["spin-component-route"]),
            (&"".parse().unwrap(), &"/foo".parse().unwrap())
        );
        assert!(!headers.contains_key("spin-path-match-id"));
        let headers = described("/{*rest}", "/foo");
        assert_eq!(headers["spin-path-info"], "/foo");
        assert_eq!(headers["spin-raw-component-route"], "/...");
        assert_eq!(described("/", "/")["spin-raw-component-route"], "/");
    }

    #[test]
    fn spin_is_known_by_its_interfaces() {
        assert!(is_spin(["wasi:http/types@0.2.0", "fermyon:spin/llm@2.0.0"].into_iter()));
        assert!(is_spin(["spin:key-value/key-value@3.0.0"].into_iter()));
        assert!(!is_spin(["wasi:keyvalue/store@0.2.0-draft"].into_iter()));
    }
}
