//! End-to-end tests: the program as people start it, on environments that root really made.
//!
//! One module for each command or concern. They need root for the second user (see the header of
//! `venvkeep-testkit`), are skipped and counted without, and run by `tests/run`.

#![expect(
    clippy::disallowed_methods,
    reason = "tests look at the disk themselves instead of trusting the code under test"
)]

mod adopt;
mod bad_input;
mod book;
mod caches;
mod carry;
mod check;
mod copy;
mod daily;
mod doctor;
mod elsewhere;
mod fill;
mod formats;
mod freeze;
mod gone;
mod ground;
mod heal;
mod heal_all;
mod help;
mod hostile;
mod index_settings;
mod installed;
mod kinds;
mod lists;
mod memory;
mod narrow;
mod new;
mod next_steps;
mod others;
mod places;
mod profiles;
mod progress;
mod prometheus;
mod prune;
mod repair;
mod reuse;
mod root;
mod scan;
mod settings;
mod several;
mod shared;
mod shell;
mod snapshots;
mod standard;
mod support;
mod surroundings;
mod taken_back;
mod trust;
mod undo;
mod watched;
mod wishes;

/// The program under test.
const VENVKEEP: &str = env!("CARGO_BIN_EXE_venvkeep");
