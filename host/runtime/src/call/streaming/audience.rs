//! Whether anybody still takes a body: a guest whose client has gone keeps its place for a moment, not until its deadline.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a guest may go on after its client has gone away in the middle of the body: enough to notice and to tidy up.
const FAREWELL: Duration = Duration::from_secs(1);

/// Held by a body. Dropped before [`Audience::served`]: the client went away.
pub(super) struct Audience(Option<oneshot::Sender<()>>);

/// Held by the guest's call.
pub(super) struct Stage(oneshot::Receiver<()>);

/// The two ends.
pub(super) fn pair() -> (Audience, Stage) {
    let (sender, receiver) = oneshot::channel();
    (Audience(Some(sender)), Stage(receiver))
}

impl Audience {
    /// The whole body was taken; what the guest still does is its own affair.
    pub(super) fn served(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(());
        }
    }
}

impl Stage {
    /// Drives `call` to its end, or, once nobody listens, for a moment more; none if that ended it.
    pub(super) async fn perform<T>(self, mut call: impl Future<Output = T> + Unpin) -> Option<T> {
        tokio::select! {
            ended = &mut call => return Some(ended),
            served = self.0 => if served.is_ok() {
                return Some(call.await);
            }
        }
        timeout(FAREWELL, call).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_performs_for_nobody_is_ended_and_who_was_heard_out_is_not() {
        let late = || Box::pin(tokio::time::sleep(10 * FAREWELL));
        let (audience, stage) = pair();
        drop(audience);
        assert!(stage.perform(late()).await.is_none());
        let (mut audience, stage) = pair();
        audience.served();
        drop(audience);
        assert!(stage.perform(late()).await.is_some());
        let (audience, stage) = pair();
        drop(audience);
        assert!(stage.perform(Box::pin(tokio::time::sleep(FAREWELL / 2))).await.is_some());
    }
}
