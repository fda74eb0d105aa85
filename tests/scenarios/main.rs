//! What the host promises, told as tests: one folder each, named as a sentence.
//!
//! Every scenario starts the real binary with real components and asks it over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod a_swap_drops_no_request;
mod an_upload_is_taken_or_refused_with_reasons;
mod bodies_are_bounded_and_stream_both_ways;
mod every_exchange_leaves_one_line;
mod every_handler_kind_answers;
mod hostile_plugins_harm_only_themselves;
mod instances_are_reused_as_defined;
mod requests_beyond_concurrency_wait_then_are_refused;
mod the_documents_say_what_the_host_does;
