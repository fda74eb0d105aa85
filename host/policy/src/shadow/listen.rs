//! What is heard of a body on its way to its client.
//!
//! **Invariant:** what is kept of its frames is bounded and shares their bytes.

use std::task::Poll;

use bytes::Bytes;
use http_body::Frame;
use ostler_core::BodyError;
use tokio::sync::oneshot;

use super::ANSWER_BYTES;
use crate::overheard::{Ear, Polled};

/// What was heard of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// All of it.
    Whole(Vec<Bytes>),
    /// More than is compared.
    Long,
    /// It did not come to its end.
    Broken,
}

/// Keeps what it hears of a body, for who wants to know it.
pub(super) struct Listener {
    heard: Vec<Bytes>,
    bytes: usize,
    /// Bytes that are kept.
    most: usize,
    /// None once it has been told.
    teller: Option<oneshot::Sender<Heard>>,
}

impl Heard {
    /// A body that is at hand.
    pub(super) fn of(bytes: Bytes) -> Self {
        if bytes.len() > ANSWER_BYTES { Heard::Long } else { Heard::Whole(vec![bytes]) }
    }
}

impl Listener {
    pub(super) fn new(teller: oneshot::Sender<Heard>, most: usize) -> Self {
        Listener { heard: Vec::new(), bytes: 0, most, teller: Some(teller) }
    }

    fn tell(&mut self, heard: Heard) {
        if let Some(teller) = self.teller.take() {
            let _ = teller.send(heard);
        }
    }

    fn listen(&mut self, frame: Option<&Result<Frame<Bytes>, BodyError>>) {
        match frame {
            None => {
                let heard = std::mem::take(&mut self.heard);
                self.tell(Heard::Whole(heard));
            }
            Some(Ok(frame)) => {
                let Some(data) = frame.data_ref() else { return };
                self.bytes += data.len();
                // Many small frames would cost more than their bytes.
                if self.bytes > self.most || self.heard.len() > self.most / 64 {
                    self.heard = Vec::new();
                    self.tell(Heard::Long);
                } else {
                    self.heard.push(data.clone());
                }
            }
            Some(Err(_)) => self.tell(Heard::Broken),
        }
    }
}

/// Pieces as one; a single one is not copied.
pub(super) fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [one] => one.clone(),
        many => many.concat().into(),
    }
}

impl Ear for Listener {
    fn hear(&mut self, polled: &Polled) {
        if self.teller.is_some()
            && let Poll::Ready(frame) = polled
        {
            self.listen(frame.as_ref());
        }
    }

    fn left(&mut self, ended: bool) {
        let heard = std::mem::take(&mut self.heard);
        self.tell(if ended { Heard::Whole(heard) } else { Heard::Broken });
    }
}
