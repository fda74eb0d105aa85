//! ostler-services (see host/README.md).
