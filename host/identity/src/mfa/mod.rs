//! `mfa = { max_age = "5m" }`: routes that ask for a fresh second factor.
//!
//! **Invariant:** a second factor counts from when it was proved, whether its provider says so or this host saw it itself; a
//! route that asks for one lets nobody through whose proof is older.

mod factors;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderValue, header};
use ostler_core::gate::{AccessSpec, Flaw, MfaSpec};
use ostler_core::principal::Method;
use ostler_core::{Error, Exchange, Kind, Principal};

pub use factors::Factors;
pub(crate) use factors::{Outcome, Owner, totp};

use crate::login::{is_navigation, path_of};

/// What one route asks for.
pub struct Rule {
    max_age: Duration,
    /// Context classes that count as a second factor.
    acr: Vec<String>,
    challenge: HeaderValue,
    /// Where each login has its step-up.
    step_up: BTreeMap<String, String>,
}

impl Rule {
    /// A rule of `spec`; `step_up` names the path of each login's endpoints.
    pub fn new(spec: &MfaSpec, step_up: BTreeMap<String, String>) -> Self {
        // RFC 9470 section 3.
        let acr = if spec.acr.is_empty() {
            String::new()
        } else {
            format!(", acr_values=\"{}\"", spec.acr.join(" "))
        };
        let challenge = format!(
            "Bearer error=\"insufficient_user_authentication\", error_description=\"a fresh second factor is needed\", \
             max_age=\"{}\"{acr}",
            spec.max_age.as_secs()
        );
        let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
        Rule { max_age: spec.max_age, acr: spec.acr.clone(), challenge, step_up }
    }

    /// Whether the exchange's principal has proved a second factor lately.
    ///
    /// # Errors
    /// [`Kind::StepUpRequired`] with a challenge, or with the way to the second factor for people with a session;
    /// [`Kind::Unauthenticated`] without a principal.
    pub fn check(&self, exchange: &Exchange, head: &Parts) -> Result<(), Error> {
        let Some(principal) = &exchange.principal else {
            return Err(Error::new(Kind::Unauthenticated, "this route asks who you are"));
        };
        if self.is_fresh(principal, SystemTime::now()) {
            return Ok(());
        }
        let detail = "this needs a second factor that was proved lately";
        let error = Error::new(Kind::StepUpRequired, detail)
            .field(header::WWW_AUTHENTICATE, self.challenge.clone())
            .member("max_age", self.max_age.as_secs().into());
        let own = principal.method == Method::Session;
        let Some(path) = self.step_up.get(&*principal.authenticator).filter(|_| own) else {
            return Err(error);
        };
        let place = format!("{path}/mfa");
        if is_navigation(head) {
            return Err(error.redirect(crate::login::location(&place, path_of(head))));
        }
        Err(error.member("step_up", place.into()))
    }

    fn is_fresh(&self, principal: &Principal, now: SystemTime) -> bool {
        let assurance = &principal.assurance;
        let class = assurance.acr.as_deref().is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr));
        let proved = [assurance.second_factor_at, class.then_some(principal.authenticated_at)];
        proved.into_iter().flatten().any(|at| is_within(at, now, self.max_age))
    }
}

/// Whether somebody can be known of whom a second factor is asked.
pub fn check(spec: &AccessSpec) -> Option<Flaw> {
    let mfa = spec.mfa.as_ref()?;
    let open = spec.auth.as_ref().is_none_or(Vec::is_empty);
    open.then(|| {
        let repair = "add auth = [\"NAME\"], or remove mfa";
        Flaw::new(mfa.line, "mfa", "mfa on a route that lets everybody in", "mfa beside auth", repair)
    })
}

/// Whether `at` lies at most `max_age` before `now`; a clock that is a little ahead does not lock people out.
pub(crate) fn is_within(at: SystemTime, now: SystemTime, max_age: Duration) -> bool {
    const AHEAD: Duration = Duration::from_secs(60);
    match now.duration_since(at) {
        Ok(age) => age <= max_age,
        Err(ahead) => ahead.duration() <= AHEAD,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Instant;

    use http::Request;
    use ostler_core::principal::Assurance;
    use ostler_core::{Peer, RequestId, Scheme};

    use super::*;

    fn principal(method: Method, age: u64, factor: Option<u64>, acr: Option<&str>) -> Principal {
        let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
        Principal {
            subject: "a".into(),
            tenant: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            authenticator: "site".into(),
            method,
            authenticated_at: ago(age),
            assurance: Assurance {
                amr: Vec::new(),
                acr: acr.map(Into::into),
                second_factor_at: factor.map(ago),
            },
            claims: Arc::default(),
        }
    }

    fn rule() -> Rule {
        let spec = MfaSpec { max_age: Duration::from_secs(300), acr: vec!["urn:mfa".into()], line: 0 };
        Rule::new(&spec, BTreeMap::from([("site".into(), "/auth".into())]))
    }

    fn check(principal: Option<Principal>, accept: &str) -> Result<(), Error> {
        let peer =
            Peer { address: SocketAddr::from(([127, 0, 0, 1], 1)), scheme: Scheme::Http, certificate: None };
        let now = Instant::now();
        let mut exchange = Exchange::new(RequestId::generate(1), peer, "/".into(), now, now);
        exchange.principal = principal.map(Arc::new);
        let request = Request::get("/pay?x=1").header("accept", accept).body(()).unwrap();
        rule().check(&exchange, &request.into_parts().0)
    }

    #[test]
    fn a_second_factor_counts_while_it_is_fresh() {
        for (method, age, factor, acr, passes) in [
            (Method::Session, 0, None, None, false),
            (Method::Session, 9_000, Some(299), None, true),
            (Method::Session, 0, Some(302), None, false),
            (Method::Jwt, 200, None, Some("urn:mfa"), true),
            (Method::Jwt, 400, None, Some("urn:mfa"), false),
            (Method::Jwt, 0, None, Some("urn:pwd"), false),
            (Method::Jwt, 9_000, Some(10), None, true),
            (Method::ApiKey, 0, None, None, false),
        ] {
            let passed = check(Some(principal(method, age, factor, acr)), "*/*").is_ok();
            assert_eq!(passed, passes, "{method:?} {age} {factor:?} {acr:?}");
        }
    }

    #[test]
    fn programs_are_challenged_and_people_with_a_session_are_led() {
        let told = check(Some(principal(Method::Jwt, 0, None, None)), "text/html").unwrap_err();
        let more = told.more.unwrap();
        let challenge = more.fields[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(
            challenge.contains("insufficient_user_authentication") && challenge.contains("max_age=\"300\"")
        );
        assert!(challenge.ends_with("acr_values=\"urn:mfa\"") && more.redirect.is_none(), "{challenge}");
        let told = check(Some(principal(Method::Session, 0, None, None)), "application/json").unwrap_err();
        assert_eq!(told.more.unwrap().members["step_up"], "/auth/mfa");
        let told = check(Some(principal(Method::Session, 0, None, None)), "text/html,*/*").unwrap_err();
        assert_eq!(told.more.unwrap().redirect.unwrap(), "/auth/mfa?return_to=%2Fpay%3Fx%3D1");
        assert_eq!(check(None, "*/*").unwrap_err().kind, Kind::Unauthenticated);
    }
}
