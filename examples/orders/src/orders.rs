//! Orders of one tenant in the key-value store: each under the tenant's name and its id, which count up from 1.
//!
//! **Invariant:** every key begins with the tenant's escaped name and a slash, which no escaped name holds.

use std::collections::BTreeMap;

use ostler_sdk::Error;
use ostler_sdk::kv::{self, Store};
use serde::{Deserialize, Serialize};

use crate::order::{Order, Status};

/// Orders asked for at once.
const BATCH: u64 = 200;

/// Batches that one page looks through at most; it may so be shorter than asked for, and says where to go on.
const BATCHES: usize = 10;

/// The orders of one tenant.
pub(crate) struct Orders {
    store: Store,
    tenant: String,
}

/// Some of them, by id.
#[derive(Serialize)]
pub(crate) struct Page {
    orders: Vec<Order>,
    /// Pass this as `after` to go on; null at the end.
    next: Option<u64>,
}

/// How many there are of each status, and what they are worth.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    by_status: BTreeMap<Status, Share>,
}

#[derive(Default, Serialize, Deserialize)]
struct Share {
    count: u64,
    total: u64,
}

impl Orders {
    /// Those of `tenant`, whose name is escaped.
    pub(crate) fn of(tenant: &str) -> Self {
        Orders { store: kv::open("orders"), tenant: tenant.to_owned() }
    }

    pub(crate) fn page(
        &self,
        status: Option<Status>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Page, Error> {
        let (mut orders, mut after) = (Vec::new(), after.unwrap_or(0));
        for _ in 0..BATCHES {
            let batch = self.batch(after)?;
            let wanted = |order: &Order| status.is_none_or(|status| order.status == status);
            for order in batch.orders.into_iter().filter(wanted) {
                if orders.len() == limit {
                    let next = orders.last().map(|order: &Order| order.id);
                    return Ok(Page { orders, next });
                }
                orders.push(order);
            }
            match batch.next {
                Some(next) => after = next,
                None => return Ok(Page { orders, next: None }),
            }
        }
        Ok(Page { orders, next: Some(after) })
    }

    pub(crate) fn summary(&self) -> Result<Summary, Error> {
        let (mut summary, mut after) = (Summary::default(), 0);
        loop {
            let batch = self.batch(after)?;
            for order in batch.orders {
                let share = summary.by_status.entry(order.status).or_default();
                share.count += 1;
                share.total += order.total;
            }
            match batch.next {
                Some(next) => after = next,
                None => return Ok(summary),
            }
        }
    }

    pub(crate) fn get(&self, id: u64) -> Result<Option<Order>, Error> {
        Ok(self.store.get_json(&self.key(id))?)
    }

    /// Gives the order its id and stores it.
    pub(crate) fn add(&self, mut order: Order) -> Result<Order, Error> {
        let id = self.store.increment(&self.counter(), 1)?;
        order.id = u64::try_from(id)?;
        self.store.set_json(&self.key(order.id), &order)?;
        Ok(order)
    }

    /// Changes `order`, or what others have made of it meanwhile; none if they deleted it.
    pub(crate) fn change(
        &self,
        mut order: Order,
        change: impl Fn(&mut Order) -> Result<(), Error>,
    ) -> Result<Option<Order>, Error> {
        loop {
            let before = serde_json::to_vec(&order)?;
            change(&mut order)?;
            let after = serde_json::to_vec(&order)?;
            if self.store.compare_and_swap(&self.key(order.id), Some(&before), Some(&after))? {
                return Ok(Some(order));
            }
            match self.get(order.id)? {
                Some(now) => order = now,
                None => return Ok(None),
            }
        }
    }

    /// Whether it was there.
    pub(crate) fn delete(&self, id: u64) -> Result<bool, Error> {
        Ok(self.store.delete(&self.key(id))?)
    }

    /// Up to `BATCH` orders behind an id; deleted ones are left out.
    fn batch(&self, after: u64) -> Result<Batch, Error> {
        let last = u64::try_from(self.store.get_count(&self.counter())?)?;
        let end = after.saturating_add(BATCH).min(last);
        let keys = (after..end).map(|id| self.key(id + 1));
        let values = self.store.get_many(keys)?;
        let orders: Result<_, _> =
            values.into_iter().flatten().map(|value| serde_json::from_slice(&value)).collect();
        Ok(Batch { orders: orders?, next: (end < last).then_some(end) })
    }

    /// Where the last id is kept.
    fn counter(&self) -> String {
        format!("{}/last", self.tenant)
    }

    fn key(&self, id: u64) -> String {
        format!("{}/order/{id}", self.tenant)
    }
}

/// Orders that follow an id.
struct Batch {
    orders: Vec<Order>,
    /// Where to go on; none at the end.
    next: Option<u64>,
}
