//! The same answers to plugins, with what rules can see of the request under way.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Method, Uri};
use ostler_core::Scheme;
use ostler_core::{Authorize, Decision, Peer, Principal};

use super::{Asked, Authorization, Facts};

/// Stack for rules, in bytes. Cedar refuses to evaluate on less than 100 KiB of what it takes for its thread's stack, and a plugin
/// that asks is on a stack of wasmtime's, which is none of the thread's.
const RULES_STACK: usize = 512 << 10;

/// [`Authorization`] within one request.
struct Within {
    authorization: Arc<Authorization>,
    method: Method,
    uri: Uri,
    address: IpAddr,
    secure: bool,
}

impl Authorization {
    /// What answers plugins within a request of `client`. Costs an allocation only where there are rules.
    pub fn within(
        self: &Arc<Self>,
        method: &Method,
        uri: &Uri,
        peer: &Peer,
        client: IpAddr,
    ) -> Arc<dyn Authorize> {
        if self.rules.is_none() {
            return self.clone();
        }
        let secure = peer.scheme == Scheme::Https;
        let (authorization, method, uri) = (self.clone(), method.clone(), uri.clone());
        Arc::new(Within { authorization, method, uri, address: client, secure })
    }
}

impl Authorize for Within {
    fn check(&self, principal: Option<&Principal>, permission: &str, resource: &str) -> Decision {
        let (method, path) = (self.method.as_str(), self.uri.path());
        let request = Some(Facts { method, path, address: self.address, secure: self.secure });
        let now = SystemTime::now();
        let asked = Asked { principal, permission, resource, request, now };
        stacker::grow(RULES_STACK, || self.authorization.decide(&asked).decision())
    }
}
