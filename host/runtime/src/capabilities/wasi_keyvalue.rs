//! tmp
use wasmtime::component::Resource;
use crate::bindings::wasi_keyvalue::{atomics, batch, store};
use crate::guest::Guest;
pub struct Bucket { pub store: String }
type R<T> = wasmtime::Result<Result<T, store::Error>>;
impl store::Host for Guest { async fn open(&mut self, _: String) -> R<Resource<Bucket>> { Ok(Err(store::Error::AccessDenied)) } }
impl store::HostBucket for Guest {
    async fn get(&mut self, _: Resource<Bucket>, _: String) -> R<Option<Vec<u8>>> { Ok(Err(store::Error::AccessDenied)) }
    async fn set(&mut self, _: Resource<Bucket>, _: String, _: Vec<u8>) -> R<()> { Ok(Err(store::Error::AccessDenied)) }
    async fn delete(&mut self, _: Resource<Bucket>, _: String) -> R<()> { Ok(Err(store::Error::AccessDenied)) }
    async fn exists(&mut self, _: Resource<Bucket>, _: String) -> R<bool> { Ok(Err(store::Error::AccessDenied)) }
    async fn list_keys(&mut self, _: Resource<Bucket>, _: Option<u64>) -> R<store::KeyResponse> { Ok(Err(store::Error::AccessDenied)) }
    async fn drop(&mut self, rep: Resource<Bucket>) -> wasmtime::Result<()> { self.table.delete(rep)?; Ok(()) }
}
impl atomics::Host for Guest { async fn increment(&mut self, _: Resource<Bucket>, _: String, _: u64) -> R<u64> { Ok(Err(store::Error::AccessDenied)) } }
impl batch::Host for Guest {
    async fn get_many(&mut self, _: Resource<Bucket>, _: Vec<String>) -> R<Vec<Option<(String, Vec<u8>)>>> { Ok(Err(store::Error::AccessDenied)) }
    async fn set_many(&mut self, _: Resource<Bucket>, _: Vec<(String, Vec<u8>)>) -> R<()> { Ok(Err(store::Error::AccessDenied)) }
    async fn delete_many(&mut self, _: Resource<Bucket>, _: Vec<String>) -> R<()> { Ok(Err(store::Error::AccessDenied)) }
}
