//! Releases that run side by side, under the same load of the same users and the same noise, judged as a host judges them.

use std::hash::BuildHasher;
use std::time::Duration;

use fastrand::Rng;
use foldhash::quality::FixedState;
use ostler_core::Digest;
use ostler_core::rollout::{AnalysisSpec, MetricRule, RolloutSpec, Share, Strategy};
use ostler_release::analysis::{Fault, Figures, Verdict, judge};
use ostler_release::rollout::{Looks, Rollout, State};

/// Users whose requests are simulated.
const USERS: u64 = 2_000;

/// How a release behaves.
#[derive(Clone, Copy)]
pub(crate) struct Behaviour {
    /// Part of requests that fail.
    pub faults: f64,
    /// Median of its answers, in milliseconds.
    pub median: f64,
    /// Bytes that it loses with each request.
    pub leak: u64,
}

pub(crate) const GOOD: Behaviour = Behaviour { faults: 0.0, median: 4.0, leak: 0 };

/// One release, and how many requests it has answered.
struct Release {
    figures: Figures,
    behaviour: Behaviour,
    served: u64,
}

/// Both releases of a rollout.
pub(crate) struct Simulation {
    rng: Rng,
    /// Each has users of its own.
    users: FixedState,
    stable: Release,
    candidate: Release,
    share: f64,
    /// How far users differ in what they ask for: standard deviation of the logarithm of their durations.
    habits: f64,
    /// The machine is slower by this, which lasts a while and is the same for both.
    noise: f64,
}

impl Simulation {
    pub(crate) fn new(seed: u64, share: f64, habits: f64, [stable, candidate]: [Behaviour; 2]) -> Self {
        let release = |behaviour| Release { figures: Figures::default(), behaviour, served: 0 };
        let (stable, candidate) = (release(stable), release(candidate));
        let (rng, users) = (Rng::with_seed(seed), FixedState::with_seed(seed));
        Simulation { rng, users, stable, candidate, share, habits, noise: 1.0 }
    }

    /// `requests` of both together.
    pub(crate) fn run(&mut self, requests: u64) {
        (0..requests).for_each(|_| self.request());
    }

    fn request(&mut self) {
        let rng = &mut self.rng;
        // About every 300 requests the machine is busy with something else, for about 50.
        self.noise = match self.noise > 1.0 {
            true if rng.f64() < 0.02 => 1.0,
            false if rng.f64() < 1.0 / 300.0 => 2.0 + 20.0 * rng.f64(),
            _ => self.noise,
        };
        // Few users ask often, many seldom.
        let number = (USERS as f64 * rng.f64().powi(3)) as u64;
        let user = self.users.hash_one(number);
        let is_new = (user as f64 / u64::MAX as f64) < self.share;
        let release = if is_new { &mut self.candidate } else { &mut self.stable };
        release.served += 1;
        let behaviour = release.behaviour;
        let habit = (self.habits * normal(&mut Rng::with_seed(user))).exp();
        let took = behaviour.median * habit * (0.5 * normal(rng)).exp() * self.noise;
        let fault = (rng.f64() < behaviour.faults).then_some(Fault::Error);
        release.figures.answered(user, fault, Duration::from_secs_f64(took / 1e3));
        release.figures.memory((20 << 20) + behaviour.leak * release.served, behaviour.leak);
        release.figures.track(user, "basket", 40.0 + 10.0 * self.habits * habit.ln() + 10.0 * normal(rng));
    }

    pub(crate) fn judge(&self, spec: &AnalysisSpec) -> Verdict {
        judge(&self.stable.figures.read(), &self.candidate.figures.read(), spec)
    }

    /// Looks after each `each` requests of both, as long as the step lasts, which is over after `looks`; how many requests the
    /// new release had answered when it was withdrawn.
    pub(crate) fn withdrawn(&mut self, spec: &AnalysisSpec, each: u64, looks: i64) -> Option<u64> {
        let steps = vec![Share((self.share * f64::from(Share::ALL.0)) as u32), Share::ALL];
        let (every, interval) = (10_000, Duration::from_secs(1_000_000));
        let spec = RolloutSpec {
            strategy: Strategy::Canary,
            steps,
            interval,
            analysis: spec.clone(),
            ..RolloutSpec::default()
        };
        let releases = (Some(Digest::of(b"stable")), Digest::of(b"candidate"));
        let (mut rollout, _) = Rollout::begin("p", releases, spec, 0, ("host", ""));
        let (mut seen, mut verdict) = (Looks::default(), None);
        (1..=looks).find_map(|look| {
            self.run(each);
            if let Some(part) = seen.next([self.stable.served, self.candidate.served]) {
                let analysis = &rollout.spec.analysis;
                let significance = analysis.significance * part;
                verdict = Some(self.judge(&AnalysisSpec { significance, ..analysis.clone() }));
            }
            rollout.tick(look * every, self.candidate.served, verdict.as_ref());
            (rollout.state == State::Withdrawn).then_some(self.candidate.served)
        })
    }
}

/// Box and Muller.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

pub(crate) fn spec() -> AnalysisSpec {
    let basket = MetricRule { name: "basket".into(), at_least: Some(0.8), at_most: Some(1.25) };
    AnalysisSpec { metrics: vec![basket], ..AnalysisSpec::default() }
}

/// What becomes of a release in `runs` rollouts that stay at `share` until it has answered about 2,000 requests: its requests
/// in each of those that were withdrawn, ordered.
pub(crate) fn withdrawals(runs: u64, share: f64, habits: f64, behaviours: [Behaviour; 2]) -> Vec<u64> {
    let withdrawn =
        |seed| Simulation::new(seed, share, habits, behaviours).withdrawn(&spec(), (50.0 / share) as u64, 40);
    let mut requests: Vec<u64> = (0..runs).filter_map(withdrawn).collect();
    requests.sort_unstable();
    requests
}
