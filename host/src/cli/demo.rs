//! `ostler demo`: the examples, served from a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use ostler_core::Scheme;
use ostler_edge::Listen;

use super::{Failure, say, serve};

/// Serve the demo application
///
/// A greeting and a link shortener, from components that are built already (`cargo xtask demo` builds them and starts this).
/// State and admin token lie in a temporary folder that is removed at the end. Lines worth trying are printed.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  ostler demo --components target/demo-out")]
pub(super) struct Demo {
    /// Folder with hello.wasm and shortener.wasm
    #[arg(long, value_name = "DIR")]
    components: PathBuf,
    /// Address to serve
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = address)]
    listen: Listen,
    /// Address of the admin API
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9080")]
    admin_listen: std::net::SocketAddr,
}

fn address(text: &str) -> Result<Listen, &'static str> {
    let plain = Listen::parse(text).filter(|listen| listen.scheme == Scheme::Http);
    plain.ok_or("write it as http://IP:PORT")
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("no temporary folder: {error}"), "make room for one")
        };
        let folder = tempfile::Builder::new().prefix("ostler-demo-").tempdir().map_err(failed)?;
        let file = folder.path().join("ostler.toml");
        let components = std::path::absolute(&self.components).unwrap_or(self.components.clone());
        let text = configuration(&components, &self.listen, &self.admin_listen.to_string());
        fs::write(&file, text).map_err(failed)?;
        let config = serve::load(&file)?;
        say::line(invitation(
            &format!("http://{}", self.listen.address),
            &self.admin_listen.to_string(),
            folder.path(),
        ));
        serve::serve(config)
    }
}

fn configuration(components: &Path, listen: &Listen, admin: &str) -> String {
    let path = |name: &str| toml_text(&components.join(name));
    format!(
        r#"[server]
listen = ["http://{address}"]

[admin]
listen = "{admin}"
token_file = "admin.token"

[plugins.hello]
path = {hello}

[plugins.shortener]
path = {shortener}
memory = "16MiB"
deadline = "1s"
grant = {{ kv = ["links"], config = {{ title = "Short links" }} }}

[[routes]]
path = "/hello/{{name}}"
plugin = "hello"

[[routes]]
path = "/"
plugin = "shortener"

[[routes]]
path = "/{{*rest}}"
plugin = "shortener"
"#,
        address = listen.address,
        hello = path("hello.wasm"),
        shortener = path("shortener.wasm"),
    )
}

/// A path as a TOML text, with its backslashes, quotes and dollars kept.
pub(super) fn toml_text(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
    format!("\"{text}\"")
}

fn invitation(url: &str, admin: &str, folder: &Path) -> String {
    let json = "-H 'content-type: application/json'";
    format!(
        "The demo serves {url}/ (open it: a link shortener). Its state is in {folder}. Try:\n\n\
         # the smallest handler: a greeting\n\
         curl {url}/hello/you\n\n\
         # make a short link: JSON in and out, kept in the key-value store\n\
         curl -i {url}/links {json} -d '{{\"url\": \"https://example.com/a/long/path\", \"slug\": \"mine\"}}'\n\n\
         # follow it: a redirect, and one visit more\n\
         curl -i {url}/mine\n\n\
         # what a wrong request is told: every error is a problem document with a code\n\
         curl -i {url}/links {json} -d '{{\"url\": \"javascript:alert(1)\"}}'\n\n\
         # what the host saw of all this, for Prometheus\n\
         curl -s http://{admin}/metrics | grep ostler_requests\n\n\
         Ctrl-C ends it.\n",
        folder = folder.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_demo_is_configured_without_a_problem_wherever_its_components_lie() {
        let folder = tempfile::tempdir().unwrap();
        let components = folder.path().join("a \"strange\" ${place}");
        fs::create_dir(&components).unwrap();
        let handler =
            r#"(component (instance $i) (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#;
        for name in ["hello.wasm", "shortener.wasm"] {
            fs::write(components.join(name), wat::parse_str(handler).unwrap()).unwrap();
        }
        let file = folder.path().join("ostler.toml");
        let listen = Listen::parse("http://127.0.0.1:8080").unwrap();
        fs::write(&file, configuration(&components, &listen, "127.0.0.1:9080")).unwrap();
        let (config, warnings) = Config::load(&file).unwrap();
        assert_eq!((config.plugins.len(), config.routes.len(), warnings.len()), (2, 3, 0), "{warnings:?}");
    }
}
