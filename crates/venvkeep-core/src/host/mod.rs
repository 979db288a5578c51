//! The only doors to the machine: files by descriptor, processes, credentials, locks.
//!
//! Everything here names the path in its errors, never follows a link unless its name says so, and never opens what
//! could hang. Where Linux and macOS differ, both calls stand side by side behind `cfg`; the macOS side is written
//! from its documentation and has not been run.

#![expect(clippy::disallowed_methods, reason = "this module is what the forbidden calls are replaced with")]

mod checkpoint;
pub mod container;
pub mod copy;
pub mod credentials;
mod directory;
pub mod fs;
pub mod lock;
pub mod modes;
pub mod mounts;
pub mod process;
pub mod programs;
pub mod random;
pub mod remove;
pub mod rename;
pub mod running;
pub mod sharing;
pub mod stream;
pub mod traverse;
pub mod walk;
