//! `wasi:blobstore@0.2.0-draft`: the containers of `grant.blob`.
//!
//! A container that was granted is always there, so creating it does nothing and deleting it empties it.

mod body;
mod value;

use ostler_services::blob::{self, Id};
use wasmtime::component::Resource;

#[allow(unreachable_pub, reason = "the generated bindings export them")]
pub use value::{IncomingValue, OutgoingValue};

use crate::bindings::wasi_blobstore::{blobstore, container};
use crate::guest::{Env, Guest};

/// An open container; it was granted when it was opened.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Container {
    name: String,
}

/// Names of objects that are still to be read, the last one first.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Names(Vec<String>);

/// No call of this import traps for what a guest may get wrong; it is told instead.
type Answer<T> = wasmtime::Result<Result<T, String>>;

impl blobstore::Host for Guest {
    async fn create_container(&mut self, name: String) -> Answer<Resource<Container>> {
        self.get_container(name).await
    }

    async fn get_container(&mut self, name: String) -> Answer<Resource<Container>> {
        match granted(&self.env, &name) {
            Ok(()) => Ok(Ok(self.table.push(Container { name })?)),
            Err(denied) => Ok(Err(denied)),
        }
    }

    async fn delete_container(&mut self, name: String) -> Answer<()> {
        if let Err(denied) = granted(&self.env, &name) {
            return Ok(Err(denied));
        }
        Ok(self.state.blobs.clear(name).await.map_err(told))
    }

    async fn container_exists(&mut self, name: String) -> Answer<bool> {
        Ok(Ok(granted(&self.env, &name).is_ok()))
    }

    async fn copy_object(&mut self, from: blobstore::ObjectId, to: blobstore::ObjectId) -> Answer<()> {
        let (from, to) = (id(from), id(to));
        if let Err(denied) = both(&self.env, &from, &to) {
            return Ok(Err(denied));
        }
        Ok(self.state.blobs.copy(from, to).await.map_err(told))
    }

    async fn move_object(&mut self, from: blobstore::ObjectId, to: blobstore::ObjectId) -> Answer<()> {
        let (from, to) = (id(from), id(to));
        if let Err(denied) = both(&self.env, &from, &to) {
            return Ok(Err(denied));
        }
        if from == to {
            return Ok(self.state.blobs.info(from).await.map(drop).map_err(told));
        }
        let copied = self.state.blobs.copy(from.clone(), to).await;
        match copied {
            Ok(()) => Ok(self.state.blobs.delete(from.container, vec![from.object]).await.map_err(told)),
            Err(error) => Ok(Err(told(error))),
        }
    }
}

impl container::Host for Guest {}

impl container::HostContainer for Guest {
    async fn name(&mut self, container: Resource<Container>) -> Answer<String> {
        Ok(Ok(self.table.get(&container)?.name.clone()))
    }

    async fn info(&mut self, container: Resource<Container>) -> Answer<container::ContainerMetadata> {
        let name = self.table.get(&container)?.name.clone();
        let created = self.state.blobs.created(name.clone()).await.map_err(told);
        Ok(created.map(|created_at| container::ContainerMetadata { name, created_at }))
    }

    async fn get_data(
        &mut self,
        container: Resource<Container>,
        name: String,
        start: u64,
        end: u64,
    ) -> Answer<Resource<IncomingValue>> {
        let id = self.object(&container, name)?;
        let value = match self.state.blobs.open(id).await {
            Ok(object) => IncomingValue::part(object, start, end),
            Err(error) => Err(told(error)),
        };
        match value {
            Ok(value) => Ok(Ok(self.table.push(value)?)),
            Err(text) => Ok(Err(text)),
        }
    }

    async fn write_data(
        &mut self,
        container: Resource<Container>,
        name: String,
        data: Resource<OutgoingValue>,
    ) -> Answer<()> {
        let id = self.object(&container, name)?;
        Ok(self.table.get_mut(&data)?.address(id))
    }

    async fn list_objects(&mut self, container: Resource<Container>) -> Answer<Resource<Names>> {
        let name = self.table.get(&container)?.name.clone();
        match self.state.blobs.list(name).await {
            Ok(mut names) => {
                names.reverse();
                Ok(Ok(self.table.push(Names(names))?))
            }
            Err(error) => Ok(Err(told(error))),
        }
    }

    async fn delete_object(&mut self, container: Resource<Container>, name: String) -> Answer<()> {
        self.delete_objects(container, vec![name]).await
    }

    async fn delete_objects(&mut self, container: Resource<Container>, names: Vec<String>) -> Answer<()> {
        let container = self.table.get(&container)?.name.clone();
        Ok(self.state.blobs.delete(container, names).await.map_err(told))
    }

    async fn has_object(&mut self, container: Resource<Container>, name: String) -> Answer<bool> {
        let id = self.object(&container, name)?;
        Ok(match self.state.blobs.info(id).await {
            Ok(_) => Ok(true),
            Err(blob::Error::Missing(..)) => Ok(false),
            Err(error) => Err(told(error)),
        })
    }

    async fn object_info(
        &mut self,
        container: Resource<Container>,
        name: String,
    ) -> Answer<container::ObjectMetadata> {
        let id = self.object(&container, name.clone())?;
        let container = id.container.clone();
        let info = self.state.blobs.info(id).await.map_err(told);
        Ok(info.map(|blob::Info { bytes, created }| container::ObjectMetadata {
            name,
            container,
            created_at: created,
            size: bytes,
        }))
    }

    async fn clear(&mut self, container: Resource<Container>) -> Answer<()> {
        let container = self.table.get(&container)?.name.clone();
        Ok(self.state.blobs.clear(container).await.map_err(told))
    }

    async fn drop(&mut self, container: Resource<Container>) -> wasmtime::Result<()> {
        self.table.delete(container)?;
        Ok(())
    }
}

impl container::HostStreamObjectNames for Guest {
    async fn read_stream_object_names(
        &mut self,
        names: Resource<Names>,
        count: u64,
    ) -> Answer<(Vec<String>, bool)> {
        let Names(left) = self.table.get_mut(&names)?;
        let read = left.split_off(left.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)));
        Ok(Ok((read.into_iter().rev().collect(), left.is_empty())))
    }

    async fn skip_stream_object_names(&mut self, names: Resource<Names>, count: u64) -> Answer<(u64, bool)> {
        let Names(left) = self.table.get_mut(&names)?;
        let before = left.len();
        left.truncate(before.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)));
        Ok(Ok(((before - left.len()) as u64, left.is_empty())))
    }

    async fn drop(&mut self, names: Resource<Names>) -> wasmtime::Result<()> {
        self.table.delete(names)?;
        Ok(())
    }
}

impl Guest {
    fn object(&self, container: &Resource<Container>, object: String) -> wasmtime::Result<Id> {
        Ok(Id { container: self.table.get(container)?.name.clone(), object })
    }
}

fn id(id: blobstore::ObjectId) -> Id {
    Id { container: id.container, object: id.object }
}

fn both(env: &Env, from: &Id, to: &Id) -> Result<(), String> {
    granted(env, &from.container).and(granted(env, &to.container))
}

/// Whether `container` was granted; if not, the text names the missing grant.
fn granted(env: &Env, container: &str) -> Result<(), String> {
    if env.spec.grant.blob.iter().any(|granted| granted == container) {
        return Ok(());
    }
    let shown: String = container.chars().take(64).collect();
    Err(format!(
        "container {shown:?} is not granted: add it to grant = {{ blob = [{shown:?}] }} of plugin {}",
        env.plugin
    ))
}

fn told(error: blob::Error) -> String {
    if let blob::Error::Unavailable(cause) = &error {
        tracing::error!(cause, "a container failed");
    }
    error.to_string()
}
