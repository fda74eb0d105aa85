//! What delivery costs, release 1: the same for every parcel.

use ostler_sdk::{Error, Request, Response, flags};

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let path =
        request.match_path("/orders/{order}/delivery").ok_or_else(|| Error::not_found("no such page"))?;
    let order: u64 = path.get("order").parse().map_err(|_| Error::not_found("no such order"))?;
    if flags::get_boolean("free-delivery", false) {
        return Ok(Response::text(format!("v1: delivery of order {order} is free\n")));
    }
    Ok(Response::text(format!("v1: delivery of order {order} costs 4.90\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_sdk::testing::Host;

    #[test]
    fn delivery_costs_the_same_until_it_is_free() {
        let host = Host::new().install();
        let ask = || handle(Request::get("/orders/7/delivery")).unwrap().body_text();
        assert_eq!(ask(), "v1: delivery of order 7 costs 4.90\n");
        host.set_flag("free-delivery", true);
        assert_eq!(ask(), "v1: delivery of order 7 is free\n");
    }
}
