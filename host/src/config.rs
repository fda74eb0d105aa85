//! The configuration file: one TOML file, read whole, with all its problems told together.
//!
//! Each room reads its own table; what concerns several of them (routes to plugins, ports, files) is checked here.
//! **Invariant:** only this file reads the environment, for `${NAME}` in values. Any bytes give a [`Config`] or problems.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use ostler_core::Digest;
use ostler_core::plugin::{Definition, RouteSpec};
use ostler_core::settings::{Node, Problem, Problems, Section, Severity};

mod admin;
mod admission;
mod files;
mod flags;
mod gate;
mod listen;
mod plugins;
mod routes;
mod source;

pub(crate) use admin::Admin;

/// Everything a host is told.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file it came from, as named on the command line.
    pub(crate) file: PathBuf,
    /// Of what stood in it.
    digest: Digest,
    /// `[server]`
    pub(crate) server: ostler_edge::Config,
    /// `[admin]`
    pub(crate) admin: Admin,
    /// `[state] dir`: where everything that must last lies. Default: `state` beside the file.
    pub(crate) state: PathBuf,
    /// `[plugins.NAME]`, by name; paths in them are relative to nothing any more.
    pub(crate) plugins: BTreeMap<String, Definition>,
    /// `[[routes]]`, in the order of the file.
    pub(crate) routes: Vec<RouteSpec>,
    /// `[observe]`
    pub(crate) observe: ostler_observe::Config,
    /// `[runtime]`
    pub(crate) runtime: ostler_runtime::Config,
    /// `[upstream]`
    pub(crate) upstream: ostler_upstream::Config,
    /// `[defaults]`, `[auth.NAME]`, `[authorization]`, `[limits.NAME]`, `[overload]`
    pub(crate) gate: ostler_policy::GateConfig,
    /// `[redis]`
    pub(crate) redis: Option<ostler_services::redis::Config>,
    /// `[admission]`
    pub(crate) admission: ostler_release::admission::Config,
    /// `[cache]`
    pub(crate) cache: ostler_services::cache::Config,
    /// `[flags]`
    pub(crate) flags: ostler_release::flags::Config,
}

impl Config {
    /// Reads `file` and checks everything that can be checked without starting.
    ///
    /// # Errors
    /// All problems, by line, if one of them is an error. Otherwise the warnings come beside the configuration.
    pub(crate) fn load(file: &Path) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
        Config::load_with(file, &variable)
    }

    /// Whether its file was changed since it was read. One that cannot be read counts as unchanged.
    pub(crate) fn is_outdated(&self) -> bool {
        source::read(&self.file).is_ok_and(|bytes| Digest::of(&bytes) != self.digest)
    }

    /// What the control plane is told of it.
    pub(crate) fn setup(&self) -> ostler_admin::Setup {
        ostler_admin::Setup {
            plugins: self.plugins.clone(),
            routes: self.routes.clone(),
            gate: self.gate.clone(),
            admission: self.admission.clone(),
        }
    }

    /// Names of the tables that differ in `next` and take effect at the next start only.
    pub(crate) fn needs_restart(&self, next: &Config) -> Vec<&'static str> {
        // Which proxies are trusted is the gate's, and takes effect at once.
        let server =
            |config: &Config| ostler_edge::Config { trusted_proxies: Vec::new(), ..config.server.clone() };
        // Which files define flags takes effect at once, too.
        let flags = |config: &Config| {
            let listen = config.gate.flags.ofrep.as_ref().and_then(|ofrep| ofrep.listen);
            (ostler_release::flags::Config { files: Vec::new(), ..config.flags.clone() }, listen)
        };
        let changed = [
            ("server", server(self) != server(next)),
            ("admin", self.admin != next.admin),
            ("state", self.state != next.state),
            ("runtime", self.runtime != next.runtime),
            ("upstream", self.upstream != next.upstream),
            ("redis", self.redis != next.redis),
            ("cache", self.cache != next.cache),
            ("flags", flags(self) != flags(next)),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(table, _)| table).collect()
    }

    fn load_with(
        file: &Path,
        lookup: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
        // The TOML parser builds and frees nested tables by recursion, 80 times 80 deep at most: more than a worker's
        // stack holds, so it gets one of its own.
        const STACK: usize = 64 << 20;
        std::thread::scope(|scope| {
            let reader = std::thread::Builder::new().name("ostler-config".into()).stack_size(STACK);
            let handle =
                reader.spawn_scoped(scope, || read(file, lookup)).map_err(|error| no_thread(file, &error))?;
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

fn read(
    file: &Path,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    let problems = Problems::new(file.display().to_string());
    let config = source::text(file, &problems).map(|text| {
        let mut node = Node::from_toml(&text, &problems);
        node.expand(lookup, &problems);
        let base = file.parent().unwrap_or(Path::new(""));
        let mut root = node.section("", &problems);
        let config = tables(&mut root, file, Digest::of(text.as_bytes()), base, &problems);
        root.finish();
        config
    });
    match config {
        Some(config) if !problems.fatal() => Ok((config, problems.into_vec())),
        _ => Err(problems.into_vec()),
    }
}

/// The tables in the order of the documentation; each room says which keys it knows.
fn tables(root: &mut Section<'_>, file: &Path, digest: Digest, base: &Path, problems: &Problems) -> Config {
    let state = root.section("state").map_or_else(|| base.join("state"), |section| state(section, base));
    let server =
        root.section("server").map_or_else(Default::default, |section| listen::server(section, base));
    let admin = Admin::read(root.section("admin"), base, &state, &server);
    if let (false, Some(found)) = (root.has("admin"), admin.collision(&server)) {
        let repair = "choose another port, or another [admin] listen than the default";
        problems.add(
            Severity::Error,
            root.line_of("server"),
            "server.listen",
            found,
            "an address of its own",
            repair,
        );
    }
    let known = plugins::read(root.named_sections("plugins"), base, problems);
    let routes = routes::read(root.sections("routes"), &known, problems);
    let mut gate = gate::read(root, base, &server);
    let admission = admission::read(root.section("admission"), base, &known, problems);
    let redis = root.has("redis");
    let taken: Vec<_> = server.listen.iter().map(|one| one.address).chain([admin.listen]).collect();
    let (flags, requests) =
        root.section("flags").map(|section| flags::read(section, base, redis, &taken)).unwrap_or_default();
    gate.flags = requests;
    gate::check(&gate, &routes, &known, problems);
    gate::check_certificates(root, &gate, &server);
    Config {
        file: file.to_owned(),
        digest,
        server,
        admin,
        state,
        plugins: known.into_iter().map(|(name, (definition, _))| (name, definition)).collect(),
        routes,
        observe: root.section("observe").map(ostler_observe::Config::read).unwrap_or_default(),
        runtime: root.section("runtime").map(ostler_runtime::Config::read).unwrap_or_default(),
        upstream: root.section("upstream").map(|section| upstream(section, base)).unwrap_or_default(),
        gate,
        admission,
        redis: root.section("redis").map(ostler_services::redis::Config::read),
        cache: root
            .section("cache")
            .map(|section| ostler_services::cache::Config::read(section, redis))
            .unwrap_or_default(),
        flags,
    }
}

fn state(mut section: Section<'_>, base: &Path) -> PathBuf {
    let dir = section.string("dir").map_or_else(|| "state".into(), |dir| dir.value);
    let path = base.join(&dir);
    if path.exists() && !path.is_dir() {
        let allowed = "a folder, which is created on first start";
        section.problem("dir", format!("{dir:?}, which is a file"), allowed, "name another folder");
    }
    section.finish();
    path
}

fn upstream(section: Section<'_>, base: &Path) -> ostler_upstream::Config {
    let mut config = ostler_upstream::Config::read(section);
    config.ca_file = config.ca_file.map(|file| base.join(file));
    config
}

/// The one place that reads the environment.
#[allow(clippy::disallowed_methods)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn no_thread(file: &Path, error: &io::Error) -> Vec<Problem> {
    let problems = Problems::new(file.display().to_string());
    let repair = "raise the limit of processes for this user";
    problems.add(Severity::Error, 0, "(file)", format!("no thread to read it with: {error}"), "", repair);
    problems.into_vec()
}

#[cfg(test)]
mod broken;
#[cfg(test)]
mod broken_access;
#[cfg(test)]
mod defaults;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod limited;
#[cfg(test)]
mod tests;
