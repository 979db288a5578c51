//! Writes an environment, and only where no live one is: in a directory of this run's own making.

pub mod activation;
pub mod build;
pub mod carry;
pub mod create;
pub mod follow;
pub mod install;
pub mod marks;
mod records;
pub mod relocatable;
pub mod relocate;
pub mod reuse;
pub mod scripts;
pub mod seed;
pub mod share;
pub mod stage;
pub mod unpacked;
pub mod wheel;
