//! An order desk for several tenants: what is left for a handler to do when the host has asked who it is, what they may, and whether
//! the request is what `orders.yaml` describes.
//!
//! | request | answer |
//! |---|---|
//! | `GET /orders?status=&limit=&after=` | the tenant's orders by id, a page of them |
//! | `POST /orders` | places an order |
//! | `GET /orders/summary` | how many there are and what they are worth, by status |
//! | `GET /orders/{id}` | one |
//! | `PATCH /orders/{id}` | changes its status, its note or both |
//! | `DELETE /orders/{id}` | deletes one |
//!
//! Answers to reads name tags (`cache-tag`), and those to writes the tags that are old by them (`cache-purge`): the host keeps the
//! first and drops them by the second.

use std::time::Duration;

use ostler_sdk::context::{self, Principal};
use ostler_sdk::{Error, Request, Response, authz, cache, log};

mod order;
mod orders;

use order::{Change, Order, Placed, Status};
use orders::Orders;

/// Orders of a page, where the request does not say.
const PAGE: usize = 20;

/// How long a summary may be old by changes that another host has made and this one has not heard of.
const SUMMARY_LIFE: Duration = Duration::from_secs(300);

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let clerk = context::principal().ok_or_else(|| Error::internal("the route lets strangers in"))?;
    let desk = Desk::of(&clerk)?;
    // A HEAD is answered like a GET; the host leaves the body away.
    let method = if request.method() == "HEAD" { "GET" } else { request.method() };
    match (method, request.path()) {
        ("GET", "/orders") => desk.list(),
        ("POST", "/orders") => desk.place(&clerk, &request),
        (_, "/orders") => Err(Error::method_not_allowed("GET, HEAD, POST")),
        ("GET", "/orders/summary") => desk.summary(),
        (_, "/orders/summary") => Err(Error::method_not_allowed("GET, HEAD")),
        (_, path) if path.starts_with("/orders/") => desk.one(method, &request),
        _ => Err(Error::not_found("there is nothing here: try /orders")),
    }
}

/// The orders of one tenant, and what they are called in caches.
struct Desk {
    tenant: String,
    orders: Orders,
}

impl Desk {
    fn of(clerk: &Principal) -> Result<Self, Error> {
        let Some(tenant) = clerk.tenant.as_deref().filter(|tenant| !tenant.is_empty()) else {
            return Err(Error::forbidden("orders belong to a tenant, and you to none").with_code("no_tenant"));
        };
        let tenant = escaped(tenant);
        Ok(Desk { orders: Orders::of(&tenant), tenant })
    }

    fn list(&self) -> Result<Response, Error> {
        let status = context::parameter::<Status>("status")?;
        let limit = context::parameter::<usize>("limit")?.unwrap_or(PAGE);
        let after = context::parameter::<u64>("after")?;
        let page = self.orders.page(status, after, limit)?;
        Ok(Response::json(&page)?.with_header("cache-tag", self.tag_of_all()))
    }

    fn place(&self, clerk: &Principal, request: &Request) -> Result<Response, Error> {
        let placed: Placed = request.json()?;
        let order = self.orders.add(placed.into_order(&clerk.subject))?;
        self.forget_summary();
        log::info!("order placed", id = order.id, total = order.total);
        let place = format!("/orders/{}", order.id);
        let response = answer(&order)?.with_status(201).with_header("location", place);
        Ok(response.with_header("cache-purge", self.tag_of_all()))
    }

    /// Costs a walk through all orders, so it is made once for all who ask and kept until something changes.
    fn summary(&self) -> Result<Response, Error> {
        let summaries = cache::open("summaries");
        let life = Some(SUMMARY_LIFE);
        let summary = summaries.get_or_compute_json(&self.tenant, life, &[], || self.orders.summary())?;
        Ok(Response::json(&summary)?.with_header("cache-tag", self.tag_of_all()))
    }

    /// Paths that name an order.
    fn one(&self, method: &str, request: &Request) -> Result<Response, Error> {
        if !matches!(method, "GET" | "PATCH" | "DELETE") {
            return Err(Error::method_not_allowed("GET, HEAD, PATCH, DELETE"));
        }
        let id = context::parameter::<u64>("id")?.ok_or_else(|| missing(request.path()))?;
        let order = self.orders.get(id)?.ok_or_else(|| missing(id))?;
        match method {
            "GET" => Ok(answer(&order)?.with_header("cache-tag", self.tags(id))),
            "PATCH" => self.change(order, &request.json()?),
            _ => self.delete(id),
        }
    }

    /// Changes of state follow the order's life; to give money back takes a permission of its own, which no route can ask for, since
    /// only the body says that it is one.
    fn change(&self, order: Order, change: &Change) -> Result<Response, Error> {
        let id = order.id;
        if change.status == Some(Status::Refunded) {
            authz::require("orders:refund", &format!("orders/{id}"))?;
        }
        let order = self.orders.change(order, |order| change.apply(order))?.ok_or_else(|| missing(id))?;
        self.forget_summary();
        log::info!("order changed", id = id, status = order.status);
        Ok(answer(&order)?.with_header("cache-purge", self.tags(id)))
    }

    fn delete(&self, id: u64) -> Result<Response, Error> {
        if !self.orders.delete(id)? {
            return Err(missing(id));
        }
        self.forget_summary();
        log::info!("order deleted", id = id);
        Ok(Response::no_content().with_header("cache-purge", self.tags(id)))
    }

    /// A cache that is out of reach keeps a change from nobody: its value ends by itself.
    fn forget_summary(&self) {
        if let Err(error) = cache::open("summaries").delete(&self.tenant) {
            log::warn!("the summary may be old for a while", error = error);
        }
    }

    /// The tag of everything that shows more than one order.
    fn tag_of_all(&self) -> String {
        format!("{}/orders", self.tenant)
    }

    /// The tags of what one order is shown in.
    fn tags(&self, id: u64) -> String {
        format!("{0}/orders, {0}/orders/{id}", self.tenant)
    }
}

/// An order, with a tag that changes whenever it does.
fn answer(order: &Order) -> Result<Response, Error> {
    Ok(Response::json(order)?.with_header("etag", format!("\"{}-{}\"", order.id, order.version)))
}

fn missing(what: impl std::fmt::Display) -> Error {
    Error::not_found(format!("there is no order {what}")).with_code("no_such_order")
}

/// A tenant's name as part of keys and tags: bytes that could end it early, or that a field of HTTP cannot hold, as `%xx`.
fn escaped(tenant: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let escape = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02x}"),
    };
    tenant.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests;
