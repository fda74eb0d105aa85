//! Values of the plugin's definition: `grant = { config = { greeting = "hi" } }`.

use std::str::FromStr;

use crate::error::Error;
use crate::host;

/// The value under `key`, or none if the definition has no such key.
pub fn get(key: &str) -> Option<String> {
    host::config::get(key)
}

/// The value under `key`, or `default`.
pub fn get_or(key: &str, default: &str) -> String {
    get(key).unwrap_or_else(|| default.to_owned())
}

/// The value under `key` read as a `T`. Absent or unreadable: a private error that names the key.
pub fn parse<T: FromStr>(key: &str) -> Result<T, Error> {
    let text = get(key)
        .ok_or_else(|| Error::internal(format!("the plugin's definition lacks grant.config.{key}")))?;
    text.parse().map_err(|_| Error::internal(format!("grant.config.{key} = {text:?} cannot be read")))
}

/// All of them, by key.
pub fn all() -> Vec<(String, String)> {
    host::config::all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn values_come_from_the_definition() {
        let _host = Host::new().config("greeting", "hi").config("most", "12").install();
        assert_eq!(get("greeting").as_deref(), Some("hi"));
        assert_eq!(get_or("tone", "kind"), "kind");
        assert_eq!(parse::<u8>("most").unwrap(), 12);
        assert_eq!(parse::<u8>("greeting").unwrap_err().status(), 500);
        assert_eq!(all().len(), 2);
    }
}
