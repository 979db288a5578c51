//! Test support for venvkeep.
