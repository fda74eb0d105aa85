//! ostler-upstream (see host/README.md).
