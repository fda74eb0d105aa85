//! How parameters are written: simple, label, matrix, form, spaceDelimited, pipeDelimited, deepObject (OpenAPI 3.1 section
//! 4.8.12.2, after RFC 6570).
//!
//! **Invariant:** a text is taken apart before it is percent-decoded, and decoded once. One exception: a list whose client
//! encoded its delimiters as well is taken apart at those, since many do.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::shape::{Form, Shape};

/// One of the styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    Space,
    Pipe,
    Deep,
}

/// Why a text is not what its schema says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) problem: &'static str,
    /// Which types it could be.
    pub(crate) allowed: Option<Value>,
}

/// A text, taken apart and not yet decoded.
#[derive(Debug, PartialEq)]
pub(crate) enum Pieces<'a> {
    One(&'a str),
    List(Vec<&'a str>),
    Pairs(Vec<(&'a str, &'a str)>),
}

/// What has to be undone to a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Nothing, as in headers.
    Plain,
    /// Percent-encoding.
    Percent,
    /// Percent-encoding, and `+` for a space, as in queries and forms.
    Plus,
}

impl Unreadable {
    pub(crate) const fn new(problem: &'static str) -> Self {
        Unreadable { problem, allowed: None }
    }

    fn shape(problem: &'static str, shape: &Shape) -> Self {
        Unreadable { problem, allowed: Some(shape.told()) }
    }
}

impl Coding {
    /// The text behind `raw`.
    pub(crate) fn decode(self, raw: &str) -> Result<Cow<'_, str>, Unreadable> {
        let bytes = raw.as_bytes();
        if self == Coding::Plain || memchr::memchr2(b'%', b'+', bytes).is_none() {
            return Ok(Cow::Borrowed(raw));
        }
        for at in memchr::memchr_iter(b'%', bytes) {
            let hex = bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            if !hex {
                return Err(Unreadable::new("its percent-encoding is broken"));
            }
        }
        let spaced = if self == Coding::Plus { Cow::Owned(raw.replace('+', " ")) } else { Cow::Borrowed(raw) };
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
        let decoded = decoded.map_err(|_| Unreadable::new("is not UTF-8 once it is percent-decoded"))?;
        Ok(Cow::Owned(decoded.into_owned()))
    }
}

/// Takes apart what stands in one place: in a path, a header, a cookie, or a query field that is not exploded.
pub(crate) fn split<'a>(
    style: Style,
    explode: bool,
    form: Form,
    name: &str,
    raw: &'a str,
) -> Result<Pieces<'a>, Unreadable> {
    match style {
        Style::Label => {
            let raw = raw.strip_prefix('.').ok_or(Unreadable::new("does not begin with a dot (style label)"))?;
            let dots = explode || !raw.contains(',');
            pieces(form, explode, raw, &[if dots { "." } else { "," }])
        }
        Style::Matrix => matrix(explode, form, name, raw),
        Style::Space => pieces(form, false, raw, &["%20", "+", " "]),
        Style::Pipe => pieces(form, false, raw, &["|", "%7C", "%7c"]),
        Style::Simple => pieces(form, explode, raw, &[","]),
        Style::Form | Style::Deep => pieces(form, explode, raw, &[",", "%2C", "%2c"]),
    }
}

/// Takes `raw` apart at the first of `delimiters` that it holds.
fn pieces<'a>(form: Form, explode: bool, raw: &'a str, delimiters: &[&str]) -> Result<Pieces<'a>, Unreadable> {
    let delimiter = delimiters.iter().find(|delimiter| raw.contains(*delimiter)).unwrap_or(&delimiters[0]);
    let list = || if raw.is_empty() { Vec::new() } else { raw.split(delimiter).collect::<Vec<_>>() };
    match form {
        Form::Scalar => Ok(Pieces::One(raw)),
        Form::List => Ok(Pieces::List(list())),
        Form::Object if explode => {
            let pairs = list().into_iter().map(|pair| pair.split_once('=')).collect::<Option<_>>();
            pairs.map(Pieces::Pairs).ok_or(Unreadable::new("is not a list of name=value"))
        }
        Form::Object => {
            let list = list();
            let pairs = list.chunks(2).map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect::<Option<_>>();
            pairs.map(Pieces::Pairs).ok_or(Unreadable::new("is not a list of names, each with its value"))
        }
    }
}

/// `;name=value`, `;name=a,b`, `;name=a;name=b`, `;name=R,100`, `;R=100;G=200`.
fn matrix<'a>(explode: bool, form: Form, name: &str, raw: &'a str) -> Result<Pieces<'a>, Unreadable> {
    let broken = Unreadable::new("is not written as ;name=value (style matrix)");
    let raw = raw.strip_prefix(';').ok_or(broken.clone())?;
    let own = |part: &'a str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key == name).then_some(value).ok_or(broken.clone())
    };
    match (form, explode) {
        (Form::List, true) => raw.split(';').map(own).collect::<Result<_, _>>().map(Pieces::List),
        (Form::Object, true) => pieces(form, true, raw, &[";"]),
        _ => pieces(form, false, own(raw)?, &[","]),
    }
}

/// The value that `pieces` stand for.
pub(crate) fn build(shape: &Shape, pieces: Pieces<'_>, coding: Coding) -> Result<Value, Unreadable> {
    let fitting = |text: &str, shape: &Shape| {
        shape.scalar(text).ok_or_else(|| Unreadable::shape("cannot be read as the type asked for", shape))
    };
    match pieces {
        Pieces::One(raw) => fitting(&coding.decode(raw)?, shape),
        Pieces::List(list) => {
            // A schema that allows a single value or a list of them: one piece is a single value if it can be.
            if let ([raw], true) = (list.as_slice(), shape.takes_scalars())
                && let Some(value) = shape.scalar(&coding.decode(raw)?)
            {
                return Ok(value);
            }
            let any = Shape::any();
            let item = shape.item().unwrap_or(&any);
            list.into_iter().map(|raw| fitting(&coding.decode(raw)?, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        Pieces::Pairs(pairs) => object(shape, pairs, coding),
    }
}

fn object(shape: &Shape, pairs: Vec<(&str, &str)>, coding: Coding) -> Result<Value, Unreadable> {
    let any = Shape::any();
    let mut object = Map::new();
    for (name, raw) in pairs {
        let (name, text) = (coding.decode(name)?, coding.decode(raw)?);
        let property = shape.property(&name).unwrap_or(&any);
        if property.form() == Form::List {
            let item = property.item().unwrap_or(&any);
            let value = item.scalar(&text).ok_or_else(|| Unreadable::shape("an item is of another type", item))?;
            match object.entry(name.into_owned()).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(list) => list.push(value),
                _ => return Err(Unreadable::new("a property is given twice")),
            }
            continue;
        }
        let value = property.scalar(&text);
        let value = value.ok_or_else(|| Unreadable::shape("a property is of another type", property))?;
        if object.insert(name.into_owned(), value).is_some() {
            return Err(Unreadable::new("a property is given twice"));
        }
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(style: Style, explode: bool, schema: &Value, raw: &str) -> Option<Value> {
        let shape = Shape::of(&json!({}), schema);
        let pieces = split(style, explode, shape.form(), "c", raw).ok()?;
        build(&shape, pieces, if style == Style::Simple { Coding::Plain } else { Coding::Percent }).ok()
    }

    /// The table of OpenAPI 3.1 section 4.8.12.4, and what is not in it.
    #[test]
    fn every_style_is_read_as_its_table_says() {
        use Style::{Form, Label, Matrix, Pipe, Simple, Space};
        let text = json!({"type": "string"});
        let list = json!({"type": "array", "items": {"type": "string"}});
        let numbers = json!({"type": "array", "items": {"type": "integer"}});
        let rgb = json!({"type": "object", "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}}});
        let (colours, object) = (json!(["blue", "black"]), json!({"R": 100, "G": 200}));
        let rows = [
            (Matrix, false, &text, ";c=blue", Some(json!("blue"))),
            (Matrix, false, &text, ";c", Some(json!(""))),
            (Matrix, false, &text, ";d=blue", None),
            (Matrix, false, &text, "blue", None),
            (Matrix, false, &list, ";c=blue,black", Some(colours.clone())),
            (Matrix, true, &list, ";c=blue;c=black", Some(colours.clone())),
            (Matrix, true, &list, ";c=blue;d=black", None),
            (Matrix, false, &rgb, ";c=R,100,G,200", Some(object.clone())),
            (Matrix, true, &rgb, ";R=100;G=200", Some(object.clone())),
            (Label, false, &text, ".blue", Some(json!("blue"))),
            (Label, false, &text, "blue", None),
            (Label, false, &list, ".blue,black", Some(colours.clone())),
            (Label, false, &list, ".blue.black", Some(colours.clone())),
            (Label, true, &list, ".blue.black", Some(colours.clone())),
            (Label, false, &rgb, ".R,100,G,200", Some(object.clone())),
            (Label, true, &rgb, ".R=100.G=200", Some(object.clone())),
            (Simple, false, &list, "blue,black", Some(colours.clone())),
            (Simple, false, &numbers, "1,2", Some(json!([1, 2]))),
            (Simple, false, &numbers, "1,x", None),
            (Simple, false, &numbers, "1,,2", None),
            (Simple, false, &numbers, "", Some(json!([]))),
            (Simple, false, &rgb, "R,100,G,200", Some(object.clone())),
            (Simple, true, &rgb, "R=100,G=200", Some(object.clone())),
            (Simple, true, &rgb, "R=100,G", None),
            (Simple, false, &rgb, "R,100,G", None),
            (Simple, false, &rgb, "R,x", None),
            (Simple, false, &rgb, "R,1,R,2", None),
            (Form, false, &list, "blue,black", Some(colours.clone())),
            (Form, false, &list, "blue%2Cblack", Some(colours.clone())),
            (Form, false, &list, "a%2Cb,c", Some(json!(["a,b", "c"]))),
            (Form, false, &list, "%zz", None),
            (Form, false, &list, "%ff", None),
            (Form, false, &text, "a%2525b", Some(json!("a%25b"))),
            (Form, false, &rgb, "R,100,G,200", Some(object.clone())),
            (Space, false, &list, "blue%20black", Some(colours.clone())),
            (Pipe, false, &list, "blue|black", Some(colours.clone())),
            (Pipe, false, &list, "blue%7Cblack", Some(colours)),
            (Pipe, false, &rgb, "R|100|G|200", Some(object)),
        ];
        for (style, explode, schema, raw, expected) in rows {
            assert_eq!(value(style, explode, schema, raw), expected, "{style:?} {explode} {raw}");
        }
    }

    #[test]
    fn one_or_many_is_one_where_it_can_be() {
        let schema = json!({"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]});
        assert_eq!(value(Style::Form, false, &schema, "1"), Some(json!(1)));
        assert_eq!(value(Style::Form, false, &schema, "1,2"), Some(json!([1, 2])));
    }
}
