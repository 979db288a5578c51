//! Wheels, written by the kit: the tests need no index, and know every byte.
//!
//! Format: the PyPA "Binary distribution format" and "Recording installed projects"
//! specifications. The same wheel has the same bytes on every machine.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

use crate::OrFail;

/// A wheel that is about to be written.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `write`"]
pub struct Wheel {
    name: String,
    version: String,
    tag: String,
    headers: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Wheel {
    /// An empty wheel. `name` is spelt as its METADATA shall have it.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            headers: String::new(),
            files: Vec::new(),
        }
    }

    /// For one interpreter or platform, as in `cp311-cp311-linux_x86_64`.
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// One more header of its METADATA, as in `("Requires-Dist", "pure-one>=1")`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail.
        writeln!(self.headers, "{name}: {value}").ok();
        self
    }

    /// A file, named relative to site-packages.
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// A file for another place of the environment: `kind` is `scripts`, `headers` or `data`.
    pub fn data(self, kind: &str, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let name = format!("{}.data/{kind}/{name}", self.stem());
        self.file(&name, content)
    }

    /// The text of its `entry_points.txt`.
    pub fn entry_points(self, text: &str) -> Self {
        let name = format!("{}.dist-info/entry_points.txt", self.stem());
        self.file(&name, text)
    }

    /// Writes it into `directory` and returns its path.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join(format!("{}-{}.whl", self.stem(), self.tag));
        write_zip(&path, &self.members());
        path
    }

    /// `name-version`, the name escaped as file names want it.
    fn stem(&self) -> String {
        format!("{}-{}", escape(&self.name), self.version)
    }

    fn members(&self) -> Vec<(String, Vec<u8>)> {
        let info = format!("{}.dist-info", self.stem());
        let metadata = format!(
            "Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}",
            self.name, self.version, self.headers
        );
        let wheel = format!(
            "Wheel-Version: 1.0\nGenerator: venvkeep-testkit\nRoot-Is-Purelib: {}\nTag: {}\n",
            self.tag.ends_with("-none-any"),
            self.tag
        );
        let mut members = self.files.clone();
        members.push((format!("{info}/METADATA"), metadata.into_bytes()));
        members.push((format!("{info}/WHEEL"), wheel.into_bytes()));
        let own = format!("{info}/RECORD");
        let rows: String = members.iter().map(|(name, content)| record_row(name, content)).collect();
        members.push((own.clone(), format!("{rows}{own},,\n").into_bytes()));
        members
    }
}

fn record_row(name: &str, content: &[u8]) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
    let name = if name.contains([',', '"']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    };
    format!("{name},sha256={hash},{}\n", content.len())
}

/// A distribution's name as it stands in file names: lower case, every run of `-_.` one underscore.
pub(crate) fn escape(name: &str) -> String {
    let words: Vec<&str> = name.split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

/// A zip file with the same bytes each time: fixed times and modes, in the order given.
pub(crate) fn write_zip(path: &Path, members: &[(String, Vec<u8>)]) {
    let mut zip = ZipWriter::new(File::create(path).or_fail("create", path));
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    for (name, content) in members {
        // Installers make a script executable only when its entry here is.
        let mode = if name.contains(".data/scripts/") { 0o755 } else { 0o644 };
        zip.start_file(name, options.unix_permissions(mode)).or_fail("write", path);
        zip.write_all(content).or_fail("write", path);
    }
    zip.finish().or_fail("finish", path);
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read;

    use tempfile::tempdir;

    use super::{Wheel, escape};

    #[test]
    fn names_are_escaped_as_the_specification_says() {
        assert_eq!(escape("Odd.Name_x"), "odd_name_x");
        assert_eq!(escape("a-.-b"), "a_b");
    }

    #[test]
    fn the_same_wheel_has_the_same_bytes() {
        let (first, second) = (tempdir().unwrap(), tempdir().unwrap());
        let wheel = Wheel::new("pure-one", "1.0").file("pure_one.py", "ONE = 1\n");
        let written = [&first, &second].map(|place| fs::read(wheel.write(place.path())).unwrap());
        assert_eq!(written[0], written[1]);
    }

    #[test]
    fn record_lists_every_member_with_hash_and_size() {
        let place = tempdir().unwrap();
        let wheel = Wheel::new("x", "1").file("x/a,b.txt", "abc").write(place.path());
        let mut zip = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
        let members = zip.len();
        let mut record = String::new();
        zip.by_name("x-1.dist-info/RECORD").unwrap().read_to_string(&mut record).unwrap();
        assert_eq!(record.lines().count(), members);
        assert_eq!(
            record.lines().next(),
            Some("\"x/a,b.txt\",sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0,3")
        );
        assert!(record.ends_with("x-1.dist-info/RECORD,,\n"));
    }
}
