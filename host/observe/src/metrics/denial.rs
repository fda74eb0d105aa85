//! What is counted when somebody may not do what they ask for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Text;

/// Requests of one route that were refused for want of one permission.
#[derive(Debug, Default)]
pub struct DenialMetrics(AtomicU64);

impl DenialMetrics {
    /// Counts one.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn collect(&self, text: &mut Text, route: &str, permission: &str) {
        let help = "Requests refused for want of a permission, as the route requires it.";
        let labels = [("route", route), ("permission", permission)];
        text.counter("ostler_authorization_denied_total", help, &labels, self.0.load(Ordering::Relaxed));
    }
}
