//! What is told of a configuration with roles, rules and routes.

use std::fs;

use clap::Parser;
use tempfile::TempDir;

use super::*;

const CONFIG: &str = r#"
[authorization]
roles = { editor = ["orders:read", "orders:write"], lead = ["role:editor"], support = ["orders:read on orders/*"] }
cedar = "rules.cedar"
[auth.main]
kind = "jwt"
issuer = "https://issuer.test"
audience = ["orders"]
secret = "a secret of at least thirty-two bytes"
[plugins.orders]
[[routes]]
path = "/{tenant}/orders/{id}"
methods = ["GET", "POST"]
plugin = "orders"
auth = ["main"]
require = ["orders:write on orders/{id}"]
tenant = "path:tenant"
[[routes]]
path = "/open"
plugin = "orders"
"#;

const RULES: &str = "@id(\"frozen\") forbid(principal, action, resource) when { resource.id == \"99\" };";

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    explain: Explain,
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.cedar"), RULES).unwrap();
    fs::write(folder.path().join("ostler.toml"), CONFIG).unwrap();
    folder
}

fn told(folder: &TempDir, arguments: &[&str]) -> Result<String, String> {
    let file = folder.path().join("ostler.toml");
    let line = ["explain", "-c", file.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    let Line { explain } = Line::try_parse_from(line).map_err(|error| error.to_string())?;
    let (config, _) = Config::load(&file).map_err(|problems| format!("{problems:?}"))?;
    let authorization = Authorization::new(&config.gate.authorization, &config.gate.base).unwrap();
    explain.told(&config, &authorization).map(|told| told.to_string()).map_err(|failure| failure.error)
}

#[test]
fn the_role_that_gives_it_is_told_with_the_way_to_it() {
    let folder = folder();
    let line =
        ["--subject", "alice", "--role", "lead", "--permission", "orders:write", "--resource", "orders/17"];
    assert_eq!(
        told(&folder, &line).unwrap(),
        "allowed: orders:write on orders/17, since role lead gives orders:write (by way of lead > editor)\n  \
         role lead: gives orders:write (as lead > editor)\n  \
         rules of rules.cedar (1): none concerns it\n"
    );
    let line =
        ["--subject", "alice", "--role", "lead", "--permission", "orders:write", "--resource", "orders/99"];
    assert!(
        told(&folder, &line)
            .unwrap()
            .starts_with("refused: orders:write on orders/99, since rule frozen forbids it\n")
    );
}

#[test]
fn a_route_tells_what_it_asks_for_and_whether_that_is_there() {
    let folder = folder();
    let ask = |tenant: &str, role: &str, route: &str| {
        told(&folder, &["--subject", "alice", "--tenant", tenant, "--role", role, "--route", route])
    };
    let good = ask("t1", "editor", "POST /t1/orders/17").unwrap();
    assert_eq!(
        good,
        "route /{tenant}/orders/{id} of plugin orders\n  asks who it is, by main\n  \
         allowed: it is for tenant t1, the principal's is t1\n\
         allowed: orders:write on orders/17, since role editor gives orders:write\n  \
         role editor: gives orders:write (as editor)\n  rules of rules.cedar (1): none concerns it\n"
    );
    assert!(
        ask("t2", "editor", "POST /t1/orders/17")
            .unwrap()
            .contains("refused: it is for tenant t1, the principal's is t2")
    );
    assert!(
        ask("t1", "support", "POST /t1/orders/17").unwrap().contains("gives only orders:read on orders/*")
    );
    assert!(ask("t1", "editor", "GET /t1/orders/%2e%2e").unwrap().contains("can name no resource"));
    assert!(
        ask("t1", "editor", "GET /open")
            .unwrap()
            .contains("lets everybody in\nallowed: it asks for no permission")
    );
    assert!(ask("t1", "editor", "DELETE /t1/orders/17").unwrap_err().contains("does not take this method"));
    assert!(ask("t1", "editor", "GET /nope").unwrap_err().contains("no route takes it"));
    assert!(ask("t1", "editor", "nonsense").unwrap_err().contains("is no request"));
}

#[test]
fn a_principal_can_come_from_a_file() {
    let folder = folder();
    let file = folder.path().join("alice.json");
    let ask = |json: &str| {
        fs::write(&file, json).unwrap();
        told(&folder, &["--principal", file.to_str().unwrap(), "--permission", "orders:read"])
    };
    assert!(
        ask(r#"{"subject": "alice", "roles": ["editor"], "method": "api-key", "mfa_age": 5}"#)
            .unwrap()
            .starts_with("allowed")
    );
    assert!(
        ask(r#"{"subject": "alice", "scopes": ["orders:write"]}"#)
            .unwrap()
            .contains("the scopes do not cover it")
    );
    assert!(ask(r#"{"subject": "alice", "rolls": []}"#).unwrap_err().contains("rolls"));
    assert!(ask(r#"{"method": "magic"}"#).unwrap_err().contains("magic"));
    assert!(ask("[").is_err());
}

#[test]
fn a_question_needs_somebody_and_something() {
    let folder = folder();
    assert!(told(&folder, &["--subject", "alice"]).is_err());
    assert!(told(&folder, &["--permission", "x"]).is_err());
    assert!(told(&folder, &["--permission", "x", "--subject", "alice", "--principal", "x.json"]).is_err());
}

#[test]
fn the_documentation_shows_the_help_of_explain() {
    use clap::CommandFactory;
    let docs = include_str!("../../../../docs/cli.md");
    let command = crate::cli::Cli::command();
    let explain = command.find_subcommand("authz").unwrap().find_subcommand("explain").unwrap().clone();
    let help = explain.bin_name("ostler authz explain").term_width(100).render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    let block = format!("### `ostler authz explain`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    assert!(docs.contains(&block), "docs/cli.md should hold:\n{block}");
}
