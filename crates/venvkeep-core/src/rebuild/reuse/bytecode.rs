//! Compiled modules that may come along with their source (PEP 552).
//!
//! Their first 16 bytes say what they were compiled from. Copies keep the time of their originals, so a header that
//! fits the original fits the copy.

use std::ffi::OsString;

use crate::model::facts::Facts;

/// Length of the header: the interpreter's magic number, flags, and two fields about the source.
pub(super) const HEADER: usize = 16;

/// The names that a module's bytecode has in `__pycache__`, with and without optimisation; `None` for what is no
/// module.
pub(super) fn names(module: &std::ffi::OsStr, cache_tag: &str) -> Option<[OsString; 3]> {
    let stem = module.to_str()?.strip_suffix(".py")?;
    Some(["", ".opt-1", ".opt-2"].map(|level| OsString::from(format!("{stem}.{cache_tag}{level}.pyc"))))
}

/// Whether bytecode that begins like that belongs to that source: by the source's time and size, or by its hash where
/// the interpreter itself checks that. Hashes that nobody checks prove nothing.
pub(super) fn belongs(head: &[u8], source: &Facts) -> bool {
    const CHECKED_HASH: u32 = 0b11;
    let Some(header) = head.get(..HEADER) else { return false };
    let word = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u32::from_le_bytes(bytes)
    };
    // Python keeps the lowest 32 bits of both.
    let seconds = source.modified_ns.div_euclid(1_000_000_000).rem_euclid(1 << 32);
    let size = source.size & u64::from(u32::MAX);
    match word(4) {
        0 => i64::from(word(8)) == seconds && u64::from(word(12)) == size,
        flags => flags == CHECKED_HASH,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{Facts, belongs, names};
    use crate::model::facts::Kind;

    fn source() -> Facts {
        Facts {
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1234,
            modified_ns: 1_700_000_000_987_654_321,
            device: 1,
            inode: 1,
            links: 1,
        }
    }

    fn header(flags: u32, first: u32, second: u32) -> Vec<u8> {
        [b"\xa7\x0d\x0d\x0a".to_vec(), [flags, first, second].map(u32::to_le_bytes).concat()].concat()
    }

    #[test]
    fn the_header_names_the_source() {
        assert!(belongs(&header(0, 1_700_000_000, 1234), &source()));
        assert!(!belongs(&header(0, 1_700_000_001, 1234), &source()));
        assert!(!belongs(&header(0, 1_700_000_000, 1235), &source()));
        assert!(belongs(&header(0b11, 5, 6), &source()), "the interpreter checks the hash");
        assert!(!belongs(&header(0b01, 5, 6), &source()), "nobody checks the hash");
        assert!(!belongs(&header(0b100, 1_700_000_000, 1234), &source()), "flags of the future");
        assert!(!belongs(b"\xa7\x0d\x0d\x0a", &source()));
    }

    #[test]
    fn only_modules_have_bytecode() {
        let of = |name: &str| names(OsStr::new(name), "cpython-311");
        assert_eq!(of("a.py").unwrap()[1], "a.cpython-311.opt-1.pyc");
        assert!(of("a.pyi").is_none() && of("py").is_none());
    }
}
