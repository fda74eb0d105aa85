//! Login with an OpenID Connect provider, and what follows from it: `kind = "oidc"`.
//!
//! The way of a login: [`steps`] sends the browser to the provider with a signed [`attempt`] in a cookie, and redeems what it comes
//! back with at the [`provider`]; a session begins (`host/identity/src/sessions`), whose cookie [`site`] knows again.
//! **Invariant:** a login ends in a session of a new id, in the browser that began it, or in nothing.

mod attempt;
mod config;
mod cookie;
mod cross_site;
mod endpoint;
mod form;
mod page;
mod provider;
mod refresh;
mod return_to;
mod second_factor;
mod site;
mod steps;

pub(crate) use config::Config;
pub(crate) use cookie::Names;
pub(crate) use endpoint::endpoints;
pub(crate) use site::{Site, is_navigation, location, path_of};
