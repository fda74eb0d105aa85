//! How a deployed release is to take over: what the command line says of it, as the query of the upload.

use clap::Args;
use ostler_core::rollout::Strategy;

use crate::cli::by::By;

/// What is said over what the plugin's definition says.
#[derive(Debug, Args, Default)]
pub(super) struct Takeover {
    /// instant, blue-green, canary, shadow or ab [default: as the plugin's definition says]
    #[arg(long, value_parser = Strategy::ALL.map(|(name, _)| name), hide_possible_values = true)]
    strategy: Option<String>,
    /// Shares of a canary, rising, as "1,5,25,50,100" or "0.1%,1%"
    #[arg(long, value_name = "SHARES")]
    steps: Option<String>,
    /// Share of a comparison (ab), or of the requests that are copied (shadow), as "10%"
    #[arg(long, value_name = "SHARE")]
    share: Option<String>,
    /// Least time for a step, as "60s"
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// Requests that the new release must have answered in a step
    #[arg(long, value_name = "COUNT")]
    min_requests: Option<u64>,
    /// How long the old release stays ready to take over again, as "10m"
    #[arg(long, value_name = "DURATION")]
    keep: Option<String>,
    /// What keeps a user with one release: principal, address, cookie:NAME or header:NAME
    #[arg(long, value_name = "WHAT")]
    sticky: Option<String>,
    #[command(flatten)]
    by: By,
}

impl Takeover {
    /// `?strategy=canary&...`
    pub(super) fn query(&self) -> String {
        let min_requests = self.min_requests.map(|count| count.to_string());
        let pairs = [
            ("strategy", &self.strategy),
            ("steps", &self.steps),
            ("share", &self.share),
            ("interval", &self.interval),
            ("min_requests", &min_requests),
            ("keep", &self.keep),
            ("sticky", &self.sticky),
        ];
        let by = self.by.pairs();
        let pairs = pairs.into_iter().chain(by.iter().map(|(key, value)| (*key, value)));
        let said = pairs.filter_map(|(key, value)| Some((key, value.as_deref()?)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
        format!("?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_sent() {
        assert!(Takeover::default().query().starts_with("?who="));
        let takeover = Takeover {
            strategy: Some("canary".into()),
            steps: Some("0.1%,100".into()),
            min_requests: Some(7),
            by: By { who: Some("ada".into()), why: Some("new prices & more".into()) },
            ..Takeover::default()
        };
        assert_eq!(
            takeover.query(),
            "?strategy=canary&steps=0.1%25%2C100&min_requests=7&who=ada&why=new+prices+%26+more"
        );
    }
}
