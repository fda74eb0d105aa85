//! The bytes that `fractional` hashes: the bucketing value in CBOR's deterministic encoding (RFC 8949, section 4.2.1), as flagd
//! and its providers do since their high-precision bucketing.

use datalogic_rs::DataValue;
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::bumpalo::collections::Vec;
use datalogic_rs::datavalue::NumberValue;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;

/// Appends `value`.
pub(super) fn write<'a>(out: &mut Vec<'a, u8>, value: &DataValue<'_>, arena: &'a Bump) {
    match value {
        DataValue::Null => out.push(0xf6),
        DataValue::Bool(false) => out.push(0xf4),
        DataValue::Bool(true) => out.push(0xf5),
        DataValue::Number(NumberValue::Integer(whole)) => write_integer(out, i128::from(*whole)),
        DataValue::Number(NumberValue::Float(number)) => write_float(out, *number),
        DataValue::String(text) => write_text(out, text),
        DataValue::Array(items) => {
            head(out, LIST, items.len() as u64);
            items.iter().for_each(|item| write(out, item, arena));
        }
        DataValue::Object(entries) => write_map(out, entries, arena),
    }
}

/// A list of two texts, which is what shares fall on where a rule names nothing.
pub(super) fn write_pair(out: &mut Vec<'_, u8>, first: &str, second: &str) {
    head(out, LIST, 2);
    write_text(out, first);
    write_text(out, second);
}

fn write_text(out: &mut Vec<'_, u8>, text: &str) {
    head(out, TEXT, text.len() as u64);
    out.extend_from_slice_copy(text.as_bytes());
}

/// Keys in the order of their encodings: shorter ones first, then by their bytes.
fn write_map<'a>(out: &mut Vec<'a, u8>, entries: &[(&str, DataValue<'_>)], arena: &'a Bump) {
    let mut sorted = Vec::with_capacity_in(entries.len(), arena);
    sorted.extend_from_slice_copy(entries);
    sorted.sort_by_key(|(key, _)| (key.len(), *key));
    head(out, MAP, entries.len() as u64);
    for (key, value) in sorted {
        write_text(out, key);
        write(out, &value, arena);
    }
}

fn write_integer(out: &mut Vec<'_, u8>, whole: i128) {
    match u64::try_from(whole) {
        Ok(positive) => head(out, UNSIGNED, positive),
        Err(_) => head(out, NEGATIVE, u64::try_from(-1 - whole).unwrap_or(u64::MAX)),
    }
}

/// A whole number is written as one wherever 64 bits hold it; any other in the shortest form that keeps it.
fn write_float(out: &mut Vec<'_, u8>, number: f64) {
    const LOW: f64 = -9_223_372_036_854_775_808.0;
    const HIGH: f64 = 18_446_744_073_709_551_616.0;
    if number.trunc() == number && (LOW..HIGH).contains(&number) {
        return write_integer(out, number as i128);
    }
    if number.is_nan() {
        return out.extend_from_slice_copy(&[0xf9, 0x7e, 0x00]);
    }
    let single = number as f32;
    if f64::from(single) != number {
        out.push(0xfb);
        return out.extend_from_slice_copy(&number.to_be_bytes());
    }
    match half(single) {
        Some(bits) => {
            out.push(0xf9);
            out.extend_from_slice_copy(&bits.to_be_bytes());
        }
        None => {
            out.push(0xfa);
            out.extend_from_slice_copy(&single.to_be_bytes());
        }
    }
}

/// The half-precision float (IEEE 754 binary16) that is exactly `single`.
fn half(single: f32) -> Option<u16> {
    let bits = single.to_bits();
    let (sign, exponent, fraction) = ((bits >> 16) as u16 & 0x8000, (bits >> 23) & 0xff, bits & 0x7f_ffff);
    match exponent {
        0 => (fraction == 0).then_some(sign),
        0xff => (fraction == 0).then_some(sign | 0x7c00),
        113..=142 => (fraction & 0x1fff == 0)
            .then_some(sign | ((exponent - 112) as u16) << 10 | (fraction >> 13) as u16),
        // Too small for a normal one: the leading one moves into the fraction.
        103..=112 => {
            let (shift, full) = (126 - exponent, fraction | 0x80_0000);
            (full & ((1 << shift) - 1) == 0).then_some(sign | (full >> shift) as u16)
        }
        _ => None,
    }
}

fn head(out: &mut Vec<'_, u8>, kind: u8, count: u64) {
    let kind = kind << 5;
    match count {
        0..=23 => out.push(kind | count as u8),
        24..=0xff => out.extend_from_slice_copy(&[kind | 24, count as u8]),
        0x100..=0xffff => {
            out.push(kind | 25);
            out.extend_from_slice_copy(&(count as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(kind | 26);
            out.extend_from_slice_copy(&(count as u32).to_be_bytes());
        }
        _ => {
            out.push(kind | 27);
            out.extend_from_slice_copy(&count.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 8949, appendix A, that JSON can say; whole floats are integers here.
    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        let table = [
            ("0", "00"),
            ("23", "17"),
            ("24", "1818"),
            ("100", "1864"),
            ("1000", "1903e8"),
            ("1000000", "1a000f4240"),
            ("1000000000000", "1b000000e8d4a51000"),
            ("-1", "20"),
            ("-10", "29"),
            ("-100", "3863"),
            ("-1000", "3903e7"),
            ("1.0", "01"),
            ("1.1", "fb3ff199999999999a"),
            ("1.5", "f93e00"),
            ("1e300", "fb7e37e43c8800759c"),
            ("5.960464477539063e-8", "f90001"),
            ("0.00006103515625", "f90400"),
            ("-4.1", "fbc010666666666666"),
            ("0.333251953125", "f93555"),
            ("3.4028234663852886e38", "fa7f7fffff"),
            ("false", "f4"),
            ("true", "f5"),
            ("null", "f6"),
            ("\"\"", "60"),
            ("\"IETF\"", "6449455446"),
            ("\"\\u00fc\"", "62c3bc"),
            ("[]", "80"),
            ("[1,[2,3],[4,5]]", "8301820203820405"),
            ("{}", "a0"),
            ("{\"bb\":1,\"a\":[2,3]}", "a2616182020362626201"),
        ];
        for (json, hex) in table {
            let arena = Bump::new();
            let mut out = Vec::new_in(&arena);
            write(&mut out, &DataValue::from_str(json, &arena).unwrap(), &arena);
            let written: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, hex, "{json}");
        }
    }
}
