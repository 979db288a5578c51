//! What nobody can guess.

use std::io;
use std::path::Path;

use super::fs::{Doing, IoError, Named, Result};

/// Bytes from the operating system's random source.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled: std::result::Result<(), IoError> = getrandom::fill(&mut bytes)
        .map_err(|error| io::Error::other(error.to_string()))
        .named(Doing::Read, Path::new("the random source"));
    filled.map(|()| bytes)
}
