//! What delivery costs, release 3: as release 2, and an order without parcels costs nothing.

use ostler_sdk::{Error, Request, Response, flags};

const PRICE: u64 = 490;

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let path =
        request.match_path("/orders/{order}/delivery").ok_or_else(|| Error::not_found("no such page"))?;
    let order: u64 = path.get("order").parse().map_err(|_| Error::not_found("no such order"))?;
    if flags::get_boolean("free-delivery", false) {
        return Ok(Response::text(format!("v3: delivery of order {order} is free\n")));
    }
    let Some(cents) = PRICE.checked_div(parcels(order)) else {
        return Ok(Response::text(format!("v3: order {order} has been delivered\n")));
    };
    Ok(Response::text(format!(
        "v3: delivery of order {order} costs {}.{:02} a parcel\n",
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
    fn the_price_is_shared_between_parcels_if_there_are_any() {
        let _host = Host::new().install();
        let ask = |order| handle(Request::get(format!("/orders/{order}/delivery"))).unwrap().body_text();
        assert_eq!(ask(7), "v3: delivery of order 7 costs 2.45 a parcel\n");
        assert_eq!(ask(50), "v3: order 50 has been delivered\n");
    }
}
