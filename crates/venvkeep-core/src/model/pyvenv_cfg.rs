//! `pyvenv.cfg`, the file that makes a directory an environment (PEP 405).
//!
//! Read as Python itself reads it: `getpath` takes the first `home`, `site` the last of every other key, both
//! without regard to case. Lines that Python cannot use are counted, never an error: a garbled file is a
//! finding about the environment.

use std::fmt::Write;

use super::python_version::PythonVersion;
use super::sharing::Sharing;

/// uv's key.
const RELOCATABLE: &str = "relocatable";

/// venvkeep's own: whom the environment is for.
const SHARED: &str = "shared";

/// Whether what is in an environment names its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As everywhere.
    ItsPlace,
    /// Scripts look where they lie, so that it can be moved (`uv venv --relocatable`).
    Nothing,
}

/// The lines of a `pyvenv.cfg` that are `key = value`, in their order, unknown keys included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PyvenvCfg {
    entries: Vec<(String, String)>,
    malformed_lines: usize,
}

/// Which tool made the environment, as far as its `pyvenv.cfg` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Creator {
    /// `uv venv`
    Uv,
    /// `virtualenv`
    Virtualenv,
    /// `python -m venv`, or a tool that leaves no mark of its own.
    Venv,
}

/// A key or value that would not come back from the file as it went in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pyvenv.cfg cannot hold \"{}\" for {}: it contains a line break or another control character", .value.escape_debug(), .key.escape_debug())]
pub struct UnwritableValue {
    /// The key it was meant for.
    pub key: String,
    /// The value, unescaped.
    pub value: String,
}

impl PyvenvCfg {
    /// Reads the file's bytes. Never fails; see [`PyvenvCfg::malformed_lines`].
    pub fn parse(bytes: &[u8]) -> Self {
        let mut config = Self::default();
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf");
        // Python takes a byte order mark for a part of the first key, so that line is lost to it.
        config.malformed_lines += usize::from(without_mark.is_some());
        let lines = without_mark.unwrap_or(bytes).split(|byte| matches!(byte, b'\n' | b'\r'));
        for line in lines.map(<[u8]>::trim_ascii) {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let text = String::from_utf8_lossy(line);
            match text.split_once('=') {
                Some((key, value)) if is_key(key.trim()) => {
                    config.entries.push((key.trim().to_owned(), value.trim().to_owned()));
                    // Python refuses a whole file that is not UTF-8.
                    config.malformed_lines += usize::from(std::str::from_utf8(line).is_err());
                }
                _ => config.malformed_lines += 1,
            }
        }
        config
    }

    /// How many lines Python could not use: no `=`, no key, not UTF-8, or behind a byte order mark.
    pub fn malformed_lines(&self) -> usize {
        self.malformed_lines
    }

    /// Every `key = value` line in the order of the file, spelled as there.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The last value of `key`, whatever its case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries().filter(|(present, _)| present.eq_ignore_ascii_case(key)).last().map(|(_, value)| value)
    }

    /// Sets `key` where it stands, or adds it as the last line.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), UnwritableValue> {
        let stays_on_its_line = |text: &str| !text.contains(char::is_control) && text.trim() == text;
        if !is_key(key) || !stays_on_its_line(key) || !stays_on_its_line(value) {
            return Err(UnwritableValue { key: key.to_owned(), value: value.to_owned() });
        }
        let known = |entry: &&mut (String, String)| entry.0.eq_ignore_ascii_case(key);
        match self.entries.iter_mut().rfind(known) {
            Some(entry) => value.clone_into(&mut entry.1),
            None => self.entries.push((key.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// The directory of the base interpreter: the first `home`, as Python's `getpath` takes it.
    pub fn home(&self) -> Option<&str> {
        self.entries().find(|(key, _)| key.eq_ignore_ascii_case("home")).map(|(_, value)| value)
    }

    /// The base interpreter's version: `version_info` (virtualenv, uv), else `version` (venv).
    pub fn version(&self) -> Option<PythonVersion> {
        ["version_info", "version"].into_iter().find_map(|key| PythonVersion::parse(self.get(key)?).ok())
    }

    /// The base interpreter with every link resolved: `executable`, else virtualenv's `base-executable`.
    pub fn executable(&self) -> Option<&str> {
        self.get("executable").or_else(|| self.get("base-executable"))
    }

    /// `sys.base_prefix`, which virtualenv writes down.
    pub fn base_prefix(&self) -> Option<&str> {
        self.get("base-prefix")
    }

    /// Whether what is in the environment names its place.
    pub fn naming(&self) -> Naming {
        let is_relocatable = self.get(RELOCATABLE).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_relocatable { Naming::Nothing } else { Naming::ItsPlace }
    }

    /// Says whether what is in the environment names its place; nothing where it does, as everywhere.
    pub fn set_naming(&mut self, naming: Naming) -> Result<(), UnwritableValue> {
        match naming {
            Naming::ItsPlace => Ok(()),
            Naming::Nothing => self.set(RELOCATABLE, "true"),
        }
    }

    /// Whom the environment is for.
    pub fn sharing(&self) -> Sharing {
        self.get(SHARED).map(Sharing::parse).unwrap_or_default()
    }

    /// Says whom it is for; nothing where that is nobody else.
    pub fn set_sharing(&mut self, sharing: &Sharing) -> Result<(), UnwritableValue> {
        if sharing.is_shared() { self.set(SHARED, &sharing.to_string()) } else { Ok(()) }
    }

    /// Whether the base's site-packages are importable. A file without the key means yes: so decides `site`.
    pub fn include_system_site_packages(&self) -> bool {
        self.get("include-system-site-packages").is_none_or(|value| value.to_lowercase() == "true")
    }

    /// The prompt that was asked for, without the quotes that venv puts around it.
    pub fn prompt(&self) -> Option<String> {
        self.get("prompt").map(unquote)
    }

    /// Sets the prompt the way venv does, as a quoted Python string: any text is possible.
    pub fn set_prompt(&mut self, prompt: &str) -> Result<(), UnwritableValue> {
        self.set("prompt", &quote(prompt))
    }

    /// The tool that made the environment.
    pub fn creator(&self) -> Creator {
        if self.get("uv").is_some() {
            Creator::Uv
        } else if self.get("virtualenv").is_some() {
            Creator::Virtualenv
        } else {
            Creator::Venv
        }
    }

    /// The file's content: one `key = value` a line.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.entries {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key} = {value}");
        }
        text
    }
}

/// Whether a text can stand before the `=` of a line, and be read as the same key again wherever the line stands.
fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains('=') && !text.starts_with(['#', '\u{feff}'])
}

/// Undoes Python's `repr` of a string where the text is one; uv and virtualenv write the prompt bare.
fn unquote(text: &str) -> String {
    let inner = ['\'', '"'].into_iter().find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark));
    let Some(inner) = inner else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some(escaped @ ('\\' | '\'' | '"')) => out.push(escaped),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('x') => push_code(&mut out, 'x', &mut rest, 2),
            Some('u') => push_code(&mut out, 'u', &mut rest, 4),
            Some('U') => push_code(&mut out, 'U', &mut rest, 8),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// Decodes the hexadecimal digits after `\x`, `\u` or `\U`; a broken escape stays as it is.
fn push_code(out: &mut String, letter: char, rest: &mut std::str::Chars<'_>, digits: usize) {
    let code = rest.as_str().get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let decoded = code.and_then(|text| u32::from_str_radix(text, 16).ok()).and_then(char::from_u32);
    if let Some(character) = decoded {
        out.push(character);
        rest.by_ref().take(digits).for_each(drop);
    } else {
        out.extend(['\\', letter]);
    }
}

/// Python's `repr` of a string.
fn quote(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(mark);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if character == mark => out.extend(['\\', mark]),
            _ if character.is_control() => {
                // Control characters are all below U+00A0: two digits. Writing to a string cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push(mark);
    out
}

#[cfg(test)]
mod tests {
    use super::{Creator, PyvenvCfg, quote, unquote};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const VENV: &str = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n\
                        executable = /usr/bin/python3.11\ncommand = /usr/bin/python3 -m venv /tmp/a\n";

    #[test]
    fn what_venv_writes() {
        let config = PyvenvCfg::parse(VENV.as_bytes());
        assert_eq!(config.home(), Some("/usr/bin"));
        assert_eq!(config.version().unwrap().to_string(), "3.11.2");
        assert_eq!(config.executable(), Some("/usr/bin/python3.11"));
        assert_eq!(config.creator(), Creator::Venv);
        assert!(!config.include_system_site_packages());
        assert_eq!(config.malformed_lines(), 0);
        assert_eq!(config.to_text(), VENV);
    }

    #[test]
    fn what_uv_and_virtualenv_write() {
        let uv = PyvenvCfg::parse(b"uv = 0.9\nversion_info = 3.12.1\nprompt = it's x\n");
        assert_eq!(uv.creator(), Creator::Uv);
        assert_eq!(uv.prompt().as_deref(), Some("it's x"));
        let virtualenv = PyvenvCfg::parse(
            b"virtualenv = 20.1\nversion_info = 3.11.2.final.0\nbase-prefix = /usr\nbase-executable = /usr/bin/python3\n",
        );
        assert_eq!(virtualenv.creator(), Creator::Virtualenv);
        assert_eq!(virtualenv.version().unwrap().to_string(), "3.11.2");
        assert_eq!(virtualenv.base_prefix(), Some("/usr"));
        assert_eq!(virtualenv.executable(), Some("/usr/bin/python3"));
    }

    #[test]
    fn keys_as_python_takes_them() {
        let config = PyvenvCfg::parse(b"HOME = /a\r\nhome = /b\rPrompt = x\nprompt=y\n");
        assert_eq!(config.home(), Some("/a"));
        assert_eq!(config.prompt().as_deref(), Some("y"));
        assert!(config.include_system_site_packages(), "the default of site.py");
    }

    #[test]
    fn garbage_is_counted() {
        let config = PyvenvCfg::parse(b"\xef\xbb\xbfhome = /a\nnonsense\n\n# note\n= x\nkey = \xff\n");
        assert_eq!(config.home(), Some("/a"));
        assert_eq!(config.malformed_lines(), 4);
        assert_eq!(
            PyvenvCfg::parse("prompt = \u{fffd}\n".as_bytes()).malformed_lines(),
            0,
            "a character too"
        );
    }

    #[test]
    fn a_value_cannot_bring_its_own_line() {
        let mut config = PyvenvCfg::default();
        assert!(config.set("home", "/a\nhome = /b").is_err());
        assert!(config.set("a=b", "c").is_err());
        config.set_prompt("two\nlines 'and' \"quotes\"").unwrap();
        assert_eq!(config.to_text().lines().count(), 1);
        config.set("PROMPT", "x").unwrap();
        assert_eq!(config.to_text(), "prompt = x\n");
    }

    #[test]
    fn prompts_as_repr_writes_them() {
        assert_eq!(quote("it's"), "\"it's\"");
        assert_eq!(quote("a'b\"c\u{1b}"), "'a\\'b\"c\\x1b'");
        assert_eq!(unquote("'\\u00e9\\xzz\\q'"), "é\\xzz\\q");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..400)) {
            let config = PyvenvCfg::parse(&bytes);
            let _ = (config.prompt(), config.version(), config.creator());
        }

        #[test]
        fn any_prompt_comes_back(prompt in any::<String>()) {
            let mut config = PyvenvCfg::default();
            config.set_prompt(&prompt).unwrap();
            let again = PyvenvCfg::parse(config.to_text().as_bytes());
            prop_assert_eq!(again.prompt(), Some(prompt));
        }

        #[test]
        fn what_is_written_is_read(entries in vec(("[a-z][a-z-]{0,9}", "[ -~é]{0,20}"), 0..8)) {
            let mut config = PyvenvCfg::default();
            for (key, value) in &entries {
                config.set(key, value.trim()).unwrap();
            }
            prop_assert_eq!(PyvenvCfg::parse(config.to_text().as_bytes()), config);
        }
    }
}
