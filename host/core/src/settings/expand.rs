//! `${NAME}` in the texts of a settings file, and the refusal of what is nested too deeply.
//!
//! Nothing here reads the environment: the caller says what a name stands for.

use super::{DEPTH_MAX, Node, Problems, Severity, TOO_DEEP, Value};

impl Node {
    /// Replaces `${NAME}` in every text by what `lookup` says; `$${` stands for a plain `${`.
    ///
    /// A name that stands for nothing is a problem at its line, and the text stays as it was.
    pub fn expand(&mut self, lookup: &dyn Fn(&str) -> Option<String>, problems: &Problems) {
        self.visit("", &mut |node, path| {
            let Value::String(text) = &mut node.value else { return };
            match expanded(text, lookup) {
                Ok(new) => *text = new,
                Err(Fault { found, allowed, repair }) => {
                    problems.add(Severity::Error, node.line, path, found, allowed, repair);
                }
            }
        });
    }

    pub(super) fn refuse_depth(&mut self, path: &str, problems: &Problems) {
        self.visit(path, &mut |node, path| {
            if matches!(&node.value, Value::Other(text) if text == TOO_DEEP) {
                let allowed = format!("at most {DEPTH_MAX} tables and lists inside each other");
                problems.add(Severity::Error, node.line, path, TOO_DEEP, allowed, "");
            }
        });
    }

    /// Shows every node with its dotted path; at most `DEPTH_MAX` levels, so recursion is safe.
    fn visit(&mut self, path: &str, see: &mut dyn FnMut(&mut Node, &str)) {
        see(self, path);
        match &mut self.value {
            Value::Table(entries) => {
                for (key, node) in entries {
                    let dot = if path.is_empty() { "" } else { "." };
                    node.visit(&format!("{path}{dot}{key}"), see);
                }
            }
            Value::Array(items) => {
                for (index, node) in items.iter_mut().enumerate() {
                    node.visit(&format!("{path}[{index}]"), see);
                }
            }
            _ => {}
        }
    }
}

struct Fault {
    found: String,
    allowed: &'static str,
    repair: String,
}

fn expanded(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        out.push_str(before);
        let (name, after) = from[2..].split_once('}').ok_or_else(unclosed)?;
        out.push_str(&value(name, lookup)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(name: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.len() > 255 || !name.bytes().all(sane) {
        return Err(Fault {
            found: "\"${\" without the name of a variable".into(),
            allowed: "${NAME} with a name of A-Z, a-z, 0-9 and _",
            repair: "write $${ where you mean the characters themselves".into(),
        });
    }
    lookup(name).ok_or_else(|| Fault {
        found: format!("${{{name}}}, and no variable of this name (in UTF-8) is set"),
        allowed: "variables of the host's environment",
        repair: format!("set {name}, or write $${{ where you mean the characters themselves"),
    })
}

fn unclosed() -> Fault {
    Fault {
        found: "\"${\" without \"}\"".into(),
        allowed: "${NAME}",
        repair: "close it, or write $${ where you mean the characters themselves".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(toml: &str) -> (Node, Vec<String>) {
        let problems = Problems::new("t");
        let mut node = Node::from_toml(toml, &problems);
        let lookup = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        node.expand(&lookup, &problems);
        (node, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    fn text(toml: &str) -> String {
        let (node, problems) = expand(&format!("a = '{toml}'"));
        assert_eq!(problems, Vec::<String>::new());
        let Value::Table(entries) = node.value else { panic!() };
        let Value::String(text) = &entries[0].1.value else { panic!() };
        text.clone()
    }

    #[test]
    fn variables_are_replaced_and_everything_else_is_kept() {
        assert_eq!(text("${HOME}/a and ${HOME}"), "/root/a and /root");
        assert_eq!(text("$HOME costs $5 {x} $$ $"), "$HOME costs $5 {x} $$ $");
        assert_eq!(text("$${HOME} is ${HOME}"), "${HOME} is /root");
    }

    #[test]
    fn an_unknown_variable_is_told_with_its_line_and_key() {
        let (_, problems) = expand("\n[a]\nb = [\n  'x',\n  '${NOPE}',\n]\nc = '${'\nd = '${a b}'");
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(
            problems[0].starts_with("t:5: error: a.b[1]: found ${NOPE}, and no variable"),
            "{}",
            problems[0]
        );
        assert!(problems[1].starts_with("t:7: error: a.c: found \"${\" without \"}\""), "{}", problems[1]);
        assert!(problems[2].starts_with("t:8: error: a.d: found \"${\" without the name"), "{}", problems[2]);
    }

    #[test]
    fn deep_nesting_is_a_problem_and_not_a_stack_overflow() {
        let deep = DEPTH_MAX + 10;
        for toml in [
            format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
            format!("{}b = 1", "a.".repeat(deep)),
            format!("[{}b]", "a.".repeat(deep)),
            format!("a = {}1{}", "{ a = ".repeat(deep), " }".repeat(deep)),
        ] {
            let (_, problems) = expand(&toml);
            assert_eq!(problems.len(), 1, "{problems:#?}");
            assert!(problems[0].contains("nested too deeply"), "{}", problems[0]);
        }
    }
}
