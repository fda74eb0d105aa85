//! The commands: one file each, all of one shape. Arguments are fields, `run` does it, a [`Failure`] says what to do next.
//!
//! Exit codes: 0, 1 if it failed, 2 if it was called wrongly (clap's own).

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod authz;
mod build;
mod by;
mod cache;
mod check;
mod demo;
mod deploy;
mod dev;
mod experiments;
mod failure;
mod flags;
mod hash_password;
mod inspect;
mod keys;
mod new;
mod releases;
mod reload;
mod remote;
mod rollback;
mod rollout;
mod say;
mod serve;

use failure::Failure;

/// The production host for WebAssembly handlers
///
/// Ostler runs WebAssembly components as HTTP backends: one binary that listens, sandboxes, limits, observes, and swaps in
/// new versions without dropping a request.
///
/// Begin with `ostler new hello --lang rust`, then `ostler dev hello`.
#[derive(Debug, Parser)]
#[command(
    name = "ostler",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Inspect(inspect::Inspect),
    Deploy(deploy::Deploy),
    Releases(releases::Releases),
    Rollback(rollback::Rollback),
    Rollout(rollout::Rollout),
    Reload(reload::Reload),
    Keys(keys::Keys),
    Flags(flags::Flags),
    Cache(cache::Cache),
    Experiments(experiments::Experiments),
    HashPassword(hash_password::HashPassword),
    Build(build::Build),
    New(new::New),
    Dev(dev::Dev),
    Demo(demo::Demo),
    Authz(authz::Authz),
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let Cli { command } = Cli::parse();
    let (json, done) = match command {
        Command::Serve(command) => (false, command.run()),
        Command::Check(command) => (command.json, command.run()),
        Command::Inspect(command) => (command.json, command.run()),
        Command::Deploy(command) => (command.json, command.run()),
        Command::Releases(command) => (command.json, command.run()),
        Command::Rollback(command) => (command.json, command.run()),
        Command::Rollout(command) => (command.json, command.run()),
        Command::Reload(command) => (false, command.run()),
        Command::Keys(command) => (command.json, command.run()),
        Command::Flags(command) => (command.json, command.run()),
        Command::Cache(command) => (command.json(), command.run()),
        Command::Experiments(command) => (command.json, command.run()),
        Command::HashPassword(command) => (false, command.run()),
        Command::Build(command) => (command.json, command.run()),
        Command::New(command) => (false, command.run()),
        Command::Dev(command) => (false, command.run()),
        Command::Demo(command) => (false, command.run()),
        Command::Authz(command) => (command.json(), command.run()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(json);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{}: {help}", command.get_name());
        }
    }

    #[test]
    fn the_documentation_shows_the_help_of_every_command() {
        let docs = include_str!("../../docs/cli.md");
        for command in Cli::command().term_width(100).get_subcommands().cloned() {
            let name = format!("ostler {}", command.get_name());
            let help = command.bin_name(&name).term_width(100).render_long_help().to_string();
            let lines: Vec<_> = help.lines().map(str::trim_end).collect();
            let block = format!("## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
            assert!(docs.contains(&block), "docs/cli.md should hold:\n{block}");
        }
    }

    #[test]
    fn called_wrongly_is_exit_code_2() {
        for line in
            [&["ostler"][..], &["ostler", "chek"], &["ostler", "check", "--nope"], &["ostler", "inspect"]]
        {
            assert_eq!(Cli::try_parse_from(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
    }
}
