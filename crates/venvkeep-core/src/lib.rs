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
//! | [`inspect`] | an environment's place | the facts about it, and its frozen list |
//! | [`diagnose`] | the facts | what is wrong, how it came about, what to do |
//! | [`interpreters`] | what `-p` says | the base interpreter that is meant, and what it says it is |
//! | [`rebuild`] | an interpreter, a place | an environment in a directory of its own making |
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
pub mod host;
pub mod inspect;
pub mod interpreters;
pub mod locate;
pub mod model;
pub mod new;
pub mod progress;
pub mod rebuild;
pub mod swap;
pub mod verify;
