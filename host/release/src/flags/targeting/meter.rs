//! Counts what one question costs.
//!
//! Loops and what can grow are wrapped in the operator of this file (see [`super::rules`]). **Invariant:** what a loop hands on
//! is flat, so that no list can hold itself many times over and be walked for ever.

use std::cell::Cell;

use datalogic_rs::bumpalo::Bump;
use datalogic_rs::operator::EvalContext;
use datalogic_rs::{CustomOperator, DataValue, Error, Result};

use crate::flags::STEPS_MAX;

/// Most memory of one question, in bytes.
const BYTES_MAX: usize = 4 << 20;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// Begins a question.
pub(super) fn start() {
    LEFT.set(STEPS_MAX);
}

/// Passes its first argument on, having counted the second; refuses lists of lists.
pub(super) struct Step;

/// Passes its argument on if the question has not taken too much memory.
pub(super) struct Weigh;

impl CustomOperator for Step {
    fn evaluate<'a>(
        &self,
        args: &[&'a DataValue<'a>],
        _: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        let [value, cost] = args else { return Err(Error::custom_message("broken meter")) };
        let cost = cost.as_i64().and_then(|cost| u32::try_from(cost).ok()).unwrap_or(u32::MAX);
        match LEFT.get().checked_sub(cost) {
            Some(left) => LEFT.set(left),
            None => return Err(Error::custom_message(format!("more than {STEPS_MAX} steps"))),
        }
        if !is_flat(value) {
            return Err(Error::custom_message("a loop gave a list of lists or an object"));
        }
        weighed(value, arena)
    }
}

impl CustomOperator for Weigh {
    fn evaluate<'a>(
        &self,
        args: &[&'a DataValue<'a>],
        _: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        match args {
            [value] => weighed(value, arena),
            _ => Err(Error::custom_message("broken meter")),
        }
    }
}

fn weighed<'a>(value: &'a DataValue<'a>, arena: &'a Bump) -> Result<&'a DataValue<'a>> {
    match arena.allocated_bytes() > BYTES_MAX {
        true => Err(Error::custom_message("more than 4 MiB of memory")),
        false => Ok(value),
    }
}

fn is_flat(value: &DataValue<'_>) -> bool {
    let scalar = |value: &DataValue<'_>| !value.is_array() && !value.is_object();
    match value {
        DataValue::Array(items) => items.iter().all(scalar),
        DataValue::Object(_) => false,
        _ => true,
    }
}
