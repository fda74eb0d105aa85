//! Login, callback, logout.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use ostler_core::{Body, Error, Kind};

use super::attempt::{Attempt, LIFE};
use super::cookie::{self, Found};
use super::form::Form;
use super::page::{button_form, json, page, see_other};
use super::provider::{Description, Failed};
use super::refresh::due;
use super::site::Held;
use super::{Site, return_to};
use crate::sessions::{Begin, SessionsError, Tokens};

/// Logins that one browser may have begun; at the next one it forgets the others.
const ATTEMPTS_MAX: usize = 6;

impl Site {
    /// Sends a browser to the provider (OpenID Connect Core section 3.1.2.1).
    pub(super) async fn login(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let query = Form::query(request.uri().query());
        let back = match query.get("return_to") {
            None => "/",
            Some(text) => return_to::check(text)
                .ok_or_else(|| Error::new(Kind::BadRequest, "return_to is no path of this site"))?,
        };
        let description = self.provider.description().await.map_err(failed)?;
        let attempt = self.attempts.begin(back, self.clock.now_ms()).map_err(internal)?;
        let location = self.authorization(&description, &attempt);
        let mut response = see_other(HeaderValue::try_from(location).map_err(internal)?);
        let begun = self.names.attempts(request.headers());
        if begun.len() >= ATTEMPTS_MAX {
            for name in begun {
                response.headers_mut().append(header::SET_COOKIE, self.names.clear(&name));
            }
        }
        let name = self.names.attempt(&attempt.state);
        let set = self.names.set(&name, &self.attempts.seal(&attempt), Some(LIFE.as_secs()), false);
        response.headers_mut().append(header::SET_COOKIE, set);
        Ok(response)
    }

    fn authorization(&self, description: &Description, attempt: &Attempt) -> String {
        let config = &self.config;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &config.client_id),
            ("redirect_uri", &config.url("/callback")),
            ("scope", &config.request_scopes.join(" ")),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        if !config.acr_values.is_empty() {
            query.append_pair("acr_values", &config.acr_values.join(" "));
        }
        if let Some(max_age) = config.max_age {
            query.append_pair("max_age", &max_age.as_secs().to_string());
        }
        if let Some(prompt) = &config.prompt {
            query.append_pair("prompt", prompt);
        }
        let endpoint = &description.authorization_endpoint;
        let glue = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{glue}{}", query.finish())
    }

    /// Takes a browser back from the provider (OpenID Connect Core section 3.1.2.5).
    pub(super) async fn callback(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let query = Form::query(request.uri().query());
        let attempt = self.attempt(&query, request.headers());
        let attempt = attempt.ok_or_else(|| {
            let detail =
                "this login was not begun in this browser, is too old, or has been finished; log in again";
            Error::new(Kind::Unauthenticated, detail)
        })?;
        let mut done = self.finish(&query, &attempt, request.headers()).await;
        // Used up, whatever came of it.
        let forget = self.names.clear(&self.names.attempt(&attempt.state));
        match &mut done {
            Ok(response) => {
                response.headers_mut().append(header::SET_COOKIE, forget);
            }
            Err(error) => {
                error.more.get_or_insert_default().fields.append(header::SET_COOKIE, forget);
            }
        }
        done
    }

    fn attempt(&self, query: &Form, headers: &HeaderMap) -> Option<Attempt> {
        let state = query.get("state")?;
        match cookie::find(headers, &self.names.attempt(state)) {
            Found::One(sealed) => self.attempts.take(sealed, state, self.clock.now_ms()),
            Found::Nothing | Found::Several => None,
        }
    }

    async fn finish(
        &self,
        query: &Form,
        attempt: &Attempt,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Error> {
        let description = self.provider.description().await.map_err(failed)?;
        // RFC 9207: another provider's answer must not be taken for this one's.
        let issuer = query.get("iss");
        let silent = issuer.is_none() && description.authorization_response_iss_parameter_supported;
        if silent || issuer.is_some_and(|issuer| issuer != self.config.issuer) {
            return Err(Error::new(Kind::Unauthenticated, "this answer is another provider's"));
        }
        if query.get("error").is_some() {
            return Err(Error::new(Kind::Unauthenticated, "the provider did not log you in"));
        }
        let code =
            query.get("code").ok_or_else(|| Error::new(Kind::BadRequest, "the provider sent no code"))?;
        let granted = self.provider.redeem(code, &attempt.verifier, &self.config.url("/callback")).await;
        let granted = granted.map_err(failed)?;
        let claims = self.provider.claims(&granted, Some(&attempt.nonce)).await.map_err(failed)?;
        let now_ms = self.clock.now_ms();
        let person = self.person(claims, &granted, now_ms).map_err(failed)?;
        let due_ms = due(&granted, now_ms);
        let tokens = Tokens { id_token: granted.id_token, refresh_token: granted.refresh_token, due_ms };
        let (idle, life) = (self.config.idle, self.config.life);
        let begin = Begin { authenticator: self.name.clone(), person, tokens, idle, life };
        let (id, session) = self.sessions.begin(begin).await.map_err(not_kept)?;
        // Whatever session the browser had is over: its id may be known to somebody else (session fixation).
        if let Held::Live(before) = self.held(headers) {
            self.sessions.end(&before).await.map_err(internal)?;
        }
        let back = HeaderValue::try_from(&attempt.return_to).map_err(internal)?;
        let mut response = see_other(back);
        for cookie in self.cookies(&id, &session) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Ends the session here, and then at the provider (OpenID Connect RP-Initiated Logout).
    pub(super) async fn logout(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, _) = request.into_parts();
        let session = match self.held(&head.headers) {
            Held::Live(session) => session,
            Held::Nothing | Held::Over | Held::Several => {
                return Ok(self.leave(self.config.after_logout.clone()));
            }
        };
        let description = self.provider.description().await.ok();
        let elsewhere = description.as_ref().and_then(|description| description.end_session_endpoint.clone());
        if head.method != Method::POST {
            let form = button_form(&format!("{}/logout", self.config.path), "Log out");
            let origin = elsewhere.as_deref().and_then(origin_of);
            return Ok(page(StatusCode::OK, "Log out?", &form, origin.as_deref()));
        }
        self.check_site(&head, &session)?;
        let tokens = self.sessions.tokens(&session).unwrap_or_default();
        self.sessions.end(&session).await.map_err(internal)?;
        let home = format!("{}{}", self.config.origin, self.config.after_logout);
        let location = match elsewhere {
            None => self.config.after_logout.clone(),
            Some(endpoint) => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.extend_pairs([
                    ("client_id", &self.config.client_id),
                    ("post_logout_redirect_uri", &home),
                ]);
                if let Some(token) = &tokens.id_token {
                    query.append_pair("id_token_hint", token);
                }
                let glue = if endpoint.contains('?') { '&' } else { '?' };
                format!("{endpoint}{glue}{}", query.finish())
            }
        };
        if wants_page(&head.headers) {
            return Ok(self.leave(location));
        }
        Ok(self.without_cookies(json(&serde_json::json!({ "location": location }))))
    }

    fn leave(&self, location: String) -> Response<Body> {
        let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"));
        self.without_cookies(see_other(location))
    }

    fn without_cookies(&self, mut response: Response<Body>) -> Response<Body> {
        for cookie in self.no_cookies() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Whether a browser shows the answer; a form's submission asks for HTML as a link does.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

pub(super) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Internal, "the login failed on this side").because(error)
}

/// What a browser is told of a provider's failure; the log is told the rest.
fn failed(error: Failed) -> Error {
    match error {
        Failed::Down(_) => {
            let detail = "the login's provider does not answer; try again";
            let error = Error::new(Kind::IdentityUnavailable, detail).because(error);
            error.retry_after(std::time::Duration::from_secs(5))
        }
        error => {
            Error::new(Kind::Unauthenticated, "the login's provider did not vouch for you; log in again")
                .because(error)
        }
    }
}

pub(super) fn not_kept(error: SessionsError) -> Error {
    Error::new(Kind::IdentityUnavailable, "the session could not be kept; try again").because(error)
}

fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}
