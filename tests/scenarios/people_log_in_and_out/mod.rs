//! Login with a real OpenID Connect provider, sessions, logout, second factors, and the attacks on each.

mod attacks;
mod browser;
mod factors;
mod life;
mod window;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use browser::Browser;
use harness::{Host, Reply, Server, Setup, free_port, servers};

/// A host and its provider.
struct Place {
    host: Host,
    provider: Server,
    origin: String,
}

const COOKIE: &str = "ostler-site";

fn provider(port: u16, origin: &str, access_seconds: u32) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("people_log_in_and_out/provider.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(port.to_string()).arg(servers()).arg(origin).arg(access_seconds.to_string());
    command
}

impl Place {
    /// With further settings of the login.
    fn new(keys: &str) -> Place {
        Place::with(keys, 3_600)
    }

    fn with(keys: &str, access_seconds: u32) -> Place {
        let origin = format!("http://127.0.0.1:{}", free_port());
        let provider = Server::start(|port| provider(port, &origin, access_seconds));
        let login = format!(
            "[auth.site]\nkind = \"oidc\"\nissuer = \"http://{}\"\nclient_id = \"app\"\nclient_secret = \"{}\"\n\
             origin = {origin:?}\ninsecure_cookies = true\ntenant = \"tenant\"\nroles = \"roles\"\n{keys}",
            provider.address,
            "s".repeat(32)
        );
        let host = Setup::new()
            .server(&format!("listen = [{origin:?}]"))
            .plugin("p", "typed", "")
            .route("/echo", "p")
            .with("auth = [\"site\"]")
            .route("/", "p")
            .route("/pay", "p")
            .with("auth = [\"site\"]\nmfa = { max_age = \"5m\" }")
            .with(&login)
            .start();
        Place { host, provider, origin }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn address(&self) -> SocketAddr {
        self.host.address
    }

    /// A browser that has logged in as `name` on its way to `/echo`, and its page.
    async fn logged_in(&self, name: &str) -> (Browser, Reply) {
        let mut browser = Browser::new();
        let asked = browser.visit(&self.url("/echo?a=b")).await;
        let page = browser.log_in(asked, name, None).await;
        assert_eq!(
            (page.status.as_u16(), browser.at.as_str()),
            (200, self.url("/echo?a=b").as_str()),
            "{}",
            page.text()
        );
        (browser, page)
    }

    /// What `/echo` answers to a program with this session.
    async fn status(&self, session: &str) -> u16 {
        let mut request = self.host.client.request(http::Method::GET, "/echo", "");
        request.headers_mut().insert("cookie", format!("{COOKIE}={session}").parse().unwrap());
        self.host.client.try_send(request).await.unwrap().status.as_u16()
    }

    fn session(&self, browser: &mut Browser) -> String {
        browser.cookies(self.address()).get(COOKIE).cloned().unwrap_or_default()
    }
}
