//! What the host promises, told as tests: one folder each, named as a sentence.
//!
//! Every scenario starts the real binary with real components and asks it over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod a_changed_file_is_the_next_release;
mod a_changed_flag_counts_at_once;
mod a_drain_finishes_what_is_under_way;
mod a_flag_switches_routes_plugins_and_policies;
mod a_new_release_reaches_users_gradually;
mod a_principal_does_only_what_it_may;
mod a_reload_changes_what_it_says;
mod a_start_that_cannot_be_is_explained;
mod a_swap_drops_no_request;
mod a_todo_list_is_the_same_in_every_language;
mod an_experiment_tells_what_it_shows;
mod an_upload_is_taken_or_refused_with_reasons;
mod api_keys_are_made_shown_once_and_revoked;
mod bodies_are_bounded_and_stream_both_ways;
mod capabilities_reach_what_was_granted;
mod commands_drive_a_running_host;
mod components_made_for_other_hosts_run;
mod developing_swaps_in_every_change;
mod every_exchange_leaves_one_line;
mod every_handler_kind_answers;
mod flags_answer_as_flagd_does;
mod flags_are_asked_by_any_program;
mod flags_are_changed_by_one_at_a_time;
mod hostile_plugins_harm_only_themselves;
mod instances_are_reused_as_defined;
mod no_more_is_admitted_than_allowed;
mod only_proven_clients_come_in;
mod only_valid_requests_reach_a_plugin;
mod people_log_in_and_out;
mod python_applications_are_served;
mod requests_beyond_concurrency_wait_then_are_refused;
mod slow_clients_take_nothing_from_others;
mod the_api_is_as_described;
mod the_documents_say_what_the_host_does;
mod the_examples_work;
mod the_orders_example_works;
mod the_rollout_example_works;
mod the_same_answer_is_not_made_twice;
mod tls_is_served_and_renewed;
mod wasi_http_behaves_as_guests_rely_on;
mod what_matters_is_answered_at_twice_capacity;
mod what_was_acknowledged_survives;
