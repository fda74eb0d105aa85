//! What plugins there are and which release of each is live.
//!
//! One change at a time, which `change` sees to; `state` is held for moments, and requests touch neither.
//! **Invariant:** what a change has acknowledged is durable, and the snapshot in force shows it.

mod admission;
mod change;
mod component;
mod entry;
mod keys;
mod load;
mod prepared;
mod progress;
mod refusal;
mod rollback;
mod rollouts;
mod trial;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::When;
use ostler_core::gate::{Flaw, GateSpec};
use ostler_core::plugin::{Definition, RouteSpec};
use ostler_core::settings::{Node, Problem, Problems};
use ostler_observe::Observe;
use ostler_policy::{Gate, GateConfig, GateServices, Order, Own, Route, RouteGate, Router, Snapshot, Target};
use ostler_release::Registry;
use ostler_release::admission::advisories::Shelf;
use ostler_release::experiments::Experiments;
use ostler_runtime::Runtime;
use tokio::sync::Mutex;

pub(crate) use admission::Upload;
pub use change::Deployed;
pub use refusal::Refusal;
pub(crate) use rollouts::Wish;
pub(crate) use view::ReleaseView;

use entry::Entry;
use progress::Progress;
use rollouts::Rollouts;

/// What the configuration file says of plugins and routes.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// `[plugins.NAME]`; paths are absolute or relative to the working folder.
    pub plugins: BTreeMap<String, Definition>,
    /// `[[routes]]`.
    pub routes: Vec<RouteSpec>,
    /// What requests must pass.
    pub gate: GateConfig,
    /// What releases must pass.
    pub admission: ostler_release::admission::Config,
}

/// The control plane. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    registry: Registry,
    observe: Observe,
    order: Arc<Order>,
    /// What answers on the OFREP server's own listener.
    aside: Arc<Order>,
    services: GateServices,
    /// Held by a change from its first look at `state` until it is in force.
    change: Mutex<()>,
    state: Mutex<State>,
    progress: Progress,
    rollouts: Arc<Rollouts>,
    /// The deny list, as it was last read.
    advisories: Shelf,
}

#[derive(Clone, Default)]
struct State {
    plugins: BTreeMap<String, Entry>,
    /// Routes of the configuration file.
    routes: Vec<RouteSpec>,
    /// None before the first configuration.
    gate: Option<Arc<Gate>>,
    /// What the routes in force must pass, in their order.
    compiled: Arc<Vec<Compiled>>,
    /// What releases must pass.
    admission: Arc<ostler_release::admission::Config>,
}

/// The gate of one route, to be taken over as long as nothing it was made of changes.
struct Compiled {
    of: Arc<Gate>,
    spec: RouteSpec,
    plugin: GateSpec,
    when: Option<When>,
    release: String,
    gate: Arc<RouteGate>,
}

impl State {
    /// Routes of the plugin `name` that answer what another plugin's answer already, in words.
    fn clashes(&self, name: &str) -> Vec<String> {
        let own = self.plugins.get(name).map_or(&[][..], |entry| &entry.routes);
        let others =
            self.plugins.iter().filter(|(other, _)| *other != name).flat_map(|(_, other)| &other.routes);
        let others: Vec<_> = self.routes.iter().chain(others).collect();
        let clash = |route: &RouteSpec| {
            let other = others.iter().find(|other| other.overlaps(route))?;
            Some(format!("routes: {} is taken by plugin {:?}", route.path, other.plugin))
        };
        own.iter().filter_map(clash).collect()
    }
}

impl Control {
    /// Starts with the configuration file's plugins and those defined over the API, each with its live release.
    ///
    /// # Errors
    /// If a plugin's file cannot be loaded or the routes do not fit together.
    pub async fn start(
        runtime: Runtime,
        registry: Registry,
        observe: Observe,
        services: GateServices,
        setup: Setup,
    ) -> Result<Self, Refusal> {
        let order = || Arc::new(Order::new(Snapshot::default(), observe.clone(), services.overload.clone()));
        let (order, aside) = (order(), order());
        let (change, state, progress) = (Mutex::default(), Mutex::default(), Progress::default());
        let rollouts = Arc::<Rollouts>::default();
        rollouts.told_by(&observe.metrics);
        let advisories = Shelf::default();
        let inner = Inner {
            runtime,
            registry,
            observe,
            order,
            aside,
            services,
            change,
            state,
            progress,
            rollouts,
            advisories,
        };
        let control = Control(Arc::new(inner));
        control.apply(setup).await?;
        control.resume_rollouts().await;
        Ok(control)
    }

    /// What answers requests; always the same, whatever changes behind it.
    pub fn order(&self) -> &Arc<Order> {
        &self.0.order
    }

    /// The same for the OFREP server's own listener; answers nothing where it has none.
    pub fn aside(&self) -> &Arc<Order> {
        &self.0.aside
    }

    /// What is counted of flags under experiment.
    pub(crate) fn experiments(&self) -> &Experiments {
        self.0.runtime.experiments()
    }

    /// Kept answers.
    pub(crate) fn cache(&self) -> &ostler_services::Cache {
        &self.0.services.cache
    }

    /// Ends instances that have been idle for two calls of this.
    pub async fn sweep(&self) {
        self.release_kept().await;
        for entry in self.0.state.lock().await.plugins.values() {
            entry.running().for_each(|live| {
                live.plugin.sweep();
            });
        }
    }

    /// All metrics, with gauges as of now.
    pub(crate) async fn metrics(&self) -> String {
        for (name, entry) in &self.0.state.lock().await.plugins {
            let gauges: Vec<_> = entry.running().map(|live| live.plugin.gauges()).collect();
            let metrics = self.0.observe.metrics.plugin(name);
            metrics.idle.set(gauges.iter().map(|gauges| gauges.idle as i64).sum());
            metrics.busy.set(gauges.iter().map(|gauges| gauges.busy as i64).sum());
        }
        self.0.observe.metrics.render()
    }

    /// The next snapshot, and what its routes must pass.
    fn snapshot(&self, state: &State) -> Result<(Snapshot, Vec<Compiled>), Refusal> {
        let mut compiled = Vec::new();
        let Some(gate) = &state.gate else { return Ok((Snapshot::default(), compiled)) };
        let own = state.plugins.values().flat_map(|entry| &entry.routes);
        let mut routes = Vec::new();
        let mut reasons = Vec::new();
        for spec in state.routes.iter().chain(own) {
            match self.route(state, gate, spec, &mut compiled) {
                Ok(route) => routes.push((spec.clone(), Arc::new(route))),
                Err(flaws) => {
                    reasons.extend(flaws.iter().map(|flaw| format!("route {}: {flaw}", spec.path)));
                }
            }
        }
        match gate.endpoints() {
            Ok(own) => routes.extend(own.into_iter().map(|own| self.own(own))),
            Err(flaws) => reasons.extend(flaws.iter().map(|flaw| format!("flags.ofrep: {flaw}"))),
        }
        if !reasons.is_empty() {
            return Err(Refusal::Invalid(reasons));
        }
        let router = Router::new(routes).map_err(|problem| Refusal::Invalid(vec![problem]))?;
        let (trusted_proxies, switches) = (gate.trusted_proxies(), gate.switches());
        Ok((Snapshot { router, trusted_proxies, switches }, compiled))
    }

    /// A route that the gate answers itself.
    fn own(&self, own: Own) -> (RouteSpec, Arc<Route>) {
        let Own { spec, gate, endpoint } = own;
        let route = Route { gate: Arc::new(gate), ..self.bare(&spec, "", Target::Endpoint(endpoint)) };
        (spec, Arc::new(route))
    }

    fn route(
        &self,
        state: &State,
        gate: &Arc<Gate>,
        spec: &RouteSpec,
        compiled: &mut Vec<Compiled>,
    ) -> Result<Route, Vec<Flaw>> {
        let entry = state.plugins.get(&spec.plugin);
        let live = entry.and_then(|entry| entry.live.as_ref());
        let release = live.map(|live| live.component.digest.short()).unwrap_or_default();
        let nothing = GateSpec::default();
        let definition = entry.map(|entry| &entry.definition);
        let plugin = definition.map_or(&nothing, |definition| &definition.gate);
        let when = definition.and_then(|definition| definition.when.clone());
        let known =
            state.compiled.get(compiled.len()).filter(|known| known.is(gate, spec, plugin, &when, &release));
        let passing = match known {
            Some(known) => known.gate.clone(),
            None => Arc::new(gate.route(spec, plugin, &release)?.while_on(&when, gate)),
        };
        let of = gate.clone();
        compiled.push(Compiled {
            of,
            spec: spec.clone(),
            plugin: plugin.clone(),
            when,
            release: release.clone(),
            gate: passing.clone(),
        });
        let trial = live.zip(entry.and_then(|entry| entry.trial.as_ref())).map(|(live, trial)| {
            let (candidate, stable) = (trial.live.plugin.clone(), live.plugin.figures().clone());
            gate.trial(
                spec,
                plugin,
                trial.choice.clone(),
                candidate,
                stable,
                trial.shadow.clone().map(|shadow| shadow.of),
            )
        });
        let target = Target::Plugin(live.map(|live| live.plugin.clone()));
        Ok(Route { gate: passing, trial, ..self.bare(spec, &release, target) })
    }

    /// A route that lets everybody in.
    fn bare(&self, spec: &RouteSpec, release: &str, target: Target) -> Route {
        Route {
            metrics: self.0.observe.metrics.route(&spec.path, &spec.plugin, release),
            pattern: spec.path.as_str().into(),
            plugin: spec.plugin.as_str().into(),
            release: release.into(),
            gate: Arc::new(RouteGate::default()),
            target,
            trial: None,
        }
    }

    /// Gauges of a plugin that is gone stand at nothing.
    fn forget(&self, name: &str) {
        let metrics = self.0.observe.metrics.plugin(name);
        metrics.idle.set(0);
        metrics.busy.set(0);
    }

    /// The next snapshot of the OFREP server's own listener.
    fn aside_snapshot(&self, state: &State) -> Result<Snapshot, Refusal> {
        let Some(gate) = &state.gate else { return Ok(Snapshot::default()) };
        let told = |flaws: Vec<Flaw>| Refusal::Invalid(flaws.iter().map(ToString::to_string).collect());
        let routes = gate.aside().map_err(told)?.into_iter().map(|own| self.own(own));
        let router = Router::new(routes).map_err(|problem| Refusal::Invalid(vec![problem]))?;
        Ok(Snapshot { router, ..Snapshot::default() })
    }
}

impl Compiled {
    fn is(
        &self,
        gate: &Arc<Gate>,
        spec: &RouteSpec,
        plugin: &GateSpec,
        when: &Option<When>,
        release: &str,
    ) -> bool {
        let same = self.spec == *spec && self.plugin == *plugin && self.when == *when;
        Arc::ptr_eq(&self.of, gate) && same && self.release == release
    }
}

/// Reads a definition as the API gives it: the keys of `[plugins.NAME]`, and `routes`.
fn read_definition(name: &str, json: &serde_json::Value) -> Result<(Definition, Vec<RouteSpec>), Refusal> {
    let problems = Problems::new("definition");
    let node = Node::from_json(json);
    let mut section = node.section(name, &problems);
    let definition = Definition::read(&mut section);
    let routes =
        section.sections("routes").into_iter().map(|route| RouteSpec::read(route, Some(name))).collect();
    if definition.spec.path.is_some() {
        section.problem(
            "path",
            "a path",
            "only in the configuration file",
            "leave it out and upload a release",
        );
    }
    section.finish();
    let told: Vec<_> = problems.into_vec();
    if told.is_empty() {
        return Ok((definition, routes));
    }
    Err(Refusal::Invalid(told.iter().map(problem_line).collect()))
}

/// A problem without file and line, which what comes over the API has not.
pub(crate) fn problem_line(problem: &Problem) -> String {
    let Problem { key, found, allowed, .. } = problem;
    let repair =
        if problem.repair.is_empty() { String::new() } else { format!("; repair: {}", problem.repair) };
    format!("{key}: found {found}; allowed: {allowed}{repair}")
}
