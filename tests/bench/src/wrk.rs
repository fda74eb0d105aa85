//! The load: `wrk -t1`, keep-alive, as many requests as the subject can answer.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Connections of the usual load.
pub(crate) const CONNECTIONS: u32 = 32;

/// What the load generator saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Seen {
    /// Replies received.
    pub(crate) requests: u64,
    /// Length of the window.
    pub(crate) seconds: f64,
    /// Median latency.
    pub(crate) p50_ms: f64,
    /// 99th percentile of latency.
    pub(crate) p99_ms: f64,
    /// Replies that were not 2xx or 3xx, and failed connects, reads, writes and deadlines.
    pub(crate) errors: u64,
}

/// Loads `http://address/path` over `connections` for `seconds`.
pub(crate) fn run(address: SocketAddr, path: &str, connections: u32, seconds: u32) -> Result<Seen> {
    scripted(address, path, connections, seconds, None)
}

/// The same with what a Lua script says of method, fields and body.
pub(crate) fn scripted(
    address: SocketAddr,
    path: &str,
    connections: u32,
    seconds: u32,
    script: Option<&Path>,
) -> Result<Seen> {
    let mut command = Command::new("wrk");
    if let Some(script) = script {
        command.arg("-s").arg(script);
    }
    let output = command
        .args(["-t1", "--latency", "--timeout", "10s"])
        .args([format!("-c{connections}"), format!("-d{seconds}s"), format!("http://{address}{path}")])
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("wrk is not installed; run: sudo apt-get install -y wrk")
        }
        output => output.context("cannot run wrk")?,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = || format!("wrk said: {text}{}", String::from_utf8_lossy(&output.stderr));
    parse(&text).with_context(complaint)
}

fn parse(text: &str) -> Option<Seen> {
    let (requests, rest) = text.lines().find_map(|line| line.trim().split_once(" requests in "))?;
    let errors = text.lines().filter_map(errors_in).sum();
    Some(Seen {
        requests: requests.parse().ok()?,
        seconds: millis(rest.split(',').next()?)? / 1000.0,
        p50_ms: percentile(text, "50%")?,
        p99_ms: percentile(text, "99%")?,
        errors,
    })
}

/// `Non-2xx or 3xx responses: 5`, or `Socket errors: connect 0, read 3, write 0, timeout 0`.
fn errors_in(line: &str) -> Option<u64> {
    let line = line.trim();
    if let Some(count) = line.strip_prefix("Non-2xx or 3xx responses:") {
        return count.trim().parse().ok();
    }
    let counts = line.strip_prefix("Socket errors:")?.split(',');
    Some(counts.filter_map(|count| count.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

fn percentile(text: &str, name: &str) -> Option<f64> {
    millis(text.lines().find_map(|line| line.trim().strip_prefix(name))?)
}

fn millis(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 32 connections\n\
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   281.53us  119.52us   4.35ms   87.11%\n\
        Req/Sec   109.58k     4.63k  117.33k    72.73%\n  Latency Distribution\n     50%  262.00us\n     75%  311.00us\n\
             90%  393.00us\n     99%  1.62ms\n  119936 requests in 1.10s, 14.76MB read\n\
        Requests/sec: 109050.12\nTransfer/sec:     13.42MB\n";

    #[test]
    fn figures_are_read() {
        let seen = parse(GOOD).unwrap();
        let expected = Seen { requests: 119_936, seconds: 1.1, p50_ms: 0.262, p99_ms: 1.62, errors: 0 };
        assert_eq!(seen, expected);
    }

    #[test]
    fn every_kind_of_error_counts() {
        let bad = format!(
            "{GOOD}  Socket errors: connect 1, read 20, write 0, timeout 300\n  Non-2xx or 3xx responses: 4000\n"
        );
        assert_eq!(parse(&bad).unwrap().errors, 4321);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused"), None);
        assert_eq!(millis("3 fortnights"), None);
    }
}
