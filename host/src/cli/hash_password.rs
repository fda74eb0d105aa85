//! `ostler hash-password`: a line for `users_file` of `[auth.NAME]` with `kind = "basic"`.

use std::io::{IsTerminal, Read};

use clap::Args;

use super::{Failure, say};

/// Longest password, in bytes; a request's credential has room for no more.
const PASSWORD_MAX: usize = 1024;

/// Make the hash of a password, for name and password authentication
///
/// Asks for the password twice and does not show it; or reads it from standard input, up to the end of its first line. It is
/// never an argument, since arguments can be seen by every process and stay in the shell's history. The hash is argon2id
/// with a salt of its own, so that the same password gives another one each time.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  echo \"anna:$(ostler hash-password):admin\" >> users")]
pub(super) struct HashPassword {}

impl HashPassword {
    pub(super) fn run(self) -> Result<(), Failure> {
        let password = if std::io::stdin().is_terminal() { ask()? } else { receive()? };
        check(&password)?;
        let hash = ostler_identity::authenticate::hash_password(password.as_bytes());
        say::line(hash.map_err(|error| Failure::new(error, "try again"))?);
        Ok(())
    }
}

fn ask() -> Result<String, Failure> {
    let prompt = |text| {
        rpassword::prompt_password(text)
            .map_err(|error| Failure::new(error.to_string(), "give the password on standard input"))
    };
    let password = prompt("Password: ")?;
    if prompt("Again: ")? == password {
        Ok(password)
    } else {
        Err(Failure::new("these are two passwords", "try again"))
    }
}

fn receive() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let most = PASSWORD_MAX as u64 + 2;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    let broken = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot read it: {error}"), "give text as UTF-8")
    };
    read.map_err(|error| broken(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| broken(&error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn check(password: &str) -> Result<(), Failure> {
    let found = match password {
        "" => "an empty password",
        long if long.len() > PASSWORD_MAX => "a password of more than 1024 bytes",
        // RFC 7617 section 2: no client could send it.
        odd if odd.chars().any(char::is_control) => "a password with control characters",
        _ => return Ok(()),
    };
    Err(Failure::new(found, "choose another"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_nobody_could_send_are_refused() {
        for password in ["", "a\tb", "a\0", &"x".repeat(1025)] {
            assert!(check(password).is_err(), "{password:?}");
        }
        assert!(check("correct horse \u{e4}").is_ok());
    }
}
