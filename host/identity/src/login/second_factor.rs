//! The pages of the second factor: to prove it, and to enrol one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use ostler_core::{Body, Error, Kind};
use serde_json::json;

use super::form::Form;
use super::page::{code_form, escape, json, page, see_other};
use super::site::{Held, location, path_of};
use super::steps::{internal, not_kept, wants_page};
use super::{Site, return_to};
use crate::host_key::{Hash, random};
use crate::mfa::{Outcome, Owner, is_within, totp};
use crate::sessions::{Person, Session};

/// How fresh a second factor must be that replaces itself.
const REPLACES: Duration = Duration::from_secs(300);

/// How long a secret waits for its first code, and how many do.
const WAITS_MS: i64 = 600_000;
const WAITING_MAX: usize = 10_000;

/// Secrets that were shown and not yet confirmed, by session.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<Hash, (Vec<u8>, i64)>>);

impl Waiting {
    /// The secret that this session is shown.
    fn of(&self, session: &Session, now_ms: i64) -> Result<Vec<u8>, Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((secret, _)) = all.get(&session.hash).filter(|(_, since)| since + WAITS_MS > now_ms) {
            return Ok(secret.clone());
        }
        if all.len() >= WAITING_MAX {
            all.retain(|_, (_, since)| *since + WAITS_MS > now_ms);
        }
        if all.len() >= WAITING_MAX {
            return Err(Error::new(Kind::IdentityUnavailable, "too many people enrol now; try again"));
        }
        let secret = random::<20>().map_err(internal)?.to_vec();
        all.insert(session.hash, (secret.clone(), now_ms));
        Ok(secret)
    }

    fn forget(&self, session: &Session) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&session.hash);
    }
}

impl Site {
    /// Asks for a code, and takes it.
    pub(super) async fn second_factor(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let session = match self.held(&head.headers) {
            Held::Live(session) => session,
            _ => return self.nobody(&head),
        };
        let owner = self.owner(&session);
        let form = self.form(&head, body, &session).await?;
        let back = back(&form);
        if !self.factors.has(&owner).map_err(internal)? {
            if !wants_page(&head.headers) {
                let error = Error::new(Kind::StepUpRequired, "there is no second factor yet; enrol one");
                return Err(error.member("enrol", format!("{}/mfa/enrol", self.config.path).into()));
            }
            return Ok(see_other(self.location("/mfa/enrol", &back)));
        }
        if head.method != Method::POST {
            return Ok(self.ask(StatusCode::OK, "", &back));
        }
        let code = form.get("code").ok_or_else(|| Error::new(Kind::BadRequest, "there is no code"))?;
        match self.factors.verify(&owner, code).await.map_err(internal)? {
            Outcome::Right => self.proved(&head, &session, &back, None).await,
            Outcome::Locked(wait) => {
                self.tell(&owner, "too many wrong codes");
                Err(Error::new(Kind::RateLimited, "too many wrong codes; wait").retry_after(wait))
            }
            Outcome::Wrong | Outcome::Nobody => {
                self.tell(&owner, "a wrong code");
                let told = "This code is wrong or was used before.";
                if wants_page(&head.headers) {
                    return Ok(self.ask(StatusCode::UNAUTHORIZED, told, &back));
                }
                Err(Error::new(Kind::StepUpRequired, told))
            }
        }
    }

    /// Shows a new secret, and takes its first code.
    pub(super) async fn enrolment(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let session = match self.held(&head.headers) {
            Held::Live(session) => session,
            _ => return self.nobody(&head),
        };
        let owner = self.owner(&session);
        let form = self.form(&head, body, &session).await?;
        let back = back(&form);
        let proved = session.principal().assurance.second_factor_at;
        let fresh = proved.is_some_and(|at| is_within(at, SystemTime::now(), REPLACES));
        if !fresh && self.factors.has(&owner).map_err(internal)? {
            // Else whoever finds an open browser could put another's phone in the place of the owner's.
            let here = format!("{}/mfa/enrol", self.config.path);
            if !wants_page(&head.headers) {
                let error =
                    Error::new(Kind::StepUpRequired, "prove the second factor that is to be replaced");
                return Err(error.member("step_up", format!("{}/mfa", self.config.path).into()));
            }
            return Ok(see_other(self.location("/mfa", &here)));
        }
        let secret = self.waiting.of(&session, self.clock.now_ms())?;
        if head.method != Method::POST {
            return Ok(self.show(&head, &secret, &owner, StatusCode::OK, "", &back));
        }
        let code = form.get("code").ok_or_else(|| Error::new(Kind::BadRequest, "there is no code"))?;
        let enrolled = self.factors.enrol(&owner, &secret, code).await.map_err(internal)?;
        let Some(codes) = enrolled else {
            let told = "This code is not the app's; is the clock of the phone right?";
            if wants_page(&head.headers) {
                return Ok(self.show(&head, &secret, &owner, StatusCode::UNAUTHORIZED, told, &back));
            }
            return Err(Error::new(Kind::StepUpRequired, told));
        };
        self.waiting.forget(&session);
        self.tell(&owner, "a second factor was enrolled");
        self.proved(&head, &session, &back, Some(codes)).await
    }

    /// The session goes on under a new id: what it may do has changed.
    async fn proved(
        &self,
        head: &Parts,
        session: &Session,
        back: &str,
        codes: Option<Vec<String>>,
    ) -> Result<Response<Body>, Error> {
        let now_ms = self.clock.now_ms();
        let person = Person { second_factor_ms: Some(now_ms), ..session.person() };
        let (id, next) = self.sessions.renew(session, person).await.map_err(not_kept)?;
        let mut response = match (wants_page(&head.headers), codes) {
            (true, None) => see_other(HeaderValue::try_from(back).map_err(internal)?),
            (true, Some(codes)) => recovery_page(&codes, back),
            (false, codes) => {
                let left = self.factors.recovery_codes_left(&self.owner(session)).map_err(internal)?;
                json(
                    &json!({ "second_factor_at_ms": now_ms, "recovery_codes": codes, "recovery_codes_left": left }),
                )
            }
        };
        for cookie in self.cookies(&id, &next) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn ask(&self, status: StatusCode, told: &str, back: &str) -> Response<Body> {
        let form = code_form(&format!("{}/mfa", self.config.path), back, "Go on");
        let told =
            if told.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>\n", escape(told)) };
        let body =
            format!("{told}<p>The code that your app shows, or one of your recovery codes.</p>\n{form}");
        page(status, "Second factor", &body, None)
    }

    fn show(
        &self,
        head: &Parts,
        secret: &[u8],
        owner: &Owner,
        status: StatusCode,
        told: &str,
        back: &str,
    ) -> Response<Body> {
        let origin = self.config.origin.parse::<Uri>().ok();
        let host = origin.as_ref().and_then(Uri::host).unwrap_or("ostler");
        let totp = totp(secret, host, &owner.subject);
        let text = totp.secret().to_base32();
        let url = totp.to_url().unwrap_or_default();
        if !wants_page(&head.headers) {
            return json(&json!({ "secret": text, "otpauth": url }));
        }
        let told =
            if told.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>\n", escape(told)) };
        let form = code_form(&format!("{}/mfa/enrol", self.config.path), back, "Enrol");
        let body = format!(
            "{told}<p>Add this to your authenticator app, then type the code that it shows.</p>\n\
             <p><a href=\"{}\">Open in the app</a></p>\n<p>Or type it in: <code>{}</code></p>\n{form}",
            escape(&url),
            escape(&text)
        );
        page(status, "Enrol a second factor", &body, None)
    }

    /// What was sent, by this site; a GET says it in its query.
    async fn form(&self, head: &Parts, body: Body, session: &Session) -> Result<Form, Error> {
        if head.method != Method::POST {
            return Ok(Form::query(head.uri.query()));
        }
        self.check_site(head, session)?;
        Form::receive(&head.headers, body).await
    }

    fn nobody(&self, head: &Parts) -> Result<Response<Body>, Error> {
        if wants_page(&head.headers) && head.method == Method::GET {
            return Ok(see_other(location(&format!("{}/login", self.config.path), path_of(head))));
        }
        Err(Error::new(Kind::Unauthenticated, "log in first"))
    }

    fn owner(&self, session: &Session) -> Owner {
        Owner { authenticator: self.name.clone(), subject: session.principal().subject.clone() }
    }

    fn tell(&self, owner: &Owner, what: &str) {
        tracing::info!(target: "audit", authenticator = &*self.name, subject = &*owner.subject, "second factor: {what}");
    }
}

fn back(form: &Form) -> String {
    form.get("return_to").and_then(return_to::check).unwrap_or("/").to_owned()
}

fn recovery_page(codes: &[String], back: &str) -> Response<Body> {
    let list: String = codes.iter().map(|code| format!("<li><code>{}</code></li>\n", escape(code))).collect();
    let body = format!(
        "<p>Keep these recovery codes. Each is good once, when the app is lost; they are not shown again.</p>\n\
         <ul>\n{list}</ul>\n<p><a href=\"{}\">Go on</a></p>",
        escape(back)
    );
    page(StatusCode::OK, "Your second factor is enrolled", &body, None)
}
