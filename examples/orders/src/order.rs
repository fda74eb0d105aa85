//! One order, and the changes it may go through. What is checked by `orders.yaml` already (lengths, ranges, what is required) is not
//! checked again.

use std::fmt;

use ostler_sdk::Error;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

/// An order as it is stored and shown. Amounts are in cents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) status: Status,
    pub(crate) items: Vec<Item>,
    pub(crate) note: String,
    /// Sum of quantity times price.
    pub(crate) total: u64,
    /// Subject of who placed it.
    pub(crate) placed_by: String,
    /// Counts changes.
    pub(crate) version: u64,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    #[serde(deserialize_with = "whole")]
    pub(crate) quantity: u64,
    #[serde(deserialize_with = "whole")]
    pub(crate) price: u64,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Open,
    Paid,
    Shipped,
    Cancelled,
    Refunded,
}

/// Body of `POST /orders`.
#[derive(Deserialize)]
pub(crate) struct Placed {
    items: Vec<Item>,
    #[serde(default)]
    note: String,
}

/// Body of `PATCH /orders/{id}`.
#[derive(Deserialize)]
pub(crate) struct Change {
    pub(crate) status: Option<Status>,
    note: Option<String>,
}

impl Placed {
    pub(crate) fn into_order(self, placed_by: &str) -> Order {
        let total = self.items.iter().map(|item| item.quantity * item.price).sum();
        let placed_by = placed_by.to_owned();
        Order {
            id: 0,
            status: Status::Open,
            items: self.items,
            note: self.note,
            total,
            placed_by,
            version: 1,
        }
    }
}

impl Change {
    /// A change to the status that an order has already changes nothing, so that it may be sent twice.
    pub(crate) fn apply(&self, order: &mut Order) -> Result<(), Error> {
        if let Some(status) = self.status {
            if !order.status.may_become(status) {
                let detail = format!("an order that is {} cannot become {status}", order.status);
                return Err(Error::conflict(detail).with_code("illegal_transition"));
            }
            order.status = status;
        }
        if let Some(note) = &self.note {
            order.note.clone_from(note);
        }
        order.version += 1;
        Ok(())
    }
}

impl Status {
    fn may_become(self, next: Status) -> bool {
        use Status::{Cancelled, Open, Paid, Refunded, Shipped};
        self == next
            || matches!(
                (self, next),
                (Open, Paid | Cancelled) | (Paid, Shipped | Refunded) | (Shipped, Refunded)
            )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Open => "open",
            Status::Paid => "paid",
            Status::Shipped => "shipped",
            Status::Cancelled => "cancelled",
            Status::Refunded => "refunded",
        })
    }
}

/// A number that JSON Schema calls an integer: 7, and 7.0 as well (2020-12 core, section 4.2.3). The document bounds it.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let number = Number::deserialize(from)?;
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..=MOST).contains(number);
    let same = || number.as_f64().filter(whole).map(|number| number as u64);
    number.as_u64().or_else(same).ok_or_else(|| D::Error::custom(format!("{number} is no whole number")))
}
