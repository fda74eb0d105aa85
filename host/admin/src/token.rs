//! The bearer token of the admin API: made on first start, compared in constant time.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ostler_core::Digest;
use subtle::ConstantTimeEq;

/// Least length of a token, in bytes: a shorter one can be guessed.
const LEAST: usize = 16;

/// A token, kept only as its hash.
pub struct Token([u8; 32]);

/// Why the token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or made.
    #[error("{}: {source}; repair: make its folder writable, or name another token_file", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file holds no usable token.
    #[error("{}: holds no token of at least {LEAST} bytes; repair: delete it, and a new one is made", path.display())]
    Short {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// The token in `path`; a missing file is made with a random one, readable by the owner alone.
    ///
    /// # Errors
    /// If the file cannot be read or made, or holds no token.
    pub fn read_or_create(path: &Path) -> Result<Self, TokenError> {
        let file = |source| TokenError::File { path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) if text.trim().len() >= LEAST => Ok(Token::new(text.trim())),
            Ok(_) => Err(TokenError::Short { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let token = random().map_err(file)?;
                let mut options = fs::OpenOptions::new();
                let mut made = options.write(true).create_new(true).mode(0o600).open(path).map_err(file)?;
                made.write_all(format!("{token}\n").as_bytes())
                    .and_then(|()| made.sync_all())
                    .map_err(file)?;
                Ok(Token::new(&token))
            }
            Err(error) => Err(file(error)),
        }
    }

    fn new(text: &str) -> Self {
        Token(Digest::of(text.as_bytes()).bytes())
    }

    /// Whether the value of an `Authorization` field carries this token. Takes the same time whatever differs.
    pub(crate) fn authorizes(&self, value: &[u8]) -> bool {
        let Some((scheme, token)) = value.split_at_checked("Bearer ".len()) else { return false };
        let same = Digest::of(token).bytes().ct_eq(&self.0);
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(same)
    }
}

/// 256 random bits of the kernel as hex digits.
fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_start_makes_a_token_for_the_owner_alone_and_later_ones_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.token");
        Token::read_or_create(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim().len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let token = Token::read_or_create(&path).unwrap();
        assert!(token.authorizes(format!("Bearer {}", text.trim()).as_bytes()));
        assert!(token.authorizes(format!("bearer {}", text.trim()).as_bytes()));
    }

    #[test]
    fn anything_else_is_not_authorized() {
        let token = Token::new("0123456789abcdef");
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcdeF",
            "0123456789abcdef",
            "Bearer 0123456789abcdef ",
            "Bearer  0123456789abcdef",
        ] {
            assert!(!token.authorizes(value.as_bytes()), "{value:?}");
        }
    }

    #[test]
    fn a_short_token_is_refused_with_the_repair() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.token");
        fs::write(&path, "short\n").unwrap();
        let error = Token::read_or_create(&path).err().unwrap().to_string();
        assert!(error.contains("delete it"), "{error}");
    }
}
