//! `[flags]`, as far as it concerns the request path.

use http::HeaderName;
use ostler_core::settings::Section;

use super::ofrep;

/// What `[flags]` says of switches, exposures and the OFREP server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `targeting_key`: what stands for the client in the flag of a route, before anybody is authenticated. Default: its
    /// address.
    pub targeting: Option<Targeting>,
    /// `exposure_log`: of how many answers one is told in the log, in millionths. Default: 0, none.
    pub exposure_log: u32,
    /// `[flags.ofrep]`: who else may ask for flags. Default: nobody.
    pub ofrep: Option<ofrep::Config>,
}

/// Where a request names whom a flag is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targeting {
    /// `cookie:NAME`
    Cookie(String),
    /// `header:NAME`
    Header(HeaderName),
}

impl Config {
    /// Reads the keys of `[flags]` that are the request path's; the caller finishes the section.
    pub fn read(section: &mut Section<'_>) -> Self {
        Config {
            targeting: targeting(section),
            exposure_log: exposure_log(section),
            ofrep: section.section("ofrep").and_then(ofrep::Config::read),
        }
    }

    /// The share of answers that is told in the log, 0 to 1.
    pub fn exposure_share(&self) -> f64 {
        f64::from(self.exposure_log) / 1e6
    }
}

fn targeting(section: &mut Section<'_>) -> Option<Targeting> {
    let text = section.string("targeting_key")?.value;
    // Cookies' names are tokens like those of fields (RFC 6265 section 4.1.1), but their case counts.
    let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).ok();
    let read = match text.split_once(':') {
        Some(("cookie", cookie)) => name(cookie).map(|_| Targeting::Cookie(cookie.to_owned())),
        Some(("header", header)) => name(header).map(Targeting::Header),
        _ => None,
    };
    if read.is_none() {
        let repair = "write \"cookie:NAME\", or leave it out for the client's address";
        section.problem("targeting_key", format!("{text:?}"), "\"cookie:NAME\" or \"header:NAME\"", repair);
    }
    read
}

fn exposure_log(section: &mut Section<'_>) -> u32 {
    let Some(text) = section.string("exposure_log") else { return 0 };
    let share = text.value.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match share.filter(|percent| (0.0..=100.0).contains(percent)) {
        Some(percent) => (percent * 1e4).round() as u32,
        None => {
            let allowed = "a share from \"0%\" to \"100%\", such as \"0.1%\"";
            section.problem("exposure_log", format!("{:?}", text.value), allowed, "write \"1%\"");
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("flags", &problems);
        let config = Config::read(&mut section);
        section.finish();
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_are_read_and_told_what_may_stand_there() {
        let (config, told) = read("targeting_key = 'cookie:Visitor'\nexposure_log = '0.25%'");
        assert_eq!(
            (config.targeting, config.exposure_log, told.len()),
            (Some(Targeting::Cookie("Visitor".into())), 2_500, 0)
        );
        for broken in
            ["targeting_key = 'visitor'", "targeting_key = 'cookie:'", "targeting_key = 'header:a b'"]
        {
            assert!(read(broken).1[0].contains("\"cookie:NAME\" or \"header:NAME\""), "{broken}");
        }
        for broken in ["'1'", "'101%'", "'-1%'", "'NaN%'", "0.01"] {
            assert_eq!(read(&format!("exposure_log = {broken}")).1.len(), 1, "{broken}");
        }
    }
}
