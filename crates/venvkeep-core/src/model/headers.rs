//! The header lines that METADATA, PKG-INFO and WHEEL files begin with.
//!
//! Core metadata is written as an e-mail header (PyPA "Core metadata specifications"): `Key: value`, keys
//! without case, a line that begins with a blank continues the one before, an empty line ends it. What follows
//! is a description of any size, which nobody here reads.

use std::borrow::Cow;

use memchr::memmem;

/// The headers in their order, borrowed from the file's bytes where they stand there as they are. Text that is not
/// UTF-8 is kept with replacement characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// The headers did not end within the bytes that were allowed for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its header is longer than {limit} bytes")]
pub struct HeadersTooLong {
    /// The bound that was given.
    pub limit: usize,
}

impl<'a> Headers<'a> {
    /// Reads up to the first empty line, or the end. Lines without a colon are skipped.
    pub fn parse(bytes: &'a [u8], limit: usize) -> Result<Self, HeadersTooLong> {
        let mut headers = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            let (line, after) = rest.split_at(end);
            if line.trim_ascii().is_empty() {
                break;
            }
            if bytes.len() - after.len() > limit {
                return Err(HeadersTooLong { limit });
            }
            headers.take_line(line);
            rest = after;
        }
        Ok(headers)
    }

    /// Whether these first bytes of a file surely hold all of its headers.
    pub fn end_within(bytes: &[u8]) -> bool {
        memmem::find(bytes, b"\n\n").is_some() || memmem::find(bytes, b"\n\r\n").is_some()
    }

    fn take_line(&mut self, line: &'a [u8]) {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = self.entries.last_mut() {
                let more = String::from_utf8_lossy(line);
                let (value, more) = (value.to_mut(), more.trim());
                if !value.is_empty() && !more.is_empty() {
                    value.push(' ');
                }
                value.push_str(more);
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            self.entries.push((text(&line[..colon]), text(&line[colon + 1..])));
        }
    }

    /// The first value of `key`, whatever its case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// Every value of `key` in the order of the file.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(move |(present, _)| present.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_ref())
    }
}

/// Without the blanks around it, and the byte order mark that some editors put before a file's first key.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let around = |c: char| c.is_whitespace() || c == '\u{feff}';
    // Nearly all of it is text, which this finds out several times faster than a lossy reading.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.trim_matches(around)),
        Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).trim_matches(around).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Headers, HeadersTooLong};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    #[test]
    fn the_body_is_not_read() {
        let headers = Headers::parse(b"Name: a\r\n\r\nName: b\r\n", 9).unwrap();
        assert_eq!(headers.all("NAME").collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn where_the_body_is_in_sight_the_headers_are_whole() {
        for (bytes, whole) in [("A: b\n\nbody", true), ("A: b\r\n\r\n", true), ("A: b\n B\n", false)] {
            assert_eq!(Headers::end_within(bytes.as_bytes()), whole, "{bytes:?}");
        }
    }

    #[test]
    fn continuation_lines_and_bytes_that_are_no_text() {
        let headers = Headers::parse(
            b" lost\nAuthor: J\xe9r\xf4me\nRequires-Dist: six\n  ; extra == 'x'\n?\nVersion:\n 1\n",
            99,
        );
        let headers = headers.unwrap();
        assert_eq!(headers.get("author"), Some("J\u{fffd}r\u{fffd}me"));
        assert_eq!(headers.get("requires-dist"), Some("six ; extra == 'x'"));
        assert_eq!(headers.get("version"), Some("1"));
    }

    #[test]
    fn an_endless_header_is_refused() {
        let bytes = vec![b'a'; 1000];
        assert_eq!(Headers::parse(&bytes, 100), Err(HeadersTooLong { limit: 100 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..400)) {
            let headers = Headers::parse(&bytes, 1000).unwrap();
            prop_assert!(headers.all("name").all(|value| !value.contains('\n')));
        }
    }
}
