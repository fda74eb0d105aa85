//! Whether a new release does as well as the old one: what each has done, counted as it happens, and compared.
//!
//! **Invariant:** for a release that is as good as the old one, the chance that a comparison fails is at most the level it was
//! asked for.

mod figures;
mod histogram;
mod judge;
mod metrics;
mod report;
mod sample;
mod sequential;
mod statistics;
mod subject;
mod verdict;

pub use figures::{Fault, Figures};
pub use judge::judge;
pub use metrics::METRICS;
pub(crate) use metrics::Metrics;
pub use report::{
    Arm, ArmReport, Difference, MetricReport, Of, Report, Shows, Split, compare, report, report_of_share,
};
pub use sample::{MetricSample, Sample};
pub(crate) use subject::bucket as subject_bucket;
pub use subject::{SUBJECTS, subject_hash};
pub use verdict::{Check, Outcome, Verdict};
