//! What the principal of the exchange may do, by the same roles and rules that guard routes (`[authorization]`).
//!
//! ```
//! # use ostler_sdk::testing::Host;
//! # let _host = Host::new().allow("orders:refund", "orders/17").install();
//! use ostler_sdk::authz;
//! authz::require("orders:refund", "orders/17")?;
//! # Ok::<(), ostler_sdk::Error>(())
//! ```

use crate::error::Error;
use crate::{context, host};

/// An answer of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// What decided; for logs, not for clients.
    pub reason: String,
}

/// Whether the principal may use `permission` on `resource`, such as `orders/17` (empty: none in particular).
pub fn check(permission: &str, resource: &str) -> Decision {
    let decision = host::authz::check(permission, resource);
    Decision { allowed: decision.allowed, reason: decision.reason }
}

/// [`check`] for those who need no reason.
pub fn allows(permission: &str, resource: &str) -> bool {
    check(permission, resource).allowed
}

/// Goes on if the principal may use `permission` on `resource`; otherwise a problem 403 of code `forbidden`, as a route's own
/// `require` answers. Only a principal that is known is told which permission it lacks.
pub fn require(permission: &str, resource: &str) -> Result<(), Error> {
    if allows(permission, resource) {
        return Ok(());
    }
    let detail = match (context::principal(), resource) {
        (None, _) => "this is not allowed".to_owned(),
        (Some(_), "") => format!("this needs the permission {permission}"),
        (Some(_), resource) => format!("this needs the permission {permission} on {resource}"),
    };
    Err(Error::forbidden(detail).with_code("forbidden"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Principal;
    use crate::testing::Host;

    #[test]
    fn what_is_allowed_is_allowed_on_its_resource_only() {
        let _host = Host::new().allow("orders:read", "").allow("orders:write", "orders/17").install();
        assert!(allows("orders:read", "") && allows("orders:read", "orders/3"));
        assert!(allows("orders:write", "orders/17") && !allows("orders:write", "orders/18"));
        assert!(!allows("orders:write", "") && !check("orders:delete", "").reason.is_empty());
    }

    #[test]
    fn the_missing_permission_is_named_to_those_who_are_known() {
        let host = Host::new().principal(Principal::new("ada")).install();
        let refusal = require("orders:write", "orders/17").unwrap_err();
        assert_eq!(refusal.status(), 403);
        assert_eq!(refusal.to_string(), "403 Forbidden: this needs the permission orders:write on orders/17");
        drop(host);
        let _host = Host::new().install();
        let refusal = require("orders:write", "").unwrap_err();
        assert_eq!(refusal.to_string(), "403 Forbidden: this is not allowed");
    }
}
