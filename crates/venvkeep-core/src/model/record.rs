//! RECORD: which files a distribution put where, with their hashes and sizes.
//!
//! PEP 376, PEP 427 and PyPA "Recording installed projects": CSV of path, hash and size; paths are relative to
//! the directory that holds the `.dist-info`, or absolute; hash and size may be empty. A RECORD of a broken or
//! foreign environment may say anything: rows come one at a time within bounds that the caller sets, and
//! [`RecordRow::resolve`] decides on path components alone whether a row stays in the environment.

use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::URL_SAFE_NO_PAD};

/// Digests are written without padding; some tools pad them.
const DIGEST: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How much of a RECORD is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimits {
    /// Longest file, in bytes.
    pub bytes: usize,
    /// Most rows.
    pub rows: usize,
}

impl RecordLimits {
    /// Of what is installed outside of environments. No distribution comes near.
    pub const OUTSIDE: Self = Self { bytes: 16 * 1024 * 1024, rows: 200_000 };
}

/// Why a RECORD or one row of it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The file is longer than the caller reads.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The bound that was given.
        limit: usize,
    },
    /// More rows than the caller reads; no row follows this error.
    #[error("it has more than {limit} rows")]
    TooManyRows {
        /// The bound that was given.
        limit: usize,
    },
    /// One row cannot be read; the next may be.
    #[error("line {line}: {fault}")]
    Row {
        /// Where the row begins, counted from 1.
        line: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
}

/// Longest row: no system takes a path of more than 4096 bytes.
pub const LONGEST_ROW: usize = 16 * 1024;

/// What is wrong with one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// Not a CSV row of text.
    #[error("it is not text")]
    NotText,
    /// Longer than any path and hash together.
    #[error("it is longer than {LONGEST_ROW} bytes")]
    TooLong,
    /// The first field is empty.
    #[error("the path is missing")]
    NoPath,
    /// More than path, hash and size.
    #[error("it has more than three fields")]
    TooManyFields,
    /// Not `algorithm=digest`, or not a digest of that algorithm.
    #[error("the hash is damaged")]
    Hash,
    /// Not a number.
    #[error("the size is not a number")]
    Size,
}

/// One file of a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// As written, separated by `/`. Untrusted: see [`RecordRow::resolve`].
    pub path: String,
    /// Missing for RECORD itself and for bytecode.
    pub hash: Option<RecordHash>,
    /// In bytes.
    pub size: Option<u64>,
}

/// The hash of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordHash {
    /// One that can be computed and compared.
    Known {
        /// Which.
        algorithm: HashAlgorithm,
        /// Its raw bytes, as many as the algorithm makes.
        digest: Vec<u8>,
    },
    /// Another algorithm's (`md5=…`), as written: neither right nor wrong.
    Unknown(String),
}

/// The algorithms that the specification asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// What every installer writes.
    Sha256,
    /// Allowed.
    Sha384,
    /// Allowed.
    Sha512,
}

/// Where a row's file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordPlace {
    /// Relative to the environment's prefix, free of `.` and `..`, never empty.
    Inside(PathBuf),
    /// Absolute, outside the prefix (or the prefix itself): never to be written or removed.
    Outside(PathBuf),
}

/// How the rows of a file end: pip writes CRLF, uv LF. A rewritten file keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl HashAlgorithm {
    /// As it stands before the `=`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of a digest in bytes.
    pub const fn digest_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl RecordHash {
    /// Reads `algorithm=digest`; `None` where it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let (label, digest) = text.split_once('=')?;
        let known = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.label() == label);
        let Some(algorithm) = known else {
            return (!label.is_empty()).then(|| Self::Unknown(text.to_owned()));
        };
        let digest = DIGEST.decode(digest).ok()?;
        (digest.len() == algorithm.digest_length()).then_some(Self::Known { algorithm, digest })
    }

    /// The field's text.
    pub fn to_field(&self) -> String {
        match self {
            Self::Known { algorithm, digest } => {
                format!("{}={}", algorithm.label(), URL_SAFE_NO_PAD.encode(digest))
            }
            Self::Unknown(text) => text.clone(),
        }
    }
}

impl RecordRow {
    /// Where the file lies, judged by components without looking at the disk. `prefix` is the environment's
    /// absolute path, `site_rel` the directory of the `.dist-info` relative to it (`lib/python3.11/site-packages`).
    pub fn resolve(&self, prefix: &Path, site_rel: &Path) -> RecordPlace {
        let written = Path::new(&self.path);
        if is_plain(&self.path) {
            return RecordPlace::Inside(site_rel.join(written));
        }
        let mut inside = PathBuf::new();
        let relative = if written.is_absolute() {
            let absolute = lexical(written);
            match absolute.strip_prefix(prefix) {
                Ok(rest) => rest.to_owned(),
                Err(_) => return RecordPlace::Outside(absolute),
            }
        } else {
            site_rel.join(written)
        };
        for component in relative.components() {
            match component {
                Component::Normal(part) => inside.push(part),
                // A path that leaves the prefix is outside even if it names the way back in.
                Component::ParentDir if !inside.pop() => {
                    return RecordPlace::Outside(lexical(&prefix.join(&relative)));
                }
                _ => {}
            }
        }
        if inside.as_os_str().is_empty() {
            return RecordPlace::Outside(prefix.to_owned());
        }
        RecordPlace::Inside(inside)
    }

    /// Whether the row is about bytecode, which comes and goes without harm: a `.pyc` or `.pyo` file, or a
    /// `__pycache__` directory (virtualenv lists those).
    pub fn is_bytecode(&self) -> bool {
        let path = Path::new(&self.path);
        path.file_name().is_some_and(|name| name == "__pycache__")
            || path.extension().is_some_and(|ending| ending == "pyc" || ending == "pyo")
    }
}

/// Whether a relative path goes nowhere but down and is written in the one usual way: nearly all are.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// How a row names a file, given where the file and the directory of the `.dist-info` are, both relative to the
/// prefix: `../../../bin/pip` for a script. `None` for a path that is not text, which no RECORD can hold.
pub fn listed_as(path: &Path, site_rel: &Path) -> Option<String> {
    let common = site_rel.components().zip(path.components()).take_while(|(one, other)| one == other).count();
    let up = site_rel.components().skip(common).map(|_| Some(".."));
    let down = path.components().skip(common).map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    parts.map(|parts| parts.join("/"))
}

/// An absolute path with `.` and `..` worked out by text alone; `..` at the root stays there.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The rows of a RECORD, read as they are asked for.
#[derive(Debug)]
pub struct RecordRows<'bytes> {
    reader: csv::Reader<&'bytes [u8]>,
    record: csv::ByteRecord,
    seen: usize,
    limit: usize,
}

impl<'bytes> RecordRows<'bytes> {
    /// Begins to read a RECORD's bytes. The caller need not read more than `limits.bytes` + 1 of them.
    pub fn parse(bytes: &'bytes [u8], limits: RecordLimits) -> Result<Self, RecordError> {
        if bytes.len() > limits.bytes {
            return Err(RecordError::TooLong { limit: limits.bytes });
        }
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        Ok(Self { reader, record: csv::ByteRecord::new(), seen: 0, limit: limits.rows })
    }
}

impl Iterator for RecordRows<'_> {
    type Item = Result<RecordRow, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.seen > self.limit {
            return None;
        }
        let fault = match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => return None,
            Ok(true) => {
                self.seen += 1;
                if self.seen > self.limit {
                    return Some(Err(RecordError::TooManyRows { limit: self.limit }));
                }
                match read_row(&self.record) {
                    Ok(row) => return Some(Ok(row)),
                    Err(fault) => fault,
                }
            }
            Err(_) => {
                self.seen = self.limit + 1;
                RowFault::NotText
            }
        };
        let line = self.record.position().map_or(0, csv::Position::line);
        Some(Err(RecordError::Row { line, fault }))
    }
}

fn read_row(record: &csv::ByteRecord) -> Result<RecordRow, RowFault> {
    if record.as_slice().len() > LONGEST_ROW {
        return Err(RowFault::TooLong);
    }
    let field = |index: usize| {
        let bytes = record.get(index).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| RowFault::NotText)
    };
    let (path, hash, size) = (field(0)?, field(1)?, field(2)?);
    if path.is_empty() {
        return Err(RowFault::NoPath);
    }
    if record.len() > 3 {
        return Err(RowFault::TooManyFields);
    }
    let hash = match hash {
        "" => None,
        text => Some(RecordHash::parse(text).ok_or(RowFault::Hash)?),
    };
    let size = match size {
        "" => None,
        text => Some(text.parse().map_err(|_| RowFault::Size)?),
    };
    Ok(RecordRow { path: path.to_owned(), hash, size })
}

impl LineEnding {
    /// How the first line of a file ends; LF where there is none.
    pub fn of(bytes: &[u8]) -> Self {
        match memchr::memchr(b'\n', bytes) {
            Some(at) if at > 0 && bytes[at - 1] == b'\r' => Self::CrLf,
            _ => Self::Lf,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// A RECORD's content, quoted where Python's `csv` quotes.
pub fn write<'rows>(rows: impl IntoIterator<Item = &'rows RecordRow>, ending: LineEnding) -> Vec<u8> {
    let mut out = String::new();
    for row in rows {
        push_field(&mut out, &row.path);
        out.push(',');
        push_field(&mut out, &row.hash.as_ref().map(RecordHash::to_field).unwrap_or_default());
        out.push(',');
        out.push_str(&row.size.map(|size| size.to_string()).unwrap_or_default());
        out.push_str(ending.text());
    }
    out.into_bytes()
}

fn push_field(out: &mut String, field: &str) {
    // A reader would take a byte order mark at the start of the file for no part of the first path.
    if field.contains(['"', ',', '\n', '\r', '\u{feff}']) {
        out.push('"');
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        HashAlgorithm, LineEnding, RecordError, RecordHash, RecordLimits, RecordPlace, RecordRow, RecordRows,
        RowFault, listed_as, write,
    };
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use std::path::{Component, Path, PathBuf};

    const LIMITS: RecordLimits = RecordLimits { bytes: 10_000, rows: 100 };
    const DIGEST: &str = "NE3CDTMpSvCvwwesSgySL9R0kBb75wDzWeFlB4piYeU";

    fn rows(bytes: &[u8]) -> Vec<Result<RecordRow, RecordError>> {
        RecordRows::parse(bytes, LIMITS).unwrap().collect()
    }

    fn place(path: &str) -> RecordPlace {
        let row = RecordRow { path: path.to_owned(), hash: None, size: None };
        row.resolve(Path::new("/home/u/p/.venv"), Path::new("lib/python3.11/site-packages"))
    }

    #[test]
    fn a_row_is_no_longer_than_any_path() {
        let limits = RecordLimits { bytes: 100_000, rows: 10 };
        let record = "x".repeat(super::LONGEST_ROW + 1) + ",,\na,,\n";
        let mut rows = RecordRows::parse(record.as_bytes(), limits).unwrap();
        assert!(matches!(rows.next(), Some(Err(RecordError::Row { fault: super::RowFault::TooLong, .. }))));
        assert_eq!(rows.next().unwrap().unwrap().path, "a");
    }

    #[test]
    fn what_pip_and_uv_write_is_kept() {
        for ending in ["\r\n", "\n"] {
            let text = format!("../../../bin/pip,sha256={DIGEST},248{ending}\"a,b\"\"c.py\",,{ending}");
            let read: Vec<_> = rows(text.as_bytes()).into_iter().map(Result::unwrap).collect();
            assert_eq!(read[0].size, Some(248));
            assert_eq!(read[1].path, "a,b\"c.py");
            let written = write(&read, LineEnding::of(text.as_bytes()));
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn hashes() {
        let known = RecordHash::parse(&format!("sha256={DIGEST}")).unwrap();
        assert!(
            matches!(&known, RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest } if digest.len() == 32)
        );
        assert_eq!(RecordHash::parse(&format!("sha256={DIGEST}=")), Some(known));
        assert_eq!(RecordHash::parse("md5=abc"), Some(RecordHash::Unknown("md5=abc".to_owned())));
        for text in ["sha256=AAAA", "sha256=!", "sha256", "=x"] {
            assert_eq!(RecordHash::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_bad_row_does_not_hide_the_next() {
        let read = rows(b"a.py,,x\n\xff,,\n,,\nb.py,sha256=x,\nc.py,,,\nd.py\n");
        let fault = |line, fault| Err(RecordError::Row { line, fault });
        assert_eq!(read[0], fault(1, RowFault::Size));
        assert_eq!(read[1], fault(2, RowFault::NotText));
        assert_eq!(read[2], fault(3, RowFault::NoPath));
        assert_eq!(read[3], fault(4, RowFault::Hash));
        assert_eq!(read[4], fault(5, RowFault::TooManyFields));
        assert_eq!(read[5].as_ref().unwrap().path, "d.py");
    }

    #[test]
    fn bounds_hold() {
        let limits = RecordLimits { bytes: 20, rows: 2 };
        let read: Vec<_> = RecordRows::parse(b"a,,\nb,,\nc,,\nd,,\n", limits).unwrap().collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[2], Err(RecordError::TooManyRows { limit: 2 }));
        assert_eq!(RecordRows::parse(&[b'a'; 21], limits).err(), Some(RecordError::TooLong { limit: 20 }));
    }

    #[test]
    fn a_file_is_listed_as_seen_from_site_packages() {
        let site = Path::new("lib/python3.11/site-packages");
        for (path, listed) in [
            ("bin/pip", "../../../bin/pip"),
            ("lib/python3.11/site-packages/a/b.py", "a/b.py"),
            ("lib/python3.12/site-packages/a.py", "../../python3.12/site-packages/a.py"),
        ] {
            assert_eq!(listed_as(Path::new(path), site).as_deref(), Some(listed));
            assert_eq!(place(listed), RecordPlace::Inside(path.into()));
        }
    }

    #[test]
    fn rows_inside_and_outside() {
        let inside = |path: &str| RecordPlace::Inside(PathBuf::from(path));
        let outside = |path: &str| RecordPlace::Outside(PathBuf::from(path));
        assert_eq!(place("six.py"), inside("lib/python3.11/site-packages/six.py"));
        assert_eq!(place("../../../bin/./pip"), inside("bin/pip"));
        assert_eq!(place("/home/u/p/.venv/etc/x"), inside("etc/x"));
        assert_eq!(place("/home/u/p/.venv-other/x"), outside("/home/u/p/.venv-other/x"));
        assert_eq!(place("/home/u/p/.venv/../x"), outside("/home/u/p/x"));
        assert_eq!(place("../../../../secret"), outside("/home/u/p/secret"));
        assert_eq!(place("../../../../.venv/bin/x"), outside("/home/u/p/.venv/bin/x"));
        assert_eq!(place("../../.."), outside("/home/u/p/.venv"));
        assert_eq!(place("../../../../../../../../etc/passwd"), outside("/etc/passwd"));
    }

    #[test]
    fn bytecode_rows() {
        let bytecode = |path: &str| RecordRow { path: path.to_owned(), hash: None, size: None }.is_bytecode();
        assert!(
            bytecode("a/__pycache__/b.cpython-311.pyc") && bytecode("a/__pycache__/") && bytecode("x.pyo")
        );
        assert!(!bytecode("a/b.py") && !bytecode("__pycache__/note.txt"));
    }

    fn any_hash() -> impl Strategy<Value = RecordHash> {
        prop_oneof![
            vec(any::<u8>(), 32)
                .prop_map(|digest| RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest }),
            vec(any::<u8>(), 64)
                .prop_map(|digest| RecordHash::Known { algorithm: HashAlgorithm::Sha512, digest }),
            "md5=[0-9a-f]{4}".prop_map(RecordHash::Unknown),
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..600)) {
            prop_assert!(rows(&bytes).len() <= LIMITS.rows + 1);
        }

        #[test]
        fn what_is_written_is_read(
            fields in vec(("[^\0]{1,20}", option::of(any_hash()), option::of(any::<u64>())), 1..8),
            crlf in any::<bool>(),
        ) {
            let before: Vec<_> =
                fields.into_iter().map(|(path, hash, size)| RecordRow { path, hash, size }).collect();
            let ending = if crlf { LineEnding::CrLf } else { LineEnding::Lf };
            let after: Vec<_> = rows(&write(&before, ending)).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(after, before);
        }

        #[test]
        fn inside_never_leaves(path in "(/|\\.\\./|\\./|[a-z]{1,3}/|/home/u/p/.venv/){0,8}[a-z.]{0,3}") {
            if let RecordPlace::Inside(relative) = place(&path) {
                let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
                prop_assert!(plain && relative.components().next().is_some());
            }
        }
    }
}
