//! tmp
use crate::bindings::kv::{Entry, Error, Host, Page};
use crate::guest::Guest;
type R<T> = wasmtime::Result<Result<T, Error>>;
impl Host for Guest {
    async fn get(&mut self, _: String, _: String) -> R<Option<Vec<u8>>> { Ok(Err(Error::NotANumber)) }
    async fn set(&mut self, _: String, _: String, _: Vec<u8>, _: Option<u64>) -> R<()> { Ok(Err(Error::NotANumber)) }
    async fn delete(&mut self, _: String, _: String) -> R<bool> { Ok(Err(Error::NotANumber)) }
    async fn exists(&mut self, _: String, _: String) -> R<bool> { Ok(Err(Error::NotANumber)) }
    async fn list_keys(&mut self, _: String, _: String, _: Option<String>, _: u32) -> R<Page> { Ok(Err(Error::NotANumber)) }
    async fn increment(&mut self, _: String, _: String, _: i64) -> R<i64> { Ok(Err(Error::NotANumber)) }
    async fn compare_and_swap(&mut self, _: String, _: String, _: Option<Vec<u8>>, _: Option<Vec<u8>>) -> R<bool> { Ok(Err(Error::NotANumber)) }
    async fn get_many(&mut self, _: String, _: Vec<String>) -> R<Vec<Option<Vec<u8>>>> { Ok(Err(Error::NotANumber)) }
    async fn set_many(&mut self, _: String, _: Vec<Entry>) -> R<()> { Ok(Err(Error::NotANumber)) }
    async fn delete_many(&mut self, _: String, _: Vec<String>) -> R<()> { Ok(Err(Error::NotANumber)) }
}
