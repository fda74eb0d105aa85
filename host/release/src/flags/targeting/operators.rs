//! The operators that flagd adds to JSONLogic and that datalogic has otherwise or not at all.
//!
//! `fractional` follows flagd's high-precision bucketing: MurmurHash3 (x86, 32 bits, seed 0) of the bucketing value in CBOR,
//! scaled to the sum of the weights without a division. datalogic has the older one, which hashes plain text; `sem_ver` is its own.

use datalogic_rs::bumpalo::Bump;
use datalogic_rs::bumpalo::collections::Vec;
use datalogic_rs::datavalue::NumberValue;
use datalogic_rs::operator::EvalContext;
use datalogic_rs::{ArenaExt, CustomOperator, DataValue, EngineBuilder, Result};

use super::rules::{STEP, WEIGH};
use super::{cbor, data, meter};

/// Largest sum of weights: as flagd's, so that hash times sum stays within 64 bits.
const WEIGHTS_MAX: i64 = i32::MAX as i64;

/// Adds all of ours.
pub(super) fn add(engine: EngineBuilder) -> EngineBuilder {
    engine
        .add_operator("flagd:fractional", Fractional)
        .add_operator("flagd:starts_with", Compare(|text, start| text.starts_with(start)))
        .add_operator("flagd:ends_with", Compare(|text, end| text.ends_with(end)))
        .add_operator(STEP, meter::Step)
        .add_operator(WEIGH, meter::Weigh)
}

struct Fractional;

struct Compare(fn(&str, &str) -> bool);

impl CustomOperator for Compare {
    fn evaluate<'a>(
        &self,
        args: &[&'a DataValue<'a>],
        _: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        Ok(match args {
            [DataValue::String(text), DataValue::String(part)] => arena.bool((self.0)(text, part)),
            _ => arena.null(),
        })
    }
}

impl CustomOperator for Fractional {
    fn evaluate<'a>(
        &self,
        args: &[&'a DataValue<'a>],
        context: &mut EvalContext<'_, 'a>,
        arena: &'a Bump,
    ) -> Result<&'a DataValue<'a>> {
        Ok(fractional(args, context.root_input(), arena).unwrap_or(arena.null()))
    }
}

/// The variant that the bucketing value falls on; `None` for anything malformed, which gives the default variant.
fn fractional<'a>(
    args: &[&'a DataValue<'a>],
    root: &DataValue<'_>,
    arena: &'a Bump,
) -> Option<&'a DataValue<'a>> {
    let mut key = Vec::with_capacity_in(64, arena);
    let shares = match args.first()? {
        DataValue::Null => return None,
        DataValue::Array(_) => {
            let (flag, subject) = data::flag_and_subject(root)?;
            cbor::write_pair(&mut key, flag, subject);
            args
        }
        named => {
            cbor::write(&mut key, named, arena);
            &args[1..]
        }
    };
    let mut sum = 0;
    for share in shares {
        sum += weight(share)?;
        if sum > WEIGHTS_MAX {
            return None;
        }
    }
    let bucket = (u64::from(murmur3(&key)) * u64::try_from(sum).ok()?) >> 32;
    let mut end = 0;
    for share in shares {
        end += u64::try_from(weight(share)?).ok()?;
        if bucket < end {
            return share.as_array()?.first();
        }
    }
    None
}

/// Weight of one `[variant, weight]`; 1 where it is left out, never below 0.
fn weight(share: &DataValue<'_>) -> Option<i64> {
    match share.as_array()? {
        [_] => Some(1),
        [_, DataValue::Number(NumberValue::Integer(weight))] => Some((*weight).clamp(0, WEIGHTS_MAX + 1)),
        [_, DataValue::Number(NumberValue::Float(weight))] if weight.trunc() == *weight => {
            Some((*weight as i64).clamp(0, WEIGHTS_MAX + 1))
        }
        _ => None,
    }
}

/// MurmurHash3, x86, 32 bits, with the seed 0 (Austin Appleby's reference `MurmurHash3_x86_32`).
fn murmur3(bytes: &[u8]) -> u32 {
    let mix = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = 0u32;
    for block in blocks {
        hash = (hash ^ mix(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let tail = tail.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
    hash ^= mix(tail);
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation.
    #[test]
    fn the_hash_is_murmur_3() {
        let table: [(&[u8], u32); 4] = [
            (b"", 0),
            (b"hello", 0x248b_fa47),
            (b"hello, world", 0x149b_bb7f),
            (b"The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
        ];
        for (bytes, hash) in table {
            assert_eq!(murmur3(bytes), hash, "{bytes:?}");
        }
    }
}
