//! The library behind venvkeep.
