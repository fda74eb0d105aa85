//! Randomness, and the key with which this host hashes what it must know again but not keep.
//!
//! **Invariant:** who reads the database alone can neither make nor guess a credential: the key lies beside it, in a file of
//! its own, mode 0600.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Name of the key's file in the state folder.
pub(crate) const FILE: &str = "identity.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// The file cannot be read or made.
    #[error("{}: {source}; repair: make its folder writable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file is not what this host wrote.
    #[error(
        "{} does not hold 32 bytes; repair: restore it from a backup, or delete it, after which API keys must be rotated \
         and recovery codes made anew",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The kernel gave no random bytes.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// Makes keyed hashes for one purpose (HMAC-SHA-256). Cheap to clone.
#[derive(Clone)]
pub struct HostKey(Hmac<Sha256>);

/// A keyed hash.
pub(crate) type Hash = [u8; 32];

impl HostKey {
    /// The key in `state_dir`; a missing file is made. `true` if it was. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// If the file cannot be read or made, or holds something else.
    pub fn open(state_dir: &Path) -> Result<(Self, bool), HostKeyError> {
        let path = state_dir.join(FILE);
        let file = |source| HostKeyError::File { path: path.clone(), source };
        match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == 32 => Ok((HostKey::new(&bytes), false)),
            Ok(_) => Err(HostKeyError::Broken { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = random::<32>()?;
                write(&path, &bytes).map_err(file)?;
                Ok((HostKey::new(&bytes), true))
            }
            Err(error) => Err(file(error)),
        }
    }

    /// With this key.
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC takes keys of every length; the branch that cannot happen hashes with a key nobody knows.
        HostKey(Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// Makes names that stand for others in logs: the same for the same, 16 hexadecimal digits, and of no use to find out whom
    /// they stand for without this key.
    pub fn pseudonyms(&self, label: &str) -> Box<dyn Fn(&str) -> String + Send + Sync> {
        let key = self.purpose(label);
        Box::new(move |name| {
            key.hash(&[name.as_bytes()])[..8].iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }

    /// A key of its own for each purpose, so that a hash made for one is worth nothing for another.
    pub(crate) fn purpose(&self, label: &str) -> Self {
        HostKey::new(&self.hash(&[label.as_bytes()]))
    }

    /// The keyed hash of `parts`, each with its length, so that no two lists are hashed alike.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> Hash {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostKey")
    }
}

/// Whether two hashes are one; takes the same time whatever differs.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Random bytes of the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// 256 random bits as 43 characters that every header, URL and cookie takes.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// A file for its owner alone, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut file = ostler_services::folder::private_file(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let (first, made) = HostKey::open(home.path()).unwrap();
        let (second, again) = HostKey::open(home.path()).unwrap();
        assert!(made && !again);
        assert_eq!(first.hash(&[b"a"]), second.hash(&[b"a"]));
        let mode = home.path().join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(home.path().join(FILE), "short").unwrap();
        assert!(HostKey::open(home.path()).unwrap_err().to_string().contains("repair"));
    }

    #[test]
    fn hashes_differ_by_purpose_and_by_where_parts_end() {
        let secret = HostKey::new(b"k");
        assert_ne!(secret.purpose("a").hash(&[b"x"]), secret.purpose("b").hash(&[b"x"]));
        assert_ne!(secret.hash(&[b"ab", b"c"]), secret.hash(&[b"a", b"bc"]));
        assert!(!format!("{secret:?}").contains("["));
    }
}
