//! The layer of files: read again when they change, a bad one leaving its last content in force.

use std::path::PathBuf;

use super::{FileError, Store, read_file};

impl Store {
    /// The files that are watched, in the order of the configuration.
    pub async fn files(&self) -> Vec<PathBuf> {
        self.0.layers.lock().await.files.iter().map(|(file, _)| file.clone()).collect()
    }

    /// Reads one of its files again and puts its flags in force; how many they are.
    ///
    /// # Errors
    /// What is wrong with the file; then its last content stays in force.
    pub async fn reload_file(&self, file: PathBuf) -> Result<usize, FileError> {
        let read = read_in_background(file.clone()).await?;
        let many = read.flags.len();
        let mut layers = self.0.layers.lock().await;
        if let Some((_, document)) = layers.files.iter_mut().find(|(known, _)| *known == file) {
            *document = read;
            self.0.flags.put(layers.set());
        }
        Ok(many)
    }

    /// Takes over another list of files, all or none.
    ///
    /// # Errors
    /// The first file that is not right, and what is wrong with it.
    pub async fn use_files(&self, files: &[PathBuf]) -> Result<(), (PathBuf, FileError)> {
        let mut read = Vec::with_capacity(files.len());
        for file in files {
            let document = read_in_background(file.clone()).await.map_err(|why| (file.clone(), why))?;
            read.push((file.clone(), document));
        }
        let mut layers = self.0.layers.lock().await;
        layers.files = read;
        self.0.flags.put(layers.set());
        Ok(())
    }
}

/// Compiling thousands of rules takes long enough to be kept from threads that serve.
async fn read_in_background(file: PathBuf) -> Result<super::Document, FileError> {
    match tokio::task::spawn_blocking(move || read_file(&file)).await {
        Ok(read) => read,
        Err(error) => Err(FileError::Io(std::io::Error::other(error))),
    }
}
