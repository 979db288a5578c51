//! Base interpreters: where they are, which one is meant, and what each says it is.
//!
//! An interpreter is started only when nobody but root and the user can have put it there, and only to ask it one
//! question ([`ask`]); the answer is remembered. Interpreters inside environments are never candidates: an active
//! environment, broken or not, comes first in `PATH`.

pub mod ask;
pub mod find;
pub mod places;
pub mod remember;
pub mod request;
