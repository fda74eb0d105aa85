//! Why a credential is not accepted: a closed set, so that failures can be counted.
//!
//! **Invariant:** neither the code nor the description depends on what the client sent.

use ostler_core::{Error, Kind};

/// Why a credential is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.code())]
#[repr(u8)]
pub(crate) enum Reason {
    /// It is sent more than once.
    Several,
    /// It cannot be read.
    Malformed,
    /// It is larger than allowed.
    TooLarge,
    /// It is of a type that is not taken here.
    Type,
    /// It asks for an extension that this host does not know (RFC 7515 section 4.1.11).
    Critical,
    /// Its algorithm is not allowed, or not for any of its issuer's keys.
    Algorithm,
    /// No key of its issuer has its id.
    UnknownKey,
    /// It is not signed by its issuer.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come, or it was issued in the future.
    NotYet,
    /// It is another issuer's.
    Issuer,
    /// It is meant for another audience.
    Audience,
    /// A claim that is needed is absent or of the wrong form.
    Claims,
    /// It is bound to a key or certificate that the client has not shown (RFC 8705, RFC 9449).
    Binding,
    /// Its issuer says that it is not active.
    Inactive,
    /// Name or password are wrong.
    Password,
    /// Nobody here knows it.
    Unknown,
    /// It was taken back.
    Revoked,
    /// The certificate names nobody who is let in.
    Certificate,
    /// It is a session's, and another site made the request.
    CrossSite,
    /// Whoever could tell was not reached.
    Unavailable,
    /// Too many failures came from this address.
    Slowed,
    /// Anything else; the error says it.
    Other,
}

impl Reason {
    /// Every reason, in declaration order.
    pub(crate) const ALL: [Reason; 23] = [
        Reason::Several,
        Reason::Malformed,
        Reason::TooLarge,
        Reason::Type,
        Reason::Critical,
        Reason::Algorithm,
        Reason::UnknownKey,
        Reason::Signature,
        Reason::Expired,
        Reason::NotYet,
        Reason::Issuer,
        Reason::Audience,
        Reason::Claims,
        Reason::Binding,
        Reason::Inactive,
        Reason::Password,
        Reason::Unknown,
        Reason::Revoked,
        Reason::Certificate,
        Reason::CrossSite,
        Reason::Unavailable,
        Reason::Slowed,
        Reason::Other,
    ];

    /// As it stands in logs and metrics.
    pub(crate) const fn code(self) -> &'static str {
        self.texts().0
    }

    /// What the client is told.
    pub(crate) const fn description(self) -> &'static str {
        self.texts().1
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Reason::Several => ("several", "more than one credential was sent"),
            Reason::Malformed => ("malformed", "the credential cannot be read"),
            Reason::TooLarge => ("too_large", "the credential is too large"),
            Reason::Type => ("type", "tokens of this type are not taken"),
            Reason::Critical => ("critical", "the token asks for an extension that is not known here"),
            Reason::Algorithm => ("algorithm", "the token's algorithm is not allowed"),
            Reason::UnknownKey => ("unknown_key", "the token's key is not known"),
            Reason::Signature => ("signature", "the token's signature is wrong"),
            Reason::Expired => ("expired", "the token expired"),
            Reason::NotYet => ("not_yet", "the token is not valid yet"),
            Reason::Issuer => ("issuer", "the token's issuer is not known here"),
            Reason::Audience => ("audience", "the token is meant for somebody else"),
            Reason::Claims => ("claims", "the token lacks a claim, or a claim has the wrong form"),
            Reason::Binding => ("binding", "the token is bound to a key that was not shown"),
            Reason::Inactive => ("inactive", "the token is not active"),
            Reason::Password => ("password", "name or password are wrong"),
            Reason::Unknown => ("unknown", "the credential is not known"),
            Reason::Revoked => ("revoked", "the credential was taken back"),
            Reason::Certificate => ("certificate", "the certificate names nobody who is let in"),
            Reason::CrossSite => ("cross_site", "this request was not sent by this site"),
            Reason::Unavailable => ("unavailable", "nobody can tell now who this is"),
            Reason::Slowed => ("slowed", "too many failed attempts came from this address"),
            Reason::Other => ("other", "the credential is not accepted"),
        }
    }

    /// Whether it may have been a guess, which counts against the address it came from. A token that its issuer once made
    /// is none, and clients keep sending those for a while.
    pub(crate) const fn is_guess(self) -> bool {
        !matches!(
            self,
            Reason::Expired
                | Reason::NotYet
                | Reason::CrossSite
                | Reason::Unavailable
                | Reason::Slowed
                | Reason::Revoked
        )
    }

    /// The refusal that says so.
    pub(crate) fn refuse(self) -> Error {
        let kind = match self {
            // RFC 6750 section 3.1, invalid_request.
            Reason::Several => Kind::BadRequest,
            Reason::CrossSite => Kind::CrossSite,
            Reason::Unavailable => Kind::IdentityUnavailable,
            Reason::Slowed => Kind::RateLimited,
            _ => Kind::Unauthenticated,
        };
        Error::new(kind, self.description()).because(self)
    }

    /// The reason that `error` holds.
    pub(crate) fn of(error: &Error) -> Reason {
        match error.cause.as_ref().and_then(|cause| cause.downcast_ref()) {
            Some(reason) => *reason,
            None if error.kind == Kind::IdentityUnavailable => Reason::Unavailable,
            None => Reason::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_reason_at_its_own_index_with_a_code_of_its_own() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(Reason::of(&reason.refuse()), reason);
        }
        let codes: std::collections::HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
