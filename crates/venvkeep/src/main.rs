//! The `venvkeep` command.

fn main() {}
