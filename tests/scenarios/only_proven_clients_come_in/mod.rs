//! Whoever asks has to prove who it is: tokens of real issuers, certificates, passwords; and failing costs more and more.

use std::process::Command;

use bytes::Bytes;
use harness::{Client, Host, Reply, Server, Setup, Version, servers};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;

mod certificates;
mod issuers;
mod passwords;

/// A host whose guest shows what reaches it, on a route that asks for `auth`, with the tables `tables`.
fn host(setup: Setup, auth: &str, tables: &str) -> Host {
    let route = format!("[[routes]]\npath = \"/{{*rest}}\"\nplugin = \"p\"\nauth = {auth}\n{tables}");
    setup.plugin("p", "typed", "").with(&route).start()
}

/// GET `/echo` with these fields.
async fn ask(client: &Client, fields: &[(&'static str, &str)]) -> Reply {
    client.try_send(request(client, fields)).await.unwrap()
}

fn request(client: &Client, fields: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    let mut request = client.request(Method::GET, "/echo?a=b", "");
    for (name, value) in fields {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    request
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// `node` with a script of this folder.
fn node(script: &str, port: u16) -> Command {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/only_proven_clients_come_in");
    let mut command = Command::new("node");
    command.arg(format!("{folder}/{script}")).arg(servers()).arg(port.to_string());
    command
}

/// Posts a form to an issuer.
async fn post(issuer: &Server, path: &str, form: &str, authorization: Option<&str>) -> Reply {
    let client = Client::new(issuer.address, Version::Http1, None);
    let mut request = client.request(Method::POST, path, form.to_owned());
    let headers = request.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(authorization) = authorization {
        headers.insert("authorization", HeaderValue::from_str(authorization).unwrap());
    }
    client.try_send(request).await.unwrap()
}

/// Everything the host wrote so far.
async fn log(host: &Host) -> String {
    host.lines_so_far().await.iter().map(ToString::to_string).collect()
}
