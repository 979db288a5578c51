//! What stands at the head of an unpacked wheel's file: which wheel and interpreter it is for, and where in the file
//! the content of each of its files is.
//!
//! Lines of text, read once from the first to the last. What does not fit the format in any way makes the whole file
//! of no use, and it is made again.

use std::fmt::Write;
use std::path::{Component, Path};

use crate::host::container::{Piece, alignment};
use crate::model::entry_points::EntryPoint;

/// First line: this, the length of the index, the length of the file, each with so many digits.
const FORMAT: &str = "venvkeep-unpacked 1";

/// Length of the first line.
pub(super) const HEAD: u64 = 44;

/// Contents begin at a multiple of this.
const BLOCK: u64 = 4096;

/// The first line.
pub(super) fn head(index: u64, file: u64) -> String {
    format!("{FORMAT} {index:010} {file:012}\n")
}

/// The lengths of the index and of the file, from the first line.
pub(super) fn parse_head(line: &[u8]) -> Option<(u64, u64)> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix(FORMAT)?.strip_prefix(' ')?.strip_suffix('\n')?;
    let (index, file) = rest.split_once(' ')?;
    Some((index.parse().ok()?, file.parse().ok()?))
}

/// Where the first content begins.
pub(super) fn contents_at(index: u64) -> u64 {
    (HEAD + index).next_multiple_of(BLOCK)
}

/// The index as a value; names are borrowed from its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index<'t> {
    /// What it belongs to, as one line.
    pub(super) key: &'t str,
    /// The distribution's name and version.
    pub(super) distribution: (&'t str, &'t str),
    /// The time of its modules, in seconds.
    pub(super) modified: i64,
    /// The commands that it wants.
    pub(super) scripts: Vec<EntryPoint>,
    /// Its directories, each after the one around it.
    pub(super) directories: Vec<Files<'t>>,
}

/// A directory with its files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Files<'t> {
    /// Relative to site-packages; empty for that itself.
    pub(super) path: &'t str,
    pub(super) files: Vec<PackedFile<'t>>,
}

/// One file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PackedFile<'t> {
    pub(super) name: &'t str,
    pub(super) executable: bool,
    pub(super) piece: Piece,
}

impl PackedFile<'_> {
    /// Whether bytecode names its time.
    pub(super) fn is_module(&self) -> bool {
        Path::new(self.name).extension().is_some_and(|extension| extension == "py")
    }
}

/// Gives each content its place, one behind the other.
#[derive(Debug)]
pub(super) struct Places {
    next: u64,
}

impl Places {
    pub(super) fn from(start: u64) -> Self {
        Self { next: start }
    }

    pub(super) fn place(&mut self, size: u64) -> Piece {
        let at = self.next.next_multiple_of(alignment(size));
        self.next = at + size;
        Piece { at, size }
    }
}

impl<'t> Index<'t> {
    pub(super) fn parse(text: &'t str, contents: u64) -> Option<Self> {
        let mut lines = text.split_terminator('\n');
        let key = lines.next()?;
        let distribution = lines.next()?.split_once(' ')?;
        let modified = lines.next()?.parse().ok()?;
        let mut index = Self { key, distribution, modified, scripts: Vec::new(), directories: Vec::new() };
        let mut places = Places::from(contents);
        for line in lines {
            match line.split_once(' ')? {
                ("script", entry) => index.scripts.push(EntryPoint::parse(entry)?),
                ("dir", path) if is_inside(path) => {
                    index.directories.push(Files { path, files: Vec::new() });
                }
                (kind @ ("file" | "program"), rest) => {
                    let (size, name) = rest.split_once(' ')?;
                    if !is_name(name) {
                        return None;
                    }
                    let piece = places.place(size.parse().ok()?);
                    let file = PackedFile { name, executable: kind == "program", piece };
                    index.directories.last_mut()?.files.push(file);
                }
                _ => return None,
            }
        }
        Some(index)
    }

    /// How long a file is that holds all of it.
    pub(super) fn file_size(&self, contents: u64) -> u64 {
        let ends = self.directories.iter().flat_map(|directory| &directory.files);
        ends.map(|file| file.piece.at + file.piece.size).max().unwrap_or(contents)
    }

    pub(super) fn to_text(&self) -> String {
        let mut text =
            format!("{}\n{} {}\n{}\n", self.key, self.distribution.0, self.distribution.1, self.modified);
        // Writing to a string cannot fail.
        for entry in &self.scripts {
            let _ = writeln!(text, "script {} = {}:{}", entry.name, entry.module, entry.attribute);
        }
        for directory in &self.directories {
            let _ = writeln!(text, "dir {}", directory.path);
            for file in &directory.files {
                let kind = if file.executable { "program" } else { "file" };
                let _ = writeln!(text, "{kind} {} {}", file.piece.size, file.name);
            }
        }
        text
    }
}

/// A name that stays in its directory.
fn is_name(name: &str) -> bool {
    !name.contains('/') && is_inside(name) && !name.is_empty()
}

/// A path that leads nowhere else.
fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) && !path.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::{Files, HEAD, Index, PackedFile, Places, contents_at, head, parse_head};
    use proptest::proptest;

    #[test]
    fn written_and_read_again() {
        let line = head(12, 3_000_000);
        assert_eq!(line.len() as u64, HEAD);
        assert_eq!(parse_head(line.as_bytes()), Some((12, 3_000_000)));
        assert_eq!(contents_at(5000), 8192);

        let mut places = Places::from(4096);
        let mut file = |name, size, executable| PackedFile { name, executable, piece: places.place(size) };
        let index = Index {
            key: "{\"a\": 1}",
            distribution: ("pip", "23.0.1"),
            modified: 1_700_000_000,
            scripts: vec![super::EntryPoint::parse("pip = pip.main:run").unwrap()],
            directories: vec![
                Files { path: "", files: vec![] },
                Files { path: "pip", files: vec![file("a b.py", 3, false), file("big", 20_000, true)] },
            ],
        };
        assert_eq!(index.directories[1].files[1].piece.at, 8192, "blocks can be shared");
        assert_eq!(index.file_size(4096), 28_192);
        let text = index.to_text();
        assert_eq!(Index::parse(&text, 4096).unwrap(), index);
    }

    #[test]
    fn what_leads_elsewhere_or_is_garbled_is_none() {
        for lines in [
            "dir ../x",
            "dir /etc",
            "dir a\nfile 1 ../b",
            "dir a\nfile 1 b/c",
            "dir a\nfile -1 b",
            "dir a\nfile 1 ..",
            "file 1 b",
            "script x = y",
            "other",
        ] {
            assert_eq!(Index::parse(&format!("k\nn 1\n5\n{lines}\n"), 0), None, "{lines}");
        }
        assert_eq!(Index::parse("", 0), None);
        assert_eq!(parse_head(b"venvkeep-unpacked 2 1 1\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "(?s).*") {
            Index::parse(&text, 4096);
            parse_head(text.as_bytes());
        }
    }
}
