//! ostler-runtime (see host/README.md).
