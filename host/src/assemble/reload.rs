//! Takes over a new configuration file, or keeps the old one and says why.
//!
//! Plugins, routes, log level, files of flags and certificates change at once; the rest is told to need a restart.

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use ostler_admin::{Control, Refusal};
use ostler_core::settings::Problem;
use ostler_edge::Certificate;
use ostler_observe::Observe;
use ostler_release::flags::Store;
use tokio::sync::Mutex;

use crate::config::Config;

/// The configuration in force and what follows it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reload(Arc<Inner>);

struct Inner {
    file: PathBuf,
    /// What the process was started with: only a restart changes tables other than plugins and routes.
    started: Config,
    one: Mutex<()>,
    control: Control,
    observe: Observe,
    flags: Store,
    certificates: Vec<Arc<Certificate>>,
}

impl Reload {
    pub(super) fn new(
        config: Config,
        control: Control,
        observe: Observe,
        flags: Store,
        certificates: Vec<Arc<Certificate>>,
    ) -> Self {
        let file = config.file.clone();
        let (started, one) = (config, Mutex::default());
        Reload(Arc::new(Inner { file, started, one, control, observe, flags, certificates }))
    }

    /// The configuration file.
    pub(super) fn file(&self) -> &PathBuf {
        &self.0.file
    }

    /// Whether the file was changed since the start read it.
    pub(super) async fn is_due(&self) -> bool {
        let reload = self.clone();
        tokio::task::spawn_blocking(move || reload.0.started.is_outdated()).await.unwrap_or(false)
    }

    /// Files of certificates, keys and authorities in use.
    pub(super) fn certificate_files(&self) -> Vec<PathBuf> {
        let files = |certificate: &Arc<Certificate>| {
            let tls = certificate.files();
            let authorities = tls.clients.as_ref().map(|clients| clients.ca.clone());
            [tls.cert.clone(), tls.key.clone()].into_iter().chain(authorities)
        };
        self.0.certificates.iter().flat_map(files).collect()
    }

    /// Reads the file again; what the operator should know about it.
    ///
    /// # Errors
    /// All problems of the new file; then the old configuration stays in force.
    pub(super) async fn again(&self) -> Result<Vec<String>, Vec<String>> {
        let _one = self.0.one.lock().await;
        let file = self.0.file.clone();
        let loaded = tokio::task::spawn_blocking(move || Config::load(&file)).await;
        let loaded = loaded.map_err(|error| vec![error.to_string()])?;
        let (next, warnings) = loaded.map_err(texts)?;
        self.0.control.apply(next.setup()).await.map_err(Refusal::reasons)?;
        self.0.observe.reload(&next.observe);
        self.certificates().await;
        let mut warnings = texts(warnings);
        // The files were read with the configuration; what fails now has changed since.
        if let Err(error) = self.0.flags.use_files(&next.flags.files).await {
            warnings.push(format!("{error}; the flags in force are kept"));
        }
        for table in self.0.started.needs_restart(&next) {
            warnings.push(format!("[{table}] was changed, which takes effect at the next start"));
        }
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        Ok(warnings)
    }

    /// Reads certificates again; a bad one leaves the old one in force.
    pub(super) async fn certificates(&self) {
        for certificate in self.0.certificates.clone() {
            let reloaded =
                tokio::task::spawn_blocking(move || certificate.reload().map_err(|error| error.to_string()));
            match reloaded.await {
                Ok(Ok(())) => tracing::info!("certificate reloaded"),
                Ok(Err(error)) => tracing::error!(error, "the certificate in force is kept"),
                Err(error) => tracing::error!(%error, "the certificate in force is kept"),
            }
        }
    }

    /// Starts to read the file again.
    pub(super) fn begin(&self) {
        let reload = self.clone();
        tokio::spawn(async move { reload.and_tell().await });
    }

    /// Reads the file again and says how it went.
    pub(super) async fn and_tell(&self) {
        match self.again().await {
            Ok(_) => tracing::info!(file = %self.0.file.display(), "configuration reloaded"),
            Err(problems) => {
                for problem in &problems {
                    tracing::error!("{problem}");
                }
                tracing::error!(problems = problems.len(), "the configuration in force is kept");
            }
        }
    }

    /// The same for the admin API, which tells its caller.
    pub(super) fn for_api(&self) -> ostler_admin::Reload {
        let reload = self.clone();
        Arc::new(move || {
            let reload = reload.clone();
            async move { reload.again().await }.boxed()
        })
    }
}

fn texts(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}
