//! From an object's name, any text, to the name of its file and back.
//!
//! **Invariant:** a file's name is digits alone, so that no object's name leads anywhere.

use ostler_core::plugin::is_name;

use super::{Error, OBJECT_NAME};

/// Checks a container's name.
pub(super) fn container(name: &str) -> Result<&str, Error> {
    match is_name(name) {
        true => Ok(name),
        false => Err(Error::Invalid("a container has a name of 1 to 63 of a-z, 0-9, - and _".into())),
    }
}

/// The name of the file of the object `name`: its bytes in hex.
pub(super) fn file(name: &str) -> Result<String, Error> {
    match name.len() {
        1..=OBJECT_NAME => Ok(name.bytes().map(|byte| format!("{byte:02x}")).collect()),
        len => {
            Err(Error::Invalid(format!("an object's name has 1 to {OBJECT_NAME} bytes; this one has {len}")))
        }
    }
}

/// The object whose file has this name; none if it is no file of ours.
pub(super) fn object(file: &str) -> Option<String> {
    let digits = |at: usize| u8::from_str_radix(file.get(at..at + 2)?, 16).ok();
    let bytes = (0..file.len()).step_by(2).map(digits).collect::<Option<Vec<_>>>()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_digits_and_comes_back() {
        for name in ["a", "../../etc/passwd", "é/ü", ".", "a\0b", &"x".repeat(OBJECT_NAME)] {
            let file = file(name).unwrap();
            assert!(file.bytes().all(|byte| byte.is_ascii_hexdigit()) && file.len() <= 255);
            assert_eq!(object(&file).as_deref(), Some(name));
        }
        assert!(file("").is_err() && file(&"x".repeat(OBJECT_NAME + 1)).is_err());
        assert_eq!((object("xyz"), object("abc"), object("zz")), (None, None, None));
    }
}
