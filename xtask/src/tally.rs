//! Counts tests from the summaries that `cargo test` prints.

use std::io::{BufRead, BufReader, Read};

/// Tests counted so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that failed.
    pub(crate) failed: u64,
    /// Those marked to be skipped.
    pub(crate) ignored: u64,
}

impl Tally {
    /// Passes the output of one run through to `show`, line by line, and counts what it says.
    pub(crate) fn read(&mut self, output: impl Read, mut show: impl FnMut(&str)) -> std::io::Result<()> {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        // A test may print bytes that are no UTF-8.
        while output.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            show(&text);
            self.count(&text);
            line.clear();
        }
        Ok(())
    }

    /// Adds another run.
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn count(&mut self, line: &str) {
        let Some(summary) = line.trim_start().strip_prefix("test result: ") else { return };
        let Some((_, counts)) = summary.split_once(". ") else { return };
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_add_up_and_all_else_passes_through() {
        let output = b"running 2 tests\ntest a ... ok\n\xff\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
            test result: FAILED. 40 passed; 3 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s\n\
            test result: who knows";
        let (mut tally, mut lines) = (Tally::default(), 0);
        tally.read(&output[..], |_| lines += 1).unwrap();
        assert_eq!(tally, Tally { passed: 42, failed: 3, ignored: 1 });
        assert_eq!(lines, 7);
        tally.add(tally);
        assert_eq!(tally, Tally { passed: 84, failed: 6, ignored: 2 });
    }
}
