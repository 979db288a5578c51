//! Writes an environment, and only where no live one is: in a directory of this run's own making.

pub mod activation;
pub mod install;
pub mod relocate;
pub mod stage;
