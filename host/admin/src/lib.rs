//! ostler-admin (see host/README.md).
