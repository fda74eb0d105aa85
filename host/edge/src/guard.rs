//! Watches the bytes of an HTTP/1 connection for framing that two parsers could read differently (request smuggling).
//!
//! hyper refuses most of it by itself (two different lengths, `Transfer-Encoding` without a final `chunked`, folded lines,
//! a space before the colon, broken chunk sizes), but it repairs some shapes before anyone can see them: it drops
//! `Content-Length` beside `Transfer-Encoding`, and it takes bare LF for CRLF and `chunked, chunked` for `chunked`. RFC 9112
//! allows that; this host does not want to be the lenient half of a pair. So the guard reads along, one `memchr` per
//! line, and only accuses: the exchange refuses what was accused.
//!
//! Invariant: the guard agrees with hyper on where each request begins, or it has accused the request before. It is stricter
//! wherever the two could differ, and after an accusation it stops, since the connection closes with that reply.

use std::sync::Arc;

use memchr::memchr;

use crate::pulse::Pulse;

/// A shape of framing that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Offence {
    BothLengths = 1,
    TransferEncoding,
    BareLineFeed,
    Chunk,
    LongLine,
}

impl Offence {
    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            1 => Offence::BothLengths,
            2 => Offence::TransferEncoding,
            3 => Offence::BareLineFeed,
            4 => Offence::Chunk,
            _ => Offence::LongLine,
        }
    }

    /// What the client is told.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Offence::BothLengths => "a request has either Content-Length or Transfer-Encoding, not both",
            Offence::TransferEncoding => "the only Transfer-Encoding taken here is a single \"chunked\"",
            Offence::BareLineFeed => "lines end with CR LF, not with LF alone",
            Offence::Chunk => "the chunked body is malformed",
            Offence::LongLine => "a line of the request is too long",
        }
    }
}

/// Reads along with the requests of one HTTP/1 connection.
pub(crate) struct Guard {
    pulse: Arc<Pulse>,
    state: State,
    /// Number of the request the next byte belongs to, from 0.
    index: u64,
    /// Start of a line whose end has not come yet.
    carry: Vec<u8>,
    longest: usize,
    length: Option<u64>,
    encodings: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the request line.
    Start,
    Fields,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Accused, or certain to be refused by hyper.
    Done,
}

impl Guard {
    /// Reports to `pulse`; no line may be longer than `longest` bytes.
    pub(crate) fn new(pulse: Arc<Pulse>, longest: usize) -> Self {
        let longest = longest.max(16 << 10);
        Guard { pulse, state: State::Start, index: 0, carry: Vec::new(), longest, length: None, encodings: 0 }
    }

    /// Takes the next bytes of the connection.
    pub(crate) fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.state {
                State::Done => break,
                State::Body(left) => self.skip(left, bytes.len(), State::Body, None),
                State::Chunk(left) => self.skip(left, bytes.len(), State::Chunk, Some(State::ChunkEnd)),
                _ => self.line(bytes),
            };
            bytes = &bytes[taken..];
        }
        if self.mid_head() {
            self.pulse.head_begins();
        }
    }

    /// Whether a request head has begun and not ended.
    pub(crate) fn mid_head(&self) -> bool {
        self.state == State::Fields || (self.state == State::Start && !self.carry.is_empty())
    }

    /// Skips up to `left` of `available` bytes; `then` follows the last of them, or the next request.
    fn skip(&mut self, left: u64, available: usize, during: fn(u64) -> State, then: Option<State>) -> usize {
        let taken = left.min(available as u64);
        match (left - taken, then) {
            (0, Some(state)) => self.state = state,
            (0, None) => self.next_request(),
            (left, _) => self.state = during(left),
        }
        taken as usize
    }

    /// Whether every byte so far belonged to a request that was begun: nothing is known to be left unread.
    pub(crate) fn quiet(&self) -> bool {
        self.state == State::Start && self.carry.is_empty() && self.index == self.pulse.begun()
    }

    /// Handles one line, or keeps its beginning for later.
    fn line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr(b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        if self.carry.len() + part.len() > self.longest {
            self.accuse(Offence::LongLine);
            return bytes.len();
        }
        let Some(end) = end else {
            self.carry.extend_from_slice(part);
            return bytes.len();
        };
        if self.carry.is_empty() {
            self.whole_line(part);
        } else {
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(part);
            self.whole_line(&line);
        }
        end + 1
    }

    fn whole_line(&mut self, line: &[u8]) {
        let Some(line) = line.strip_suffix(b"\r") else {
            return self.accuse(Offence::BareLineFeed);
        };
        match self.state {
            // Empty lines before a request line are ignored (RFC 9112 section 2.2), by hyper too.
            State::Start if line.is_empty() => {}
            State::Start => self.state = State::Fields,
            State::Fields if line.is_empty() => self.end_of_head(),
            State::Fields => self.field(line),
            State::ChunkSize => self.chunk_size(line),
            State::ChunkEnd if line.is_empty() => self.state = State::ChunkSize,
            State::ChunkEnd => self.accuse(Offence::Chunk),
            State::Trailers if line.is_empty() => self.next_request(),
            State::Trailers | State::Body(_) | State::Chunk(_) | State::Done => {}
        }
    }

    fn field(&mut self, line: &[u8]) {
        match line[0] | 0x20 {
            b'c' => {
                if let Some(value) = value_of(line, b"content-length") {
                    match decimal(value) {
                        Some(length) if self.length.is_none_or(|other| other == length) => {
                            self.length = Some(length)
                        }
                        // hyper answers these with 400 itself.
                        _ => self.state = State::Done,
                    }
                }
            }
            b't' => {
                if let Some(value) = value_of(line, b"transfer-encoding") {
                    self.encodings += 1;
                    if self.encodings > 1 || !value.eq_ignore_ascii_case(b"chunked") {
                        self.accuse(Offence::TransferEncoding);
                    }
                }
            }
            _ => {}
        }
    }

    fn end_of_head(&mut self) {
        self.pulse.head_ends();
        match (self.length, self.encodings) {
            (Some(_), 1..) => self.accuse(Offence::BothLengths),
            (None, 1..) => self.state = State::ChunkSize,
            (None | Some(0), 0) => self.next_request(),
            (Some(length), 0) => self.state = State::Body(length),
        }
    }

    fn chunk_size(&mut self, line: &[u8]) {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let rest = line[digits..].trim_ascii_start();
        let size =
            std::str::from_utf8(&line[..digits]).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
        match size {
            Some(size) if rest.is_empty() || rest[0] == b';' => {
                self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
            }
            _ => self.accuse(Offence::Chunk),
        }
    }

    fn next_request(&mut self) {
        self.index += 1;
        self.length = None;
        self.encodings = 0;
        self.state = State::Start;
    }

    fn accuse(&mut self, offence: Offence) {
        self.pulse.accuse(self.index, offence);
        self.state = State::Done;
        self.carry = Vec::new();
    }
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    head.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Who is accused of what, with the bytes coming in pieces of `step`.
    fn watch(bytes: &[u8], step: usize) -> Option<(u64, Offence)> {
        let pulse = Arc::new(Pulse::new(Instant::now(), true));
        let mut guard = Guard::new(Arc::clone(&pulse), 1024);
        bytes.chunks(step).for_each(|piece| guard.see(piece));
        (0..10).find_map(|index| pulse.offence(index).map(|offence| (index, offence)))
    }

    #[test]
    fn the_accused_request_is_named_however_the_bytes_are_cut() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post =
            "POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 32\r\n\r\nTransfer-Encoding: a\nGET /\r\n\r\n\r\n";
        let chunked =
            "POST / HTTP/1.1\r\nTransfer-Encoding:chunked \r\n\r\n5;a=b\r\nab\ncd\r\n0\r\nx: y\r\n\r\n";
        let before = format!("\r\n{get}{post}{chunked}");
        for (request, offence) in [
            (get, None),
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", None),
            (
                "POST / HTTP/1.1\r\ncontent-LENGTH: 4\r\ntransfer-encoding: chunked\r\n\r\n",
                Some(Offence::BothLengths),
            ),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nContent-Length:0\r\n\r\n",
                Some(Offence::BothLengths),
            ),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked, chunked\r\n\r\n",
                Some(Offence::TransferEncoding),
            ),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Some(Offence::TransferEncoding)),
            (
                "P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                Some(Offence::TransferEncoding),
            ),
            ("GET / HTTP/1.1\nhost: a\n\n", Some(Offence::BareLineFeed)),
            ("GET / HTTP/1.1\r\nhost: a\n\r\n", Some(Offence::BareLineFeed)),
            (
                "P / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\nc: d\r\n\r\n",
                Some(Offence::BareLineFeed),
            ),
            ("P / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", Some(Offence::Chunk)),
            ("P / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", Some(Offence::Chunk)),
            ("P / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n11111111111111111\r\n", Some(Offence::Chunk)),
            ("P / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n", Some(Offence::Chunk)),
        ] {
            let bytes = format!("{before}{request}");
            for step in 1..=bytes.len() {
                let found = watch(bytes.as_bytes(), step);
                assert_eq!(found, offence.map(|offence| (3, offence)), "{request:?} in pieces of {step}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept_without_end() {
        let endless = vec![b'a'; 1 << 20];
        assert_eq!(watch(&endless, 1000), Some((0, Offence::LongLine)));
    }

    #[test]
    fn an_unfinished_head_starts_the_header_deadline() {
        let pulse = Arc::new(Pulse::new(Instant::now(), false));
        let mut guard = Guard::new(Arc::clone(&pulse), 1024);
        let waits_for_head =
            || pulse.due(&crate::Limits::default()).map(|due| due.0) == Some(crate::pulse::Wait::Head);
        guard.see(b"G");
        assert!(waits_for_head());
        guard.see(b"ET / HTTP/1.1\r\n\r\n");
        assert!(!waits_for_head());
    }
}
