//! Log lines. The host adds plugin, release and request id to each.
//!
//! ```
//! # let _host = ostler_sdk::testing::Host::new().install();
//! use ostler_sdk::log;
//! log::info("started");
//! log::info!("link made", slug = "abc", visits = 3);
//! ```

use std::fmt::Display;

pub use crate::bindings::ostler::plugin::log::Level;
use crate::host;

/// Writes one line with fields.
pub fn write(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    host::log::write(level, message, &fields);
}

macro_rules! levels {
    ($($level:ident $name:ident $text:literal)*) => {$(
        #[doc = concat!("Writes one line at level ", $text, ".")]
        pub fn $name(message: &str) {
            write(Level::$level, message, &[]);
        }

        #[doc(inline)]
        pub use crate::$name;
    )*};
}

levels! { Trace trace "trace" Debug debug "debug" Info info "info" Warn warn "warn" Error error "error" }

/// `log!(Level::Info, "message", field = value, ...)`: one line with fields.
#[macro_export]
macro_rules! log {
    ($level:expr, $message:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::log::write($level, ::core::convert::AsRef::<str>::as_ref(&$message), &[$((stringify!($name), &$value)),*])
    };
}

/// `trace!("message", field = value, ...)`: one line at level trace.
#[macro_export]
macro_rules! trace {
    ($($all:tt)*) => { $crate::log!($crate::log::Level::Trace, $($all)*) };
}

/// `debug!("message", field = value, ...)`: one line at level debug.
#[macro_export]
macro_rules! debug {
    ($($all:tt)*) => { $crate::log!($crate::log::Level::Debug, $($all)*) };
}

/// `info!("message", field = value, ...)`: one line at level info.
#[macro_export]
macro_rules! info {
    ($($all:tt)*) => { $crate::log!($crate::log::Level::Info, $($all)*) };
}

/// `warn!("message", field = value, ...)`: one line at level warn.
#[macro_export]
macro_rules! warn {
    ($($all:tt)*) => { $crate::log!($crate::log::Level::Warn, $($all)*) };
}

/// `error!("message", field = value, ...)`: one line at level error.
#[macro_export]
macro_rules! error {
    ($($all:tt)*) => { $crate::log!($crate::log::Level::Error, $($all)*) };
}

#[cfg(test)]
mod tests {
    use crate::log;
    use crate::testing::Host;

    #[test]
    fn lines_keep_their_level_and_fields() {
        let host = Host::new().install();
        log::info("plain");
        log::warn!(format!("made {}", 1), slug = "abc", visits = 3);
        let lines = host.logs();
        assert_eq!((lines[0].level, lines[0].message.as_str()), (log::Level::Info, "plain"));
        assert_eq!((lines[1].level, lines[1].message.as_str()), (log::Level::Warn, "made 1"));
        assert_eq!(lines[1].fields, [("slug".into(), "abc".into()), ("visits".into(), "3".to_string())]);
    }
}
