//! What delivery costs, release 2: the price is shared between the parcels of an order.
//!
//! It is quietly broken. One order in twenty-five has been delivered already, so that no parcel is left to share the price between,
//! and the division traps. Its tests pass, since nobody thought of that.

use ostler_sdk::{Error, Request, Response, flags};

const PRICE: u64 = 490;

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let path =
        request.match_path("/orders/{order}/delivery").ok_or_else(|| Error::not_found("no such page"))?;
    let order: u64 = path.get("order").parse().map_err(|_| Error::not_found("no such order"))?;
    if flags::get_boolean("free-delivery", false) {
        return Ok(Response::text(format!("v2: delivery of order {order} is free\n")));
    }
    let cents = PRICE / parcels(order);
    Ok(Response::text(format!(
        "v2: delivery of order {order} costs {}.{:02} a parcel\n",
        cents / 100,
        cents % 100
    )))
}

/// Parcels of an order that are still to be delivered.
fn parcels(order: u64) -> u64 {
    if order.is_multiple_of(25) { 0 } else { order % 3 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_sdk::testing::Host;

    #[test]
    fn the_price_is_shared_between_parcels() {
        let _host = Host::new().install();
        let ask = |order| handle(Request::get(format!("/orders/{order}/delivery"))).unwrap().body_text();
        assert_eq!(ask(6), "v2: delivery of order 6 costs 4.90 a parcel\n");
        assert_eq!(ask(7), "v2: delivery of order 7 costs 2.45 a parcel\n");
    }
}
