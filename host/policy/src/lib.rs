//! ostler-policy (see host/README.md).
