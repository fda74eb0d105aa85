//! Greets whoever asks, and counts how often.

use ostler_sdk::{Error, Request, Response, config, kv, log};
use serde::Serialize;

/// Answer of `/hello/{name}`.
#[derive(Serialize)]
struct Greeting {
    greeting: String,
    times: i64,
}

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    if request.path() == "/" {
        return Ok(Response::text("It works. Try /hello/you\n"));
    }
    let Some(path) = request.match_path("/hello/{name}") else {
        return Err(Error::not_found("try /hello/you"));
    };
    let name = path.get("name");
    let times = kv::open("greeted").increment(name, 1)?;
    log::info!("greeted", name = name, times = times);
    let greeting = format!("{}, {name}!", config::get_or("greeting", "Hello"));
    Response::json(&Greeting { greeting, times })
}

#[cfg(test)]
mod tests {
    use ostler_sdk::testing::Host;

    use super::*;

    #[test]
    fn a_guest_is_greeted_and_counted() {
        let host = Host::new().kv("greeted").config("greeting", "Hi").install();
        let response = handle(Request::get("/hello/you")).unwrap();
        assert_eq!(response.body(), br#"{"greeting":"Hi, you!","times":1}"#);
        assert_eq!(host.value("greeted", "you").unwrap(), b"1");
    }

    #[test]
    fn an_unknown_path_is_a_404() {
        let _host = Host::new().install();
        assert_eq!(handle(Request::get("/nowhere")).unwrap_err().status(), 404);
    }
}
