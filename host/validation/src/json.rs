//! Reads JSON of strangers: what two parsers could understand differently is refused before any schema sees it.
//!
//! One pass by serde_json, which refuses broken UTF-8, lone surrogates, trailing bytes and numbers that would be infinite
//! (RFC 8259); on top of it depth, number of values, duplicate keys and integers that 64 bits do not hold (RFC 7493).
//!
//! **Invariant:** what was read is bounded in depth and size, and every parser reads the same from it.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Arrays and objects inside each other.
pub(crate) const DEPTH_MAX: usize = 64;
/// Values in one text, since `[0,0,...]` takes thirty times its length in memory.
pub(crate) const VALUES_MAX: usize = 500_000;
/// Where an integer may no longer fit 64 bits.
const WIDE: f64 = 9_223_372_036_854_775_808.0;

/// The value that `bytes` are.
///
/// # Errors
/// What is wrong, and in which line and column; never a piece of the text.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let state = State { values: Cell::new(VALUES_MAX), wide: Cell::new(false) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { state: &state, depth: DEPTH_MAX };
    let value = seed.deserialize(&mut deserializer).map_err(|error| explain(&error))?;
    deserializer.end().map_err(|error| explain(&error))?;
    if state.wide.get() && has_wide_integer(bytes) {
        return Err("an integer does not fit into 64 bits".to_owned());
    }
    Ok(value)
}

struct State {
    /// How many more values there may be.
    values: Cell<usize>,
    /// Whether some number was read as a float so large that its text may have been an integer.
    wide: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    state: &'a State,
    /// How many more levels there may be.
    depth: usize,
}

impl<'a> Seed<'a> {
    fn deeper<E: serde::de::Error>(self) -> Result<Seed<'a>, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth
            .ok_or_else(|| E::custom(format_args!("more than {DEPTH_MAX} levels of arrays and objects")))?;
        Ok(Seed { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let values = self.state.values.get().checked_sub(1);
        let values =
            values.ok_or_else(|| D::Error::custom(format_args!("more than {VALUES_MAX} values")))?;
        self.state.values.set(values);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() >= WIDE {
            self.state.wide.set(true);
        }
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            match object.entry(key) {
                Entry::Vacant(place) => place.insert(members.next_value_seed(seed)?),
                Entry::Occupied(_) => return Err(A::Error::custom("a key stands twice in one object")),
            };
        }
        Ok(Value::Object(object))
    }
}

/// The parser's words with the place; they name what it expected, never what it found.
fn explain(error: &serde_json::Error) -> String {
    error.to_string()
}

/// Whether valid JSON holds an integer (no fraction, no exponent) beyond 64 bits.
fn has_wide_integer(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => past_string(after),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !b"+-.eE0123456789".contains(byte));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                if is_wide_integer(number) {
                    return true;
                }
                after
            }
            _ => after,
        };
    }
    false
}

fn past_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

fn is_wide_integer(number: &[u8]) -> bool {
    let text = std::str::from_utf8(number).unwrap_or_default();
    !number.iter().any(|byte| b".eE".contains(byte)) && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_is_written() {
        let text = r#"{"a":[1,-2,0.5,1e300,true,false,null,"x\u00e9\ud83d\ude00"],"b":{}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(read(b" 18446744073709551615 ").unwrap(), json!(u64::MAX));
        assert_eq!(read(b"-9223372036854775808").unwrap(), json!(i64::MIN));
    }

    #[test]
    fn what_could_be_understood_in_two_ways_is_refused() {
        let refused: [&[u8]; 20] = [
            b"", b" ", b"{", b"[1,]", b"{\"a\":1,}", b"{'a':1}", b"{\"a\":1}x", b"1 2", b"NaN", b"Infinity", b"01",
            b"+1", b"\"\xff\"", b"\"\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\x01\"", b"\xef\xbb\xbf{}",
            b"{\"a\":1,\"a\":2}", b"{\"x\":{\"a\":1,\"\\u0061\":2}}", b"1e999",
        ];
        for text in refused {
            assert!(read(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        let duplicate = read(b"{\"a\":1,\n\"a\":2}").unwrap_err();
        assert_eq!(duplicate, "a key stands twice in one object at line 2 column 3");
    }

    #[test]
    fn integers_beyond_64_bits_are_refused_and_floats_that_large_are_not() {
        for text in ["18446744073709551616", "-9223372036854775809", "[1e30,\"\\\"\",99999999999999999999]"] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), "an integer does not fit into 64 bits", "{text}");
        }
        for text in ["1e30", "18446744073709551616.0", "[1e19,\"99999999999999999999\",\"a\\\"99999999999999999999\"]"] {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(read(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(read(nested(100_000).as_bytes()).is_err());
        assert!(read("{\"a\":".repeat(100_000).as_bytes()).is_err());
        let many = format!("[{}0]", "0,".repeat(VALUES_MAX));
        assert!(read(many.as_bytes()).unwrap_err().starts_with("more than 500000 values"));
    }

    #[test]
    fn a_string_of_ten_megabytes_is_a_string() {
        let text = format!("\"{}\"", "x".repeat(10 << 20));
        assert_eq!(read(text.as_bytes()).unwrap().as_str().unwrap().len(), 10 << 20);
    }

    #[test]
    fn errors_never_hold_a_piece_of_the_text() {
        for text in ["{\"password\": hunter2}", "{hunter2:1}", "\"hunter2", "[\"hunter2\" \"hunter2\"]", "hunter2"] {
            assert!(!read(text.as_bytes()).unwrap_err().contains("hunter"), "{text}");
        }
    }

    #[test]
    fn mutated_json_is_read_or_refused_as_serde_json_would() {
        let seed = br#"{"items":[{"sku":"A-1","n":3,"p":1.25e2},{"sku":"\u00e9","n":-9}],"ok":true,"no":null}"#;
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..50_000 {
            let mut text = seed.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..text.len());
                match random.u8(..3) {
                    0 => text[at] = random.u8(..),
                    1 => drop(text.remove(at)),
                    _ => text.insert(at, b"{}[]\",:0e-.\\u"[random.usize(..13)]),
                }
            }
            // Stricter than serde_json, never laxer, and the same where it agrees.
            if let Ok(value) = read(&text) {
                assert_eq!(value, serde_json::from_slice::<Value>(&text).unwrap());
            }
        }
    }
}
