//! ostler-edge (see host/README.md).
