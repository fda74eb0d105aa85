//! ostler-observe (see host/README.md).
