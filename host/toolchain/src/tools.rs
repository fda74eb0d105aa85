//! Tools that languages need and that a build brings by itself: each in a folder of its own, made once, in a cache of the
//! user's. What needs an administrator is only named (`BuildError::Tool`).

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::build::BuildError;

/// The cache of tools.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    root: &'a Path,
    /// Hears what is brought, for people: it may take minutes.
    tell: &'a dyn Fn(&str),
}

impl<'a> Tools<'a> {
    pub(crate) fn new(root: &'a Path, tell: &'a dyn Fn(&str)) -> Self {
        Tools { root, tell }
    }

    /// The folder of the tool `name`, which tells its version (`componentize-py-0.25.1`). If it is not there, `bring` makes it
    /// in the folder it is given; builds that run beside this one wait. A `bring` that fails leaves nothing.
    pub(crate) fn folder(
        &self,
        name: &str,
        bring: impl FnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let (folder, done) = (self.root.join(name), self.root.join(name).join(".complete"));
        if done.is_file() {
            return Ok(folder);
        }
        let failed = |what: &str| BuildError::io(format!("{what} {}", folder.display()));
        std::fs::create_dir_all(self.root).map_err(failed("making"))?;
        let lock = self.root.join(format!(".{name}.lock"));
        let lock = File::options().create(true).truncate(false).write(true).open(lock);
        let _turn = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(failed("locking"))?;
        if done.is_file() {
            return Ok(folder);
        }
        // What an interrupted build left. Tools remember where they lie (venv), so they are made in place.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(failed("clearing"))?;
        }
        std::fs::create_dir_all(&folder).map_err(failed("making"))?;
        (self.tell)(&format!("installing {name} in {}", folder.display()));
        bring(&folder)?;
        std::fs::write(&done, "").map_err(failed("completing"))?;
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_brought_once_and_a_failure_leaves_it_to_the_next() {
        let root = tempfile::tempdir().unwrap();
        let tools = Tools::new(root.path(), &|_| {});
        let fails = |folder: &Path| {
            std::fs::write(folder.join("half"), "").unwrap();
            Err(BuildError::Compiler { words: "no network".into() })
        };
        assert!(tools.folder("t-1", fails).is_err());
        let brings = |folder: &Path| {
            assert!(!folder.join("half").exists(), "what failed is gone");
            std::fs::write(folder.join("tool"), "").unwrap();
            Ok(())
        };
        assert!(tools.folder("t-1", brings).unwrap().join("tool").is_file());
        tools.folder("t-1", |_| panic!("it is there")).unwrap();
    }
}
