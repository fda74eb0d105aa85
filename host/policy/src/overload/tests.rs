//! A host with more to do than it can: a model of a server with a given capacity, in simulated time.

use super::*;

/// A server whose processors are shared by all requests under way, and the limit in front of it.
struct Model {
    limit: Limit,
    /// Requests that are worked on at full speed at once.
    capacity: f64,
    /// What a request takes at full speed, in milliseconds, as often as it is named here.
    work: Vec<f64>,
    /// Requests under way: what is left of each, when it came, whether it is learned from.
    under_way: Vec<(f64, u64, bool)>,
    now: u64,
    arrivals: f64,
    turn: usize,
    told: Told,
}

/// What became of requests, by priority.
#[derive(Debug, Default, Clone)]
struct Told {
    came: [u32; 3],
    shed: [u32; 3],
    done: u32,
    took: f64,
}

const MS: u64 = 1_000_000;
const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

impl Model {
    fn new(capacity: f64, work: &[f64]) -> Self {
        fastrand::seed(7);
        let limit = Limit::of_times(Bounds::new(16, 512, 1024, true));
        let (under_way, told, work) = (Vec::new(), Told::default(), work.to_vec());
        Model { limit, capacity, work, under_way, now: 0, arrivals: 0.0, turn: 0, told }
    }

    /// Runs for `seconds` with `rate` requests a second, of which every priority has a third, and tells what became of them.
    fn run(&mut self, seconds: u32, rate: f64) -> Told {
        self.told = Told::default();
        for _ in 0..seconds * 1000 {
            self.now += MS;
            self.arrivals += rate / 1000.0;
            while self.arrivals >= 1.0 {
                self.arrivals -= 1.0;
                self.arrive();
            }
            self.work();
        }
        self.told.clone()
    }

    fn arrive(&mut self) {
        self.turn += 1;
        let priority = PRIORITIES[self.turn % 3];
        self.told.came[priority as usize] += 1;
        match self.limit.enter(priority) {
            Some(crowd) => {
                let learns = self.limit.learns(crowd);
                self.under_way.push((self.work[self.turn % self.work.len()], self.now, learns));
            }
            None => {
                self.limit.doubt(self.now);
                self.told.shed[priority as usize] += 1;
            }
        }
    }

    fn work(&mut self) {
        let speed = (self.capacity / self.under_way.len() as f64).min(1.0);
        self.under_way.iter_mut().for_each(|(left, ..)| *left -= speed);
        let (done, under_way) =
            std::mem::take(&mut self.under_way).into_iter().partition(|(left, ..)| *left <= 0.0);
        self.under_way = under_way;
        let done: Vec<(f64, u64, bool)> = done;
        for (_, came, learns) in done {
            let took = self.now - came;
            self.told.done += 1;
            self.told.took += took as f64 / MS as f64;
            if learns {
                self.limit.learn(took, self.now);
            }
            self.limit.leave();
        }
    }
}

impl Told {
    fn mean(&self) -> f64 {
        self.took / f64::from(self.done.max(1))
    }

    fn shed_share(&self, priority: Priority) -> f64 {
        f64::from(self.shed[priority as usize]) / f64::from(self.came[priority as usize])
    }
}

#[test]
fn below_capacity_nothing_is_shed() {
    let mut model = Model::new(100.0, &[50.0]);
    let told = model.run(60, 1800.0);
    assert_eq!(told.shed, [0; 3], "{told:?}");
}

#[test]
fn at_twice_capacity_the_limit_settles_near_capacity_and_low_priority_is_shed_first() {
    // 100 at once, 50 ms each: 2000 a second.
    let mut model = Model::new(100.0, &[50.0]);
    model.run(30, 1000.0);
    model.run(20, 4000.0);
    for minute in 0..5 {
        let told = model.run(60, 4000.0);
        let limit = model.limit.now();
        assert!((80..=250).contains(&limit), "minute {minute}: {limit}");
        assert!(told.mean() < 130.0, "minute {minute}: {told:?} {}", told.mean());
        // Probes cost a little of what could be done.
        assert!(told.done > 60 * 2000 * 9 / 10, "minute {minute}: {told:?}");
        assert!(told.shed_share(Priority::High) < 0.002, "minute {minute}: {told:?}");
        let (low, normal) = (told.shed_share(Priority::Low), told.shed_share(Priority::Normal));
        assert!(low > 0.9 && normal < 0.6, "minute {minute}: {told:?}");
    }
}

#[test]
fn a_first_overload_is_over_in_seconds() {
    let mut model = Model::new(100.0, &[50.0]);
    model.run(30, 1000.0);
    model.run(5, 4000.0);
    let told = model.run(5, 4000.0);
    assert!(told.mean() < 150.0, "{} {told:?}", told.mean());
}

#[test]
fn a_host_that_begins_in_overload_learns_from_a_probe() {
    let mut model = Model::new(100.0, &[50.0]);
    model.run(90, 4000.0);
    let told = model.run(30, 4000.0);
    assert!(told.mean() < 150.0, "{} {told:?}", told.mean());
    assert!(told.shed_share(Priority::High) < 0.01, "{told:?}");
}

#[test]
fn after_slowness_all_are_let_in_again() {
    let mut model = Model::new(100.0, &[50.0]);
    model.run(30, 1000.0);
    model.capacity = 20.0;
    let slow = model.run(60, 1000.0);
    assert!(slow.shed.iter().sum::<u32>() > 0);
    assert!(slow.shed_share(Priority::High) < 0.03, "{slow:?}");
    model.capacity = 100.0;
    model.run(10, 1000.0);
    let told = model.run(60, 1000.0);
    assert_eq!(told.shed, [0; 3], "{told:?}");
    assert!(told.mean() < 55.0);
}

#[test]
fn what_has_become_slow_for_good_but_is_not_busy_is_let_in_again() {
    // Waits for another server, which answers in 50 ms, and then in 400.
    let mut model = Model::new(f64::INFINITY, &[50.0]);
    model.run(60, 1200.0);
    model.work = vec![400.0];
    model.run(30, 1200.0);
    let told = model.run(60, 1200.0);
    assert!(told.shed.iter().sum::<u32>() == 0, "{told:?}, limit {}", model.limit.now());
}

#[test]
fn few_long_requests_among_short_ones_are_no_overload() {
    let mut work = vec![1.0; 19];
    work.push(500.0);
    let mut model = Model::new(f64::INFINITY, &work);
    let told = model.run(120, 3000.0);
    assert_eq!(told.shed, [0; 3], "{told:?}");
}

#[test]
fn a_probe_without_samples_ends() {
    let mut model = Model::new(100.0, &[50.0]);
    model.run(10, 1000.0);
    model.run(60, 4000.0);
    let limit = &model.limit;
    // Nothing is learned from any more, as if all had bodies that are still to come.
    model.now += 60_000 * MS;
    limit.doubt(model.now);
    assert!(limit.now() >= 512, "{}", limit.now());
    assert!(limit.enter(Priority::Low).is_some());
}

#[test]
fn shares_by_priority_are_kept_at_any_limit() {
    for limit in [1_u32, 2, 10, 100, 4096] {
        let own = Limit::of_times(Bounds::new(limit, limit, limit, false));
        let let_in = |priority| {
            std::iter::repeat_with(|| own.enter(priority)).take_while(Option::is_some).count() as u32
        };
        let low = let_in(Priority::Low);
        assert_eq!(low, (limit * 70 / 100).max(1), "{limit}");
        let normal = let_in(Priority::Normal);
        assert_eq!(low + normal, (limit * 90 / 100).max(1), "{limit}");
        let high = let_in(Priority::High);
        assert_eq!(low + normal + high, (limit * 110 / 100).max(limit + 8), "{limit}");
        assert_eq!(let_in(Priority::Low) + let_in(Priority::Normal), 0);
        (0..low + normal + high).for_each(|_| own.leave());
        assert_eq!(own.under_way(), 0);
    }
}

#[test]
fn places_come_back_however_a_request_ends() {
    let overload = Overload::default();
    overload.apply(&Config {
        adaptive: false,
        max_in_flight: 10,
        plugin_max_in_flight: 4,
        ..Config::default()
    });
    let plugin = overload.plugin("p");
    for _ in 0..100 {
        let places: Vec<_> = (0..20).map(|_| overload.admit(Some(&plugin), Priority::Low)).collect();
        assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 2);
        let refused = places.iter().find_map(|place| place.as_ref().err()).unwrap();
        assert_eq!((refused.kind, refused.retry_after), (Kind::Overloaded, Some(Duration::from_secs(1))));
    }
    assert_eq!((overload.host.under_way(), plugin.under_way()), (0, 0));
}

#[test]
fn one_plugin_in_overload_leaves_the_others_their_places() {
    let overload = Overload::default();
    let (busy, idle) = (overload.plugin("busy"), overload.plugin("idle"));
    let held: Vec<_> = (0..2000).map_while(|_| overload.admit(Some(&busy), Priority::High).ok()).collect();
    assert!(overload.admit(Some(&busy), Priority::High).is_err());
    assert!(overload.admit(Some(&idle), Priority::Low).is_ok());
    assert!(overload.admit(None, Priority::Low).is_ok());
    drop(held);
}

#[test]
fn what_was_learned_outlives_a_reload_and_ends_with_its_plugin() {
    let overload = Overload::default();
    let held = overload.plugin("p");
    overload.plugin("gone");
    held.learn(1, 1);
    overload.apply(&Config { retry_after: Duration::from_secs(7), ..Config::default() });
    assert!(Arc::ptr_eq(&held, &overload.plugin("p")));
    let kept = overload.plugins.lock().unwrap();
    assert_eq!(kept.limits.keys().map(|(plugin, _)| plugin).collect::<Vec<_>>(), ["p"]);
}

#[test]
fn bounds_that_move_take_the_limit_along() {
    let limit = Limit::of_times(Bounds::new(64, 512, 1024, true));
    limit.bound(Bounds::new(64, 512, 256, true));
    assert_eq!(limit.now(), 256);
    limit.bound(Bounds::new(2000, 512, 4000, true));
    assert_eq!(limit.now(), 2000);
    limit.bound(Bounds::new(64, 512, 1024, false));
    assert_eq!(limit.now(), 1024);
}

#[test]
fn only_calls_that_were_done_with_a_body_at_hand_are_learned_from() {
    let overload = Overload::default();
    let plugin = overload.plugin("p");
    let mut places: Vec<_> =
        (0..32).map(|_| overload.admit(Some(&plugin), Priority::High).unwrap()).collect();
    let place = places.pop().unwrap();
    let refused = Error::new(Kind::Overloaded, "");
    for _ in 0..100 {
        place.end(place.begin(true), None);
        place.end(place.begin(false), Some(&refused));
    }
    assert_eq!(plugin.ratio(1), None);
    for _ in 0..100 {
        place.end(place.begin(false), None);
    }
    assert!(plugin.ratio(1).is_some());
}

#[test]
fn a_release_that_hangs_takes_no_place_of_the_one_it_takes_over_from() {
    let overload = Overload::default();
    let (plugin, trial) = (overload.plugin("p"), overload.candidate("p", "abc"));
    let mut hanging = Vec::new();
    let shed = loop {
        let mut place = overload.admit(Some(&plugin), Priority::Normal).unwrap();
        match place.change(&trial, Priority::Normal) {
            Ok(()) => hanging.push(place),
            Err(error) => break error,
        }
    };
    assert_eq!(
        (shed.kind, plugin.under_way(), trial.under_way()),
        (Kind::Overloaded, 0, hanging.len() as u32)
    );
    assert_eq!(overload.host.under_way(), hanging.len() as u32, "who was shed gave back all");
    let late = Error::new(Kind::DeadlineExceeded, "");
    for _ in 0..100 {
        hanging[100].end(hanging[100].begin(false), Some(&late));
    }
    assert!(trial.ratio(1).is_some() && plugin.ratio(1).is_none(), "only its own limit learns");
    hanging.clear();
    assert_eq!((trial.under_way(), overload.host.under_way()), (0, 0));
    assert!(Arc::ptr_eq(&trial, &overload.candidate("p", "abc")));
}

#[test]
fn the_metrics_tell_limit_requests_and_what_was_shed() {
    let metrics = Metrics::default();
    let overload = Overload::measured(&metrics);
    overload.apply(&Config { adaptive: false, plugin_max_in_flight: 1, ..Config::default() });
    let plugin = overload.plugin("p");
    let _place = overload.admit(Some(&plugin), Priority::Low).unwrap();
    assert!(overload.admit(Some(&plugin), Priority::Low).is_err());
    let _held = overload.candidate("p", "abc");
    let text = metrics.render();
    for line in [
        "ostler_overload_limit{plugin=\"p\"} 1\n",
        "ostler_overload_limit{plugin=\"p\",release=\"abc\"} 1\n",
        "ostler_overload_limit{plugin=\"\"} 4096\n",
        "ostler_overload_in_flight{plugin=\"p\"} 1\n",
        "ostler_overload_in_flight{plugin=\"\"} 1\n",
        "ostler_overload_shed_total{plugin=\"p\",priority=\"low\"} 1\n",
        "ostler_overload_shed_total{plugin=\"p\",priority=\"high\"} 0\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}
