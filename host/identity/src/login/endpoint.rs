//! The routes that a login answers itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, Request, Response};
use ostler_core::gate::GateSpec;
use ostler_core::plugin::RouteSpec;
use ostler_core::{Body, Endpoint, Error, Exchange};

use super::Site;

/// What is done at a path below `path`.
#[derive(Debug, Clone, Copy)]
enum What {
    Login,
    Callback,
    Logout,
    SecondFactor,
    Enrolment,
}

struct Step {
    site: Arc<Site>,
    what: What,
}

/// The routes of `site`.
pub(crate) fn endpoints(site: &Arc<Site>) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
    let (get, both) = ([Method::GET].as_slice(), [Method::GET, Method::POST].as_slice());
    let all = [
        ("/login", get, What::Login),
        ("/callback", get, What::Callback),
        ("/logout", both, What::Logout),
        ("/mfa", both, What::SecondFactor),
        ("/mfa/enrol", both, What::Enrolment),
    ];
    let route = |(path, methods, what): (&str, &[Method], What)| {
        let spec = RouteSpec {
            path: format!("{}{path}", site.config.path),
            methods: methods.to_vec(),
            host: None,
            plugin: String::new(),
            gate: GateSpec::default(),
            when: None,
            line: 0,
        };
        let step: Arc<dyn Endpoint> = Arc::new(Step { site: site.clone(), what });
        (spec, step)
    };
    all.into_iter().map(route).collect()
}

impl Endpoint for Step {
    fn answer<'a>(
        &'a self,
        _exchange: &'a Exchange,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send + 'a>> {
        let site = &self.site;
        match self.what {
            What::Login => Box::pin(site.login(request)),
            What::Callback => Box::pin(site.callback(request)),
            What::Logout => Box::pin(site.logout(request)),
            What::SecondFactor => Box::pin(site.second_factor(request)),
            What::Enrolment => Box::pin(site.enrolment(request)),
        }
    }
}
