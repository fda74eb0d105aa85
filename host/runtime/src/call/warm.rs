//! Instances made before there is a request for them: for a release that is about to take over, or back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_core::plugin::Instances;
use ostler_core::{Error, Exchange, Peer, RequestId, Scheme};

use super::create;
use crate::lane;
use crate::plugin::Plugin;

/// Time for making one; what a component does when it is instantiated is its own code.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes instances of `plugin`, in the background, until this many (at most its concurrency) are idle; how many were made. A
/// release whose instances are fresh for every request has none.
///
/// # Errors
/// Why one could not be made; those before it stay.
pub async fn warm(plugin: &Arc<Plugin>, instances: usize) -> Result<usize, Error> {
    if plugin.spec().instances == Instances::Fresh {
        return Ok(0);
    }
    let missing = instances.min(plugin.spec().concurrency).saturating_sub(plugin.pool.len());
    for _ in 0..missing {
        one(plugin.clone()).await?;
    }
    Ok(missing)
}

async fn one(plugin: Arc<Plugin>) -> Result<(), Error> {
    let deadline = Instant::now() + DEADLINE;
    let (lanes, share) = (plugin.lanes.clone(), plugin.slot.share.clone());
    let made = Box::pin(async move {
        let mut instance = create(&plugin, nobodys(deadline)).await?;
        instance.store.data_mut().end();
        plugin.pool.put(instance);
        Ok(())
    });
    lane::run(lanes, share, deadline, made).await?
}

/// An exchange of nobody, for what a component may ask about while it is instantiated.
fn nobodys(deadline: Instant) -> Exchange {
    let peer = Peer { address: SocketAddr::from(([0, 0, 0, 0], 0)), scheme: Scheme::Http, certificate: None };
    Exchange::new(RequestId::generate(0), peer, "".into(), Instant::now(), deadline)
}
