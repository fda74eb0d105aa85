//! ostler-release (see host/README.md).
