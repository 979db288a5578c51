//! One marked block in a profile: put in, replaced, taken out. Bytes in, bytes out; every byte outside of the markers
//! stays what it is, whatever its encoding and line ends.
//!
//! The block itself says how the file was before where that cannot be seen from the rest, so that taking it out gives
//! back the very same bytes.

/// The line before ours.
const BEGIN: &[u8] = b"# >>> venvkeep >>>";
/// The line after ours.
const END: &[u8] = b"# <<< venvkeep <<<";
/// Stands first in the block of a file that was not there before.
const WAS_NO_FILE: &[u8] = b"# (The file was made for these lines.)";
/// Stands first in the block where a line end was added to the last line.
const HAD_NO_END: &[u8] = b"# (The line above had no end.)";

/// The markers do not enclose one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// A beginning without an end.
    #[error("line {0} begins venvkeep's block, but nothing ends it")]
    NoEnd(usize),
    /// An end without a beginning.
    #[error("line {0} ends venvkeep's block, but nothing begins it")]
    NoBeginning(usize),
    /// A second block, or one within another.
    #[error("line {0} begins a second block of venvkeep's")]
    Second(usize),
}

/// A profile, taken apart at its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile<'a> {
    before: &'a [u8],
    /// What stands between the markers.
    block: Option<&'a [u8]>,
    after: &'a [u8],
}

impl<'a> Profile<'a> {
    /// Finds the block. White space around a marker and a carriage return behind it do not hide it.
    pub fn parse(content: &'a [u8]) -> Result<Self, Unbalanced> {
        let mut begin = None;
        let mut found = None;
        let mut start = 0;
        for (number, line) in (1..).zip(content.split_inclusive(|&byte| byte == b'\n')) {
            let end = start + line.len();
            match (line.trim_ascii(), begin) {
                (BEGIN, None) if found.is_none() => begin = Some((number, start, end)),
                (BEGIN, _) => return Err(Unbalanced::Second(number)),
                (END, None) => return Err(Unbalanced::NoBeginning(number)),
                (END, Some((_, first, inner))) => {
                    found = Some((first, inner..start, end));
                    begin = None;
                }
                _ => {}
            }
            start = end;
        }
        match (begin, found) {
            (Some((number, ..)), _) => Err(Unbalanced::NoEnd(number)),
            (None, Some((first, inner, end))) => {
                Ok(Self { before: &content[..first], block: Some(&content[inner]), after: &content[end..] })
            }
            (None, None) => Ok(Self { before: content, block: None, after: &[] }),
        }
    }

    /// Our lines, without what the block says of the file.
    pub fn lines(&self) -> Option<&'a [u8]> {
        let (note, lines) = split_note(self.block?);
        Some(if note.is_some() { lines } else { self.block? })
    }

    /// The profile with these lines (each with its end) in its block: where the block stands already, else at the end.
    pub fn with(&self, lines: &str) -> Vec<u8> {
        let note = match self.block {
            Some(block) => split_note(block).0,
            None if self.before.last().is_some_and(|&last| last != b'\n') => Some(HAD_NO_END),
            None => None,
        };
        let end: &[u8] = if self.block.is_none() && note.is_some() { b"\n" } else { b"" };
        [self.before, end, &block(note, lines), self.after].concat()
    }

    /// The profile without the block; `None` where the file was made for it and holds nothing else.
    pub fn without(&self) -> Option<Vec<u8>> {
        let note = self.block.and_then(|block| split_note(block).0);
        let mut before = self.before;
        if note == Some(HAD_NO_END) && self.after.is_empty() {
            before = before.strip_suffix(b"\n").unwrap_or(before);
        }
        let rest = [before, self.after].concat();
        (note != Some(WAS_NO_FILE) || !rest.is_empty()).then_some(rest)
    }
}

/// The content of a file that is made for the block.
pub fn new_file(lines: &str) -> Vec<u8> {
    block(Some(WAS_NO_FILE), lines)
}

fn block(note: Option<&[u8]>, lines: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for line in [Some(BEGIN), note].into_iter().flatten() {
        block.extend(line);
        block.push(b'\n');
    }
    block.extend(lines.as_bytes());
    block.extend(END);
    block.push(b'\n');
    block
}

/// What a block says of the file, and the rest of it.
fn split_note(block: &[u8]) -> (Option<&'static [u8]>, &[u8]) {
    let end = block.iter().position(|&byte| byte == b'\n').map_or(block.len(), |at| at + 1);
    let (first, rest) = block.split_at(end);
    let note = [WAS_NO_FILE, HAD_NO_END].into_iter().find(|note| *note == first.trim_ascii());
    (note, rest)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use proptest::strategy::{Just, Strategy};
    use proptest::{prop_oneof, sample};

    use super::{Profile, Unbalanced, new_file};

    const LINES: &str = "# What this is.\n. shim\n";

    fn installed(content: &[u8], lines: &str) -> Vec<u8> {
        Profile::parse(content).unwrap().with(lines)
    }

    fn uninstalled(content: &[u8]) -> Option<Vec<u8>> {
        Profile::parse(content).unwrap().without()
    }

    #[test]
    fn what_a_profile_looks_like_with_it() {
        assert_eq!(
            String::from_utf8(installed(b"export A=1\n", LINES)).unwrap(),
            "export A=1\n# >>> venvkeep >>>\n# What this is.\n. shim\n# <<< venvkeep <<<\n"
        );
        let content = installed(b"export A=1", LINES);
        assert!(
            content.starts_with(b"export A=1\n# >>> venvkeep >>>\n# (The line above had no end.)\n# What")
        );
        assert_eq!(Profile::parse(&content).unwrap().lines(), Some(LINES.as_bytes()));
    }

    #[test]
    fn a_file_made_for_it_goes_with_it_unless_it_holds_more() {
        let content = new_file(LINES);
        assert_eq!(uninstalled(&content), None);
        assert_eq!(uninstalled(&installed(&content, ". other\n")), None);
        assert_eq!(uninstalled(&[&content, &b"alias x=y\n"[..]].concat()), Some(b"alias x=y\n".to_vec()));
        assert_eq!(uninstalled(&installed(b"", LINES)), Some(Vec::new()), "an empty file stays one");
    }

    #[test]
    fn markers_that_an_editor_touched_are_still_markers() {
        let windows = b"a\r\n# >>> venvkeep >>>\r\n. shim\r\n  # <<< venvkeep <<<\r\nb\r\n";
        assert_eq!(uninstalled(windows), Some(b"a\r\nb\r\n".to_vec()));
        assert_eq!(uninstalled(b"a\n# >>> venvkeep >>>\n# <<< venvkeep <<<"), Some(b"a\n".to_vec()));
    }

    #[test]
    fn markers_that_enclose_nothing_are_an_error() {
        for (content, error) in [
            ("a\n# >>> venvkeep >>>\n. shim\n", Unbalanced::NoEnd(2)),
            ("a\n# <<< venvkeep <<<\n", Unbalanced::NoBeginning(2)),
            ("# >>> venvkeep >>>\n# >>> venvkeep >>>\n# <<< venvkeep <<<\n", Unbalanced::Second(2)),
            (
                "# >>> venvkeep >>>\n# <<< venvkeep <<<\nb\n# >>> venvkeep >>>\n# <<< venvkeep <<<\n",
                Unbalanced::Second(4),
            ),
            ("# >>> venvkeep >>>\n# <<< venvkeep <<<\n# <<< venvkeep <<<\n", Unbalanced::NoBeginning(3)),
        ] {
            assert_eq!(Profile::parse(content.as_bytes()), Err(error), "{content}");
        }
    }

    /// Files of all kinds: bytes that are no text, Windows's line ends, other tools' blocks, no end at the end.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let lines = sample::select(vec![
            &b"export PATH=/x:$PATH\n"[..],
            b"a\r\n",
            b"\n",
            b"\r",
            b"# >>> conda initialize >>>\n",
            b"# <<< conda initialize <<<\n",
            b"# venvkeep >>>\n",
            b"# (The line above had no end.)\n",
            b"# (The file was made for these lines.)\n",
            b"no end",
        ]);
        let piece = prop_oneof![lines.prop_map(<[u8]>::to_vec), vec(any::<u8>(), 0..6)];
        prop_oneof![Just(Vec::new()), vec(piece, 0..8).prop_map(|pieces| pieces.concat())]
    }

    proptest! {
        #[test]
        fn taking_it_out_gives_back_every_byte(content in content()) {
            let once = installed(&content, LINES);
            prop_assert_eq!(&installed(&once, LINES), &once, "the second time changes nothing");
            let changed = installed(&once, ". another shim\n");
            prop_assert_eq!(&changed, &installed(&content, ". another shim\n"), "replaced in its place");
            prop_assert_eq!(uninstalled(&once), Some(content.clone()));
            prop_assert_eq!(uninstalled(&content), Some(content));
        }

        #[test]
        fn what_others_add_afterwards_stays(content in content(), added in content()) {
            proptest::prop_assume!(!added.is_empty());
            let mut ended = content.clone();
            if ended.last().is_some_and(|&last| last != b'\n') {
                ended.push(b'\n');
            }
            let both = [&installed(&content, LINES)[..], &added].concat();
            prop_assert_eq!(uninstalled(&both), Some([ended, added].concat()));
        }
    }
}
