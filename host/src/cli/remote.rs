//! The admin API of a running host, as commands use it: one request, one answer, every failure with its repair.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use ostler_core::plugin::is_name;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Failure;
use target::{Stream, Target};

mod target;

/// To reach the host.
const CONNECT: Duration = Duration::from_secs(10);

/// For its answer: compiling a large component takes a while on a small machine.
const ANSWER: Duration = Duration::from_secs(15 * 60);

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Where the token is looked for if it is not named: beside the configuration, then in the state folder.
const TOKEN_FILES: [&str; 2] = ["admin.token", "state/admin.token"];

const OCTETS: &str = "application/octet-stream";

/// Which host to talk to, and as whom.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// URL of the host's admin API
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:9080")]
    pub(super) admin: String,
    /// File with the token of the admin API [default: admin.token or state/admin.token]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the public ones, for an https URL
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

/// What the host answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// A success.
    pub(super) status: StatusCode,
    /// Its JSON.
    pub(super) value: Value,
}

impl Remote {
    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// If the host cannot be reached or refuses; the failure says what to do.
    pub(super) fn call(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Result<Answer, Failure> {
        self.call_with(method, path, OCTETS, body.into())
    }

    /// The same, with a body of this media type.
    ///
    /// # Errors
    /// As [`Remote::call`].
    pub(super) fn call_with(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let target = Target::parse(&self.admin)?;
        let (file, token) = self.token()?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", target.prefix))
            .header(header::HOST, &target.authority)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::USER_AGENT, concat!("ostler/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(|_| bad_token(&file))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(error.to_string(), ""))?;
        let (status, bytes) = runtime.block_on(self.exchange(&target, request))?;
        judge(status, &bytes, &self.admin, &file)
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let tcp = match timeout(CONNECT, TcpStream::connect((target.host.as_str(), target.port))).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => return Err(self.unreachable(&ErrorKind::TimedOut.into())),
        };
        match target.secure(tcp, self.ca.as_deref()).await? {
            Stream::Plain(tcp) => self.send(tcp, request).await,
            Stream::Tls(tls) => self.send(tls, request).await,
        }
    }

    async fn send<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let whole = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, body.to_bytes()))
        };
        match timeout(ANSWER, whole).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.silent(&error.to_string())),
            Err(_) => Err(self.silent("no answer in 15 minutes")),
        }
    }

    fn unreachable(&self, error: &std::io::Error) -> Failure {
        let repair = match error.kind() {
            ErrorKind::ConnectionRefused => {
                "is the host running? Start it with `ostler serve`, or name its admin address with --admin"
            }
            _ => "name the host's admin address with --admin",
        };
        Failure::new(format!("{} cannot be reached: {error}", self.admin), repair).passing()
    }

    fn silent(&self, error: &str) -> Failure {
        let repair =
            "is this the admin address of a host? --admin names it; an address with TLS needs https://";
        Failure::new(format!("{} did not answer: {error}", self.admin), repair).passing()
    }

    /// The token and the file it came from.
    fn token(&self) -> Result<(PathBuf, String), Failure> {
        let named = self.token_file.clone().into_iter();
        let usual = TOKEN_FILES.iter().map(PathBuf::from);
        let files: Vec<_> = if self.token_file.is_some() { named.collect() } else { usual.collect() };
        let mut last = String::new();
        for file in files {
            match read_token(&file) {
                Ok(token) => return Ok((file, token)),
                Err(error) => last = format!("{}: {error}", file.display()),
            }
        }
        let repair = "name it with --token-file; the host makes it on its first start, where token_file in [admin] says \
                      (default: admin.token in its state folder)";
        Err(Failure::new(format!("there is no token of the admin API: {last}"), repair))
    }
}

/// Path of a plugin in the API.
pub(super) fn plugin_path(name: &str) -> Result<String, Failure> {
    if is_name(name) {
        return Ok(format!("/v1/plugins/{name}"));
    }
    let repair = "write 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit";
    Err(Failure::new(format!("{name:?} is no plugin's name"), repair))
}

fn read_token(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(4 << 10).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

fn bad_token(file: &Path) -> Failure {
    let error = format!("{} holds what cannot be a token", file.display());
    Failure::new(error, "name the file with the host's token with --token-file")
}

/// A success, or the host's refusal. What a server could not do now, it may do later.
fn judge(status: StatusCode, bytes: &[u8], admin: &str, token_file: &Path) -> Result<Answer, Failure> {
    let judged = read(status, bytes, admin, token_file);
    judged.map_err(|failure| if status.is_server_error() { failure.passing() } else { failure })
}

/// A success, or the host's refusal in its own words.
fn read(status: StatusCode, bytes: &[u8], admin: &str, token_file: &Path) -> Result<Answer, Failure> {
    let value: Value = match bytes {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).map_err(|_| {
            let error = format!("{admin} answered {status}, and not in JSON");
            Failure::new(error, "name the host's admin address with --admin; its public address is another")
        })?,
    };
    if status.is_success() {
        return Ok(Answer { status, value });
    }
    if status == StatusCode::UNAUTHORIZED {
        let error = format!("{admin} does not accept the token in {}", token_file.display());
        return Err(Failure::new(
            error,
            "name the file that token_file in the host's [admin] names with --token-file",
        ));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let reasons: Vec<_> =
        value["reasons"].as_array().map_or_else(Vec::new, |list| list.iter().filter_map(text).collect());
    let error = match (reasons.is_empty(), text(&value["detail"])) {
        (true, Some(detail)) => format!("the host refused: {detail}"),
        (true, None) => format!("the host refused with {status}"),
        (false, _) => format!("the host refused, for {}", super::say::count(reasons.len(), "reason")),
    };
    Err(Failure::new(error, "").because(reasons))
}

#[cfg(test)]
mod tests;
