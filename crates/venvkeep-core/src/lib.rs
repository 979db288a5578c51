//! The library behind venvkeep: it finds out what is wrong with a Python virtual environment and puts it right.
//!
//! # The pipeline
//!
//! `locate -> inspect -> diagnose -> plan -> rebuild -> verify -> swap -> report`; each stage takes the value of the
//! one before and hands on its own:
//!
//! | module | takes | gives |
//! |---|---|---|
//! | [`model`] | | pure values: what an environment consists of |
//! | [`host`] | | the only doors to the machine: files by descriptor, processes, credentials |
//! | [`locate`] | a path, or nothing | the environment that is meant |
//! | [`interpreters`] | what `-p` says | the base interpreter that is meant, and what it says it is |
//! | [`inspect`] | an environment's place | the facts about it, and its frozen list |
//! | [`diagnose`] | the facts | findings: what is wrong, how it came about, what puts it right |
//! | [`plan`] | facts, findings, wishes | which interpreter, and for each pin where it comes from |
//! | [`rebuild`] | a plan, a place | an environment in a directory of its own making: the stage |
//! | [`verify`] | a stage, the old environment | a stage that may be swapped in |
//! | [`swap`] | a verified stage | the new environment in place, the old one beside it |
//! | [`report`] | all of it | what the command shows |
//!
//! [`heal`] runs them all, [`scan`] the first of them on everything that it finds, [`new`] those that a new environment needs; [`root`] says when root is the wrong user for
//! either, [`store`] is what is kept for the user outside of environments, and [`shims`] the shell side.
//!
//! # Rules of the house
//!
//! The library prints nothing, reads no environment variables and knows no HOME: what it needs of its caller comes
//! in as a [`model::caller::Caller`]. Nothing from a broken or foreign environment is executed. A broken environment
//! is data (findings), never an error; an error means that venvkeep could not look, could not do, or that the ground
//! changed, and it says in what state the live environment is.

#![deny(missing_docs)]

pub mod diagnose;
pub mod error;
pub mod git_exclude;
pub mod heal;
pub mod host;
pub mod inspect;
pub mod interpreters;
pub mod list;
pub mod locate;
pub mod machine;
pub mod model;
pub mod new;
pub mod plan;
pub mod progress;
pub mod prune;
pub mod rebuild;
pub mod remove;
pub mod report;
pub mod root;
pub mod scan;
pub mod shims;
pub mod store;
pub mod swap;
pub mod undo;
pub mod verify;
