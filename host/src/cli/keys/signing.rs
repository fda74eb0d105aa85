//! Keys that sign releases, and signatures, in minisign's format. Nothing here talks to a host.
//!
//! **Invariant:** a secret key is written for its owner alone, never over another file, and never shown.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKeyBox, SignatureBox};
use ostler_core::Digest;
use ostler_core::plugin::is_name;
use ostler_core::unit::parse_duration;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::cli::inspect::component;
use crate::cli::releases::now_ms;

/// Most bytes of a file with a key or a passphrase.
const KEY_MAX: u64 = 8 << 10;

/// Make a key pair that signs releases
#[derive(Debug, Args)]
pub(super) struct GenerateSigning {
    /// Name of the key; NAME.key and NAME.pub are written
    name: String,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Keep the secret key without a passphrase, for machines that guard it otherwise
    #[arg(long, conflicts_with = "passphrase_file")]
    no_passphrase: bool,
}

/// Sign a component
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The component; FILE.wasm.minisig is written
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// The secret key, as `ostler keys generate-signing` or `minisign -G` makes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
    /// How long the signature counts, as "90d" [default: as long as the key]
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    /// The only plugin that it counts for [default: any]
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Where the signature goes [default: FILE.wasm.minisig]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What unlocks a secret key.
#[derive(Debug, Args)]
struct Passphrase {
    /// File whose first line is the key's passphrase [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl GenerateSigning {
    /// The answer, as JSON and in words.
    pub(super) fn run(&self) -> Result<(Value, String), Failure> {
        if !is_name(&self.name) {
            let repair = "write 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit";
            return Err(Failure::new(format!("{:?} is no name for a key", self.name), repair));
        }
        self.make()
    }

    fn make(&self) -> Result<(Value, String), Failure> {
        let (secret, public) =
            (PathBuf::from(format!("{}.key", self.name)), PathBuf::from(format!("{}.pub", self.name)));
        if let Some(file) = [&secret, &public].into_iter().find(|file| file.exists()) {
            let repair = "choose another name, or move it away";
            return Err(Failure::new(format!("{} is there already", file.display()), repair));
        }
        let pair = match self.no_passphrase {
            true => KeyPair::generate_unencrypted_keypair(),
            false => KeyPair::generate_encrypted_keypair(Some(self.passphrase.choose()?)),
        };
        let pair = pair.map_err(failed)?;
        let comment = format!("minisign encrypted secret key {}", self.name);
        let secret_box = pair.sk.to_box(Some(&comment)).map_err(failed)?;
        write_secret(&secret, &secret_box.to_bytes())?;
        let public_box = pair.pk.to_box().map_err(failed)?;
        if let Err(error) = fs::write(&public, public_box.to_bytes()) {
            // Half a pair would only be in the way of the next attempt.
            let _ = fs::remove_file(&secret);
            return Err(about(&public, &error));
        }
        let line = pair.pk.to_base64();
        let words = format!(
            "{} signs releases; keep it secret\nhosts take its signatures with:\n\n[admission.keys.{}]\nkey = \"{line}\"",
            secret.display(),
            self.name
        );
        let value = json!({ "name": self.name, "secret_key": secret, "public_key": public, "key": line });
        Ok((value, words))
    }
}

impl Sign {
    /// The answer, as JSON and in words.
    pub(super) fn run(&self) -> Result<(Value, String), Failure> {
        let bytes = component(&self.file)?;
        let comment = self.comment(&bytes)?;
        let secret = self.secret()?;
        let public = PublicKey::from_secret_key(&secret).map_err(failed)?;
        let untrusted = "signature of an Ostler release";
        let signed = minisign::sign(Some(&public), &secret, &bytes[..], Some(&comment), Some(untrusted));
        let text = SignatureBox::into_string(signed.map_err(failed)?);
        let mut beside = self.file.clone().into_os_string();
        beside.push(".minisig");
        let out = self.out.clone().unwrap_or_else(|| beside.into());
        fs::write(&out, text).map_err(|error| about(&out, &error))?;
        let words = format!("{} is signed: {}", self.file.display(), out.display());
        Ok((json!({ "signature": out, "comment": comment, "key": public.to_base64() }), words))
    }

    /// What the signer says: part of what is signed.
    fn comment(&self, bytes: &[u8]) -> Result<String, Failure> {
        let now = now_ms() / 1_000;
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Words are told apart by spaces, and a name must not pass for one of them.
        let name: String =
            name.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect();
        let mut comment = format!("timestamp:{now}\tfile:{name}\tsha256:{}", Digest::of(bytes).hex());
        if let Some(text) = &self.expires {
            let life = parse_duration(text).filter(|life| *life >= Duration::from_secs(1));
            let life =
                life.ok_or_else(|| Failure::new(format!("{text:?} is no duration"), "write --expires 90d"))?;
            comment += &format!("\texpires:{}", now.saturating_add(life.as_secs()));
        }
        if let Some(plugin) = &self.plugin {
            if !is_name(plugin) {
                return Err(Failure::new(format!("{plugin:?} is no plugin's name"), ""));
            }
            comment += &format!("\tplugin:{plugin}");
        }
        Ok(comment)
    }

    fn secret(&self) -> Result<minisign::SecretKey, Failure> {
        let text = read(&self.key)?;
        if PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key).is_ok() {
            let (error, repair) = (
                format!("{} is the public half of a key", self.key.display()),
                "sign with the other: NAME.key",
            );
            return Err(Failure::new(error, repair));
        }
        let boxed = || SecretKeyBox::from_string(&text);
        // A key without a passphrase says so itself.
        if let Ok(secret) = boxed().and_then(SecretKeyBox::into_unencrypted_secret_key) {
            return Ok(secret);
        }
        let passphrase = self.passphrase.known()?;
        boxed().and_then(|key| key.into_secret_key(Some(passphrase))).map_err(|error| {
            let repair = "is this a secret key of minisign's, and its passphrase?";
            Failure::new(format!("{} cannot be used: {error}", self.key.display()), repair)
        })
    }
}

impl Passphrase {
    fn choose(&self) -> Result<String, Failure> {
        let chosen = match self.passphrase_file {
            Some(_) => self.known()?,
            None => ask("Passphrase of the new key: ")?,
        };
        if chosen.is_empty() {
            return Err(Failure::new("the passphrase is empty", "choose one, or say --no-passphrase"));
        }
        if self.passphrase_file.is_none() && ask("Once more: ")? != chosen {
            return Err(Failure::new("the two passphrases differ", "try again"));
        }
        Ok(chosen)
    }

    fn known(&self) -> Result<String, Failure> {
        match &self.passphrase_file {
            Some(file) => Ok(read(file)?.lines().next().unwrap_or_default().to_owned()),
            None => ask("Passphrase: "),
        }
    }
}

fn ask(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(|error| {
        Failure::new(
            format!("the passphrase cannot be asked for: {error}"),
            "name a file with it: --passphrase-file",
        )
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(KEY_MAX).read_to_string(&mut text));
    read.map_err(|error| about(file, &error))?;
    Ok(text)
}

/// Writes what only its owner may read.
fn write_secret(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written =
        options.open(file).and_then(|mut open| open.write_all(bytes).and_then(|()| open.sync_all()));
    written.map_err(|error| about(file, &error))
}

fn about(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", file.display()), "")
}

fn failed(error: minisign::PError) -> Failure {
    Failure::new(error.to_string(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(file: Option<PathBuf>) -> Passphrase {
        Passphrase { passphrase_file: file }
    }

    fn generate(
        folder: &Path,
        passphrase: Passphrase,
        no_passphrase: bool,
    ) -> Result<(Value, String), Failure> {
        let name = folder.join("ci").display().to_string();
        GenerateSigning { name, passphrase, no_passphrase }.make()
    }

    #[test]
    fn a_new_key_has_a_passphrase_or_says_that_it_has_none() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("pass");
        fs::write(&file, "\nsecond line").unwrap();
        let failure = generate(home.path(), passphrase(Some(file)), false).unwrap_err();
        assert!(failure.error.contains("the passphrase is empty"), "{}", failure.error);
        generate(home.path(), passphrase(None), true).unwrap();
    }

    #[test]
    fn half_a_pair_is_not_left_behind() {
        let home = tempfile::tempdir().unwrap();
        // Leads nowhere, so that nothing seems to be there and nothing can be written.
        std::os::unix::fs::symlink(home.path().join("no/where"), home.path().join("ci.pub")).unwrap();
        generate(home.path(), passphrase(None), true).unwrap_err();
        assert!(!home.path().join("ci.key").exists());
    }

    #[test]
    fn whoever_signs_with_the_public_half_is_told_so() {
        let home = tempfile::tempdir().unwrap();
        generate(home.path(), passphrase(None), true).unwrap();
        let sign = |key: &str| Sign {
            file: home.path().join("a.wasm"),
            key: home.path().join(key),
            passphrase: passphrase(None),
            expires: None,
            plugin: None,
            out: None,
        };
        let failure = sign("ci.pub").secret().map(|_| ()).unwrap_err();
        assert!(failure.error.contains("is the public half of a key"), "{}", failure.error);
        sign("ci.key").secret().unwrap();
    }
}
