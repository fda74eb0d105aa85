//! Objects on their way in and out.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use ostler_services::blob::{Id, Object};
use tokio::io::AsyncReadExt;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::pipe::AsyncReadStream;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::body::{Body, Upload};
use super::{Answer, told};
use crate::bindings::wasi_blobstore::types;
use crate::guest::Guest;

/// Bytes that `incoming-value-consume-sync` hands over at once: 16 MiB. More is for a stream.
const AT_ONCE: u64 = 16 << 20;

/// An object that a guest writes; it takes its place when it is finished.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct OutgoingValue {
    upload: Arc<Upload>,
    begun: bool,
    to: Option<Id>,
}

/// An object, or a part of one, that a guest reads.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct IncomingValue {
    object: Object,
    start: u64,
    length: u64,
}

impl OutgoingValue {
    /// Says where it goes once it is finished.
    pub(super) fn address(&mut self, to: Id) -> Result<(), String> {
        match &self.to {
            Some(to) => Err(format!("the value is for object {:?} already; copy that one", to.object)),
            None => {
                self.to = Some(to);
                Ok(())
            }
        }
    }
}

impl IncomingValue {
    /// Bytes `start` to `end`, both included; what lies behind the end of the object is left out.
    pub(super) fn part(object: Object, start: u64, end: u64) -> Result<Self, String> {
        let bytes = object.bytes;
        if start > end || (start >= bytes && start > 0) {
            return Err(format!("bytes {start} to {end} are none of an object of {bytes} bytes"));
        }
        let length = end.saturating_add(1).min(bytes) - start;
        Ok(IncomingValue { object, start, length })
    }

    fn seek(&mut self) -> Result<(), String> {
        let sought = self.object.file.seek(SeekFrom::Start(self.start));
        sought.map(drop).map_err(|error| told(error.into()))
    }

    fn whole(mut self) -> Result<Vec<u8>, String> {
        self.seek()?;
        let mut bytes = Vec::new();
        let read = self.object.file.take(self.length).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| told(error.into()))
    }
}

impl types::Host for Guest {}

impl types::HostOutgoingValue for Guest {
    async fn new_outgoing_value(&mut self) -> wasmtime::Result<Resource<OutgoingValue>> {
        let upload = Arc::new(Upload::of(self.state.blobs.stage().await));
        Ok(self.table.push(OutgoingValue { upload, begun: false, to: None })?)
    }

    async fn outgoing_value_write_body(
        &mut self,
        value: Resource<OutgoingValue>,
    ) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let outgoing = self.table.get_mut(&value)?;
        if std::mem::replace(&mut outgoing.begun, true) {
            return Ok(Err(()));
        }
        let body: DynOutputStream = Box::new(Body(outgoing.upload.clone()));
        Ok(Ok(self.table.push_child(body, &value)?))
    }

    async fn finish(&mut self, value: Resource<OutgoingValue>) -> Answer<()> {
        let OutgoingValue { upload, to, .. } = self.table.delete(value)?;
        let staged = match upload.take().await {
            Ok(staged) => staged,
            Err(error) => return Ok(Err(told(error))),
        };
        match to {
            Some(to) => Ok(self.state.blobs.commit(staged, to).await.map_err(told)),
            None => Ok(Err("the value has no name: call write-data before finish".into())),
        }
    }

    async fn drop(&mut self, value: Resource<OutgoingValue>) -> wasmtime::Result<()> {
        self.table.delete(value)?;
        Ok(())
    }
}

impl types::HostIncomingValue for Guest {
    async fn incoming_value_consume_sync(&mut self, value: Resource<IncomingValue>) -> Answer<Vec<u8>> {
        let value = self.table.delete(value)?;
        if value.length > AT_ONCE {
            let repair = "use incoming-value-consume-async";
            return Ok(Err(format!("more than {AT_ONCE} bytes are not handed over at once; {repair}")));
        }
        let whole = tokio::task::spawn_blocking(|| value.whole()).await;
        Ok(whole.unwrap_or_else(|_| Err("the container failed; try again".into())))
    }

    async fn incoming_value_consume_async(
        &mut self,
        value: Resource<IncomingValue>,
    ) -> Answer<Resource<DynInputStream>> {
        let mut value = self.table.delete(value)?;
        if let Err(text) = value.seek() {
            return Ok(Err(text));
        }
        let file = tokio::fs::File::from_std(value.object.file).take(value.length);
        let stream: DynInputStream = Box::new(AsyncReadStream::new(file));
        Ok(Ok(self.table.push(stream)?))
    }

    async fn size(&mut self, value: Resource<IncomingValue>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&value)?.length)
    }

    async fn drop(&mut self, value: Resource<IncomingValue>) -> wasmtime::Result<()> {
        self.table.delete(value)?;
        Ok(())
    }
}
