//! The layer of files: read again when they change, a bad one leaving its last content in force.
//!
//! **Invariant:** while `reading` is held nobody else changes the list of files, nor what was read of one.

use std::path::PathBuf;

use ostler_core::Digest;

use super::{FileError, LoadError, Read, Store, read_file};

impl Store {
    /// The files that are watched, in the order of the configuration.
    pub async fn files(&self) -> Vec<PathBuf> {
        self.0.layers.lock().await.files.iter().map(|(file, _)| file.clone()).collect()
    }

    /// Reads one of its files again and puts its flags in force; how many they are, or `None` if its bytes have not changed.
    ///
    /// # Errors
    /// What is wrong with the file; then its last content stays in force.
    pub async fn reload_file(&self, file: PathBuf) -> Result<Option<usize>, FileError> {
        let _reading = self.0.reading.lock().await;
        let layers = self.0.layers.lock().await;
        let Some(place) = layers.files.iter().position(|(known, _)| *known == file) else { return Ok(None) };
        let digest = layers.files[place].1.digest;
        drop(layers);
        let Some(read) = read_in_background(file.clone(), Some(digest)).await? else { return Ok(None) };
        let many = read.document.flags.len();
        let mut layers = self.0.layers.lock().await;
        layers.files[place].1 = read;
        self.0.flags.put(layers.set());
        self.0.stats.loaded();
        Ok(Some(many))
    }

    /// Takes over another list of files, all or none.
    ///
    /// # Errors
    /// The first file that is not right, and what is wrong with it.
    pub async fn use_files(&self, files: &[PathBuf]) -> Result<(), LoadError> {
        let _reading = self.0.reading.lock().await;
        let mut next = Vec::with_capacity(files.len());
        for file in files {
            let read = read_in_background(file.clone(), None).await;
            let read = read.map_err(|why| LoadError::File { file: file.clone(), why })?;
            next.extend(read.map(|read| (file.clone(), read)));
        }
        let mut layers = self.0.layers.lock().await;
        layers.files = next;
        self.0.flags.put(layers.set());
        Ok(())
    }
}

/// Compiling thousands of rules takes long enough to be kept from threads that serve.
async fn read_in_background(file: PathBuf, known: Option<Digest>) -> Result<Option<Read>, FileError> {
    match tokio::task::spawn_blocking(move || read_file(&file, known)).await {
        Ok(read) => read,
        Err(error) => Err(FileError::Io(std::io::Error::other(error))),
    }
}
