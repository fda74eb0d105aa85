//! Whether a new release does as well as the old one: what each has done, counted as it happens, and compared.

mod figures;

pub use figures::{Fault, Figures};
