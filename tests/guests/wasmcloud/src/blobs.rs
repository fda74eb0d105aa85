//! Containers of objects by `wasi:blobstore`. The crate's bindings take `&String` where one would expect `&str`.

use std::io::Write;

use wasmcloud_component::wasi::blobstore::blobstore::{self, ObjectId};
use wasmcloud_component::wasi::blobstore::container::Container;
use wasmcloud_component::wasi::blobstore::types::{IncomingValue, OutgoingValue};
use wasmcloud_component::wasi::io::streams::InputStream;

use crate::{Answered, Told};

/// Every function once; what each said, a line each.
pub fn all(name: &String, other: &String) -> Answered {
    let mut lines = vec![format!("exists {}", blobstore::container_exists(name)?)];
    let container = blobstore::create_container(name)?;
    let (a, z) = ("a".to_owned(), "z".to_owned());
    for (name, text) in [("a", "one"), ("b/c", "two"), ("a", "three")] {
        put(&container, &name.into(), text)?;
    }
    lines.push(format!("name {} {}", container.name()?, container.info()?.name));
    lines.push(format!("get {:?}", get(&container, &a, 0, u64::MAX)?));
    lines.push(format!("part {:?}", get(&container, &a, 1, 2)?));
    let info = container.object_info(&a)?;
    lines.push(format!("info {} {} {} {}", info.name, info.container, info.size, info.created_at > 0));
    lines.push(format!("has {} {}", container.has_object(&a)?, container.has_object(&z)?));
    let id =
        |container: &String, object: &str| ObjectId { container: container.clone(), object: object.into() };
    blobstore::copy_object(&id(name, "a"), &id(other, "copy"))?;
    blobstore::move_object(&id(other, "copy"), &id(name, "moved"))?;
    let names = container.list_objects()?;
    lines.push(format!("skip {:?}", names.skip_stream_object_names(1)?));
    lines.push(format!("names {:?}", names.read_stream_object_names(10)?));
    container.delete_object(&a)?;
    container.delete_objects(&["moved".into(), "never".into()])?;
    lines.push(format!("left {:?}", container.list_objects()?.read_stream_object_names(10)?));
    container.clear()?;
    lines.push(format!("cleared {:?}", container.list_objects()?.read_stream_object_names(10)?));
    Ok(Told::Text(lines.join("\n")))
}

/// Streams `body` into an object.
pub fn write(container: &String, name: &String, body: &InputStream) -> Answered {
    let container = blobstore::get_container(container)?;
    let value = OutgoingValue::new_outgoing_value();
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    container.write_data(name, &value)?;
    let mut total = 0;
    loop {
        match stream.blocking_splice(body, 1 << 20) {
            Ok(0) | Err(wasmcloud_component::wasi::io::streams::StreamError::Closed) => break,
            Ok(moved) => total += moved,
            Err(error) => return Err(error.to_string()),
        }
    }
    drop(stream);
    OutgoingValue::finish(value)?;
    Ok(Told::Text(total.to_string()))
}

/// Streams an object out.
pub fn read(container: &String, name: &String) -> Answered {
    let container = blobstore::get_container(container)?;
    let value = container.get_data(name, 0, u64::MAX)?;
    Ok(Told::Object(IncomingValue::incoming_value_consume_async(value)?))
}

/// Writes an object and never finishes it.
pub fn unfinished(container: &String) -> Answered {
    let (container, name) = (blobstore::get_container(container)?, "unfinished".to_owned());
    let value = OutgoingValue::new_outgoing_value();
    let mut stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    container.write_data(&name, &value)?;
    stream.write_all(b"half").map_err(|error| error.to_string())?;
    drop(stream);
    Ok(Told::Text(format!("{}", container.has_object(&name)?)))
}

fn put(container: &Container, name: &String, text: &str) -> Result<(), String> {
    let value = OutgoingValue::new_outgoing_value();
    let mut stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    stream.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    drop(stream);
    container.write_data(name, &value)?;
    OutgoingValue::finish(value)
}

fn get(container: &Container, name: &String, start: u64, end: u64) -> Result<String, String> {
    let value = container.get_data(name, start, end)?;
    let size = value.size();
    let bytes = IncomingValue::incoming_value_consume_sync(value)?;
    Ok(format!("{size} {}", String::from_utf8_lossy(&bytes)))
}
