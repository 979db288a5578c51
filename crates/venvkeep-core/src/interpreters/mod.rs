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

use crate::host::fs;
use crate::model::interpreter::BaseInterpreter;

/// The file in a Python's standard library by which a distribution keeps installers from its own packages (PEP 668).
pub const EXTERNALLY_MANAGED: &str = "EXTERNALLY-MANAGED";

/// Whether an interpreter bears that file.
pub fn is_externally_managed(base: &BaseInterpreter) -> bool {
    matches!(fs::lstat_if_any(&base.stdlib.join(EXTERNALLY_MANAGED)), Ok(Some(_)))
}
