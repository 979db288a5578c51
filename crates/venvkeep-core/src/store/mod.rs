//! What venvkeep keeps for the user outside of environments.

pub mod frozen;
