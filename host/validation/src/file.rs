//! Uploaded files: what they may be called and whether they are what they say.
//!
//! **Invariant:** a name that passed is a plain file name on every system; nothing of it leads to another folder.

use crate::media::{MediaRange, MediaType};

/// Bytes of a file's name.
pub(crate) const FILE_NAME_MAX: usize = 255;

/// Whether `name` is a plain file name.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    // Characters that turn the direction of text around make "gpj.exe" look like "exe.jpg".
    let unseen = |char: char| {
        char.is_control() || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    match name {
        "" => Err("the file name is empty"),
        _ if name.len() > FILE_NAME_MAX => Err("the file name is longer than 255 bytes"),
        _ if name.contains(['/', '\\']) => Err("the file name has a path in it"),
        _ if name.contains("..") || name == "." => Err("the file name has dots that lead elsewhere"),
        _ if name.chars().any(unseen) => Err("the file name has characters that cannot be seen"),
        _ if name.contains(['<', '>', ':', '"', '|', '?', '*']) => Err("the file name has characters that are reserved"),
        _ if name.starts_with(' ') || name.ends_with([' ', '.']) => Err("the file name begins or ends with a space or a dot"),
        _ if is_reserved(name) => Err("the file name is that of a device"),
        _ => Ok(()),
    }
}

/// Names of devices on Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix| stem.strip_prefix(prefix).is_some_and(|rest: &str| matches!(rest.as_bytes(), [b'1'..=b'9']));
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

/// Whether content that is declared as `declared` may be `bytes`, and is of one of `allowed` (of any if there is none).
///
/// # Errors
/// What does not fit.
pub(crate) fn check_type(declared: &MediaType, allowed: &[MediaRange], bytes: &[u8]) -> Result<(), &'static str> {
    let declared = declared.essence.as_str();
    if !allowed.is_empty() && !allowed.iter().any(|range| range.rank(declared) > 0) {
        return Err("is declared as a media type that is not taken here");
    }
    match infer::get(bytes) {
        Some(_) if declared == "application/octet-stream" => Ok(()),
        Some(sniffed) if agree(declared, sniffed.mime_type()) => Ok(()),
        Some(_) => Err("its content is of another media type than it is declared as"),
        None if has_signature(declared) && !bytes.is_empty() => Err("its content is not of the media type that it is declared as"),
        None if has_signature(declared) => Err("is empty"),
        None => Ok(()),
    }
}

/// Whether every file of this type begins in a way that is known.
fn has_signature(essence: &str) -> bool {
    let binary = ["image/", "audio/", "video/", "font/"].iter().any(|kind| essence.starts_with(kind));
    (binary || essence == "application/pdf" || essence == "application/zip" || essence == "application/gzip")
        && infer::is_mime_supported(essence)
}

/// Whether content that looks like `sniffed` may be called `declared`.
fn agree(declared: &str, sniffed: &str) -> bool {
    let plain = |essence: &str| -> String {
        let essence = essence.replace("/x-", "/");
        match essence.as_str() {
            "image/jpg" => "image/jpeg".to_owned(),
            "application/xml" => "text/xml".to_owned(),
            "application/zip-compressed" => "application/zip".to_owned(),
            "audio/mp3" => "audio/mpeg".to_owned(),
            _ => essence,
        }
    };
    let (declared, sniffed) = (plain(declared), plain(sniffed));
    let zipped = || ["openxmlformats", "opendocument", "epub", "java-archive", "android.package", "+zip"].iter().any(|part| declared.contains(part));
    match sniffed.as_str() {
        same if same == declared => true,
        "application/zip" => zipped(),
        "text/xml" => declared.ends_with("+xml") || declared == "text/plain",
        "text/html" => declared == "application/xhtml+xml",
        "text/shellscript" => declared == "text/plain",
        "video/mp4" | "audio/m4a" => declared == "audio/mp4" || declared == "video/mp4" || declared == "audio/m4a",
        "application/ogg" | "audio/ogg" | "video/ogg" => declared.ends_with("/ogg"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["a.png", "Bericht 2026.pdf", "ümlaut.txt", "a-b_c(1).tar.gz", ".gitignore", "console.log"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "", ".", "..", "../a", "a/../b", "/etc/passwd", "C:\\x", "a\\b", "a\0.png", "a\n", "con", "CON.txt", "lpt1.png", "a.", "a ", " a",
            "a:b", "a?", "a\u{202e}gpj.exe", "a\u{200b}b", "a..b", &"a".repeat(256),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn files_are_what_they_say() {
        let png: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let (elf, zip): (&[u8], &[u8]) = (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0", b"PK\x03\x04\x14\0\0\0");
        let images = [MediaRange::parse("image/*").unwrap()];
        let rows: [(&str, &[MediaRange], &[u8], bool); 12] = [
            ("image/png", &images, png, true),
            ("image/jpeg", &images, png, false),
            ("image/png", &images, b"not a png", false),
            ("image/png", &images, b"", false),
            ("text/plain", &images, b"text", false),
            ("text/plain", &[], b"text", true),
            ("text/plain", &[], png, false),
            ("text/plain", &[], elf, false),
            ("application/octet-stream", &[], elf, true),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &[], zip, true),
            ("application/pdf", &[], zip, false),
            ("text/csv", &[], b"a,b\n1,2\n", true),
        ];
        for (declared, allowed, bytes, good) in rows {
            assert_eq!(check_type(&MediaType::parse(declared).unwrap(), allowed, bytes).is_ok(), good, "{declared}");
        }
    }
}
