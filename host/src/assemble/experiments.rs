//! What was counted of flags under experiment, as metrics.

use ostler_observe::metrics::{Metrics, Text};
use ostler_release::experiments::Experiments;

pub(super) fn register(metrics: &Metrics, experiments: &Experiments) {
    let experiments = experiments.clone();
    metrics.register(move |text| collect(text, &experiments));
}

fn collect(text: &mut Text, experiments: &Experiments) {
    experiments.each(|flag, variant| {
        let labels = [("flag", flag), ("variant", variant.name())];
        let exchanges = "Exchanges that were given a variant of a flag under experiment.";
        text.counter("ostler_experiment_exchanges_total", exchanges, &labels, variant.exchanges());
        for (name, metric) in variant.metrics() {
            let labels = [("flag", flag), ("variant", variant.name()), ("metric", &*name)];
            let (values, sum) = (
                "Values that plugins reported in those exchanges.",
                "Their sum, which values below zero lessen.",
            );
            text.counter("ostler_experiment_values_total", values, &labels, metric.count());
            text.gauge("ostler_experiment_values_sum", sum, &labels, metric.sum());
        }
    });
    let refused = "Exchanges that were not counted, since there were too many experiments or variants.";
    text.counter("ostler_experiment_refused_total", refused, &[], experiments.refused());
}
