//! Targeting: JSONLogic, compiled once, asked per exchange.
//!
//! The engine is datalogic's; what it is given went through [`rules`], which knows every operator, gives flagd's own ones to
//! [`operators`], and puts a meter into whatever repeats. **Invariant:** a question ends after a bounded number of steps and
//! bytes, whatever the rule and the context say.

mod cbor;
mod data;
mod meter;
mod operators;
mod rules;

use std::cell::RefCell;
use std::sync::LazyLock;

use datalogic_rs::bumpalo::Bump;
use datalogic_rs::datavalue::NumberValue;
use datalogic_rs::{DataValue, DivisionByZeroHandling, Engine, EvaluationConfig, Logic, NanHandling};
use serde_json::Value;

use super::context::Context;
use super::problem::Problems;

pub(super) use rules::{Evaluators, Reading, standing_alone};

/// An arena that one question has made larger than this is not kept for the next.
const ARENA_KEPT: usize = 64 << 10;

/// The targeting of one flag.
pub(super) struct Targeting {
    logic: Logic,
    needs: rules::Needs,
}

/// What targeting says.
pub(super) enum Answer {
    /// The default variant.
    Default,
    /// A variant by name; `found` is its place among the names that were passed, if it is there.
    Variant { found: Option<usize>, shown: String },
    /// It could not be evaluated, for this reason.
    Failed(String),
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = EvaluationConfig::default()
        .with_arithmetic_nan_handling(NanHandling::ReturnNull)
        .with_division_by_zero(DivisionByZeroHandling::ReturnNull)
        .with_loose_equality_errors(false);
    let engine = Engine::builder().with_config(config);
    operators::add(engine).build()
});

thread_local! {
    static ARENA: RefCell<Bump> = RefCell::new(Bump::with_capacity(4 << 10));
}

impl Targeting {
    /// Compiles `rule`, telling what is wrong with it.
    pub(super) fn read(
        rule: &Value,
        path: &str,
        reading: &mut Reading<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (rule, needs) = reading.read(rule, path, problems)?;
        match ENGINE.compile(rule) {
            Ok(logic) => Some(Targeting { logic, needs }),
            Err(error) => {
                let repair = "correct the rule; docs/flags.md lists the operators";
                problems.add(path, error.to_string(), "JSONLogic with flagd's operators", repair);
                None
            }
        }
    }

    /// What it says of `context`, asked for the flag `key` that has the variants `names`.
    pub(super) fn ask<'n>(
        &self,
        key: &str,
        context: &dyn Context,
        names: impl Iterator<Item = &'n str>,
    ) -> Answer {
        ARENA.with(|arena| match arena.try_borrow_mut() {
            Ok(mut arena) => {
                let answer = self.ask_in(&arena, key, context, names);
                match arena.allocated_bytes() > ARENA_KEPT {
                    true => *arena = Bump::with_capacity(4 << 10),
                    false => arena.reset(),
                }
                answer
            }
            // A context that asks for a flag itself.
            Err(_) => self.ask_in(&Bump::new(), key, context, names),
        })
    }

    fn ask_in<'n>(
        &self,
        arena: &Bump,
        key: &str,
        context: &dyn Context,
        names: impl Iterator<Item = &'n str>,
    ) -> Answer {
        meter::start();
        let data = data::build(arena, key, context, &self.needs);
        match ENGINE.evaluate(&self.logic, data, arena) {
            Ok(said) => answer(said, names),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }
}

fn answer<'n>(said: &DataValue<'_>, names: impl Iterator<Item = &'n str>) -> Answer {
    let name = match said {
        DataValue::Null => return Answer::Default,
        DataValue::String(name) => return variant(name, names),
        DataValue::Bool(true) => "true",
        DataValue::Bool(false) => "false",
        DataValue::Number(NumberValue::Integer(number)) => return variant(&number.to_string(), names),
        DataValue::Number(NumberValue::Float(number)) => return variant(&number.to_string(), names),
        DataValue::Array(_) | DataValue::Object(_) => {
            return Answer::Failed("targeting gave a list or an object, not the name of a variant".into());
        }
    };
    variant(name, names)
}

fn variant<'n>(name: &str, mut names: impl Iterator<Item = &'n str>) -> Answer {
    match names.position(|known| known == name) {
        Some(found) => Answer::Variant { found: Some(found), shown: String::new() },
        None => Answer::Variant { found: None, shown: super::problem::quote(name) },
    }
}
