//! The smallest typed handler: a greeting for `/` and for `/hello/{name}`.

use ostler_sdk::{Error, Request, Response};

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    if request.path() == "/" {
        return Ok(Response::typed("text/plain", "Hello, world!"));
    }
    match request.match_path("/hello/{name}") {
        Some(path) => Ok(Response::text(format!("Hello, {}!", path.get("name")))),
        None => Err(Error::not_found("try / or /hello/you")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_greets_the_world_and_whoever_is_named() {
        assert_eq!(handle(Request::get("/")).unwrap().body(), b"Hello, world!");
        assert_eq!(handle(Request::get("/hello/J%C3%BCrgen")).unwrap().body_text(), "Hello, Jürgen!");
    }

    #[test]
    fn it_knows_no_other_path() {
        assert_eq!(handle(Request::get("/bye")).unwrap_err().status(), 404);
    }
}
