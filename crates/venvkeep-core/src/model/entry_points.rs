//! `entry_points.txt`: the commands that a distribution wants in the environment's `bin` (PyPA "Entry points
//! specification").
//!
//! A script's name becomes a file name and its target becomes Python source, so both are checked here: an entry
//! that would leave the scripts directory, take the interpreter's place or smuggle code is set aside.

use super::python_version::PythonLabel;

/// The commands of one distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// `[console_scripts]`, in the order of the file.
    pub console: Vec<EntryPoint>,
    /// `[gui_scripts]`: the same, except on Windows.
    pub gui: Vec<EntryPoint>,
    /// Lines of these two sections that are not safe or not complete, with control characters escaped.
    pub rejected: Vec<String>,
}

/// One command: `name = module:attribute [extras]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// The script's file name.
    pub name: String,
    /// The module to import: dotted identifiers.
    pub module: String,
    /// What to call in it: dotted identifiers.
    pub attribute: String,
    /// Extras that the command needs, as written between the brackets.
    pub extras: Option<String>,
}

impl EntryPoints {
    /// Reads the file's bytes. Other sections are skipped; text that is not UTF-8 lands in `rejected`.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut found = Self::default();
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = title.trim();
                continue;
            }
            let scripts = match section {
                "console_scripts" => &mut found.console,
                "gui_scripts" => &mut found.gui,
                _ => continue,
            };
            match EntryPoint::parse(line) {
                Some(entry) => scripts.push(entry),
                None => found.rejected.push(line.chars().take(200).flat_map(char::escape_debug).collect()),
            }
        }
        found
    }
}

impl EntryPoint {
    /// Reads one line; `None` where it is incomplete or not safe to turn into a script.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, target) = line.split_once('=')?;
        let (target, extras) = match target.split_once('[') {
            Some((target, extras)) => (target, Some(extras.trim_end().strip_suffix(']')?.trim().to_owned())),
            None => (target, None),
        };
        let (module, attribute) = target.split_once(':')?;
        let entry = Self {
            name: name.trim().to_owned(),
            module: module.trim().to_owned(),
            attribute: attribute.trim().to_owned(),
            extras,
        };
        let safe = is_script_name(&entry.name) && is_dotted(&entry.module) && is_dotted(&entry.attribute);
        safe.then_some(entry)
    }
}

/// Whether a script may have this name: one path component without control characters, and not the name of an
/// interpreter, whose place in `bin` it would take.
pub fn is_script_name(name: &str) -> bool {
    let one_component = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\']);
    let readable = !name.contains(|c: char| c.is_control() || c == '\u{fffd}');
    let interpreter = matches!(name, "python" | "python2" | "python3" | "pypy" | "pypy3")
        || PythonLabel::parse(name).is_some();
    one_component && readable && !interpreter && name.len() <= 255
}

/// `package.module`: identifiers with dots between them.
fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        let starts_well = part.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
        starts_well && part.chars().all(|character| character.is_alphanumeric() || character == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{EntryPoint, EntryPoints, is_script_name};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn both_script_sections_are_read() {
        let text =
            b"# note\n[console_scripts]\r\nblack = black:patched_main\r\nblackd=blackd:main.run [d, x]\n\n\
                     [gui_scripts]\nidle = idlelib.idle:main\n[other]\nbad line\n";
        let found = EntryPoints::parse(text);
        assert_eq!(found.console[0].module, "black");
        assert_eq!(found.console[1].extras.as_deref(), Some("d, x"));
        assert_eq!(found.console[1].attribute, "main.run");
        assert_eq!(found.gui[0].module, "idlelib.idle");
        assert!(found.rejected.is_empty());
    }

    #[test]
    fn what_is_not_safe_is_set_aside() {
        for line in [
            "../x = a:b",
            "python3.11 = a:b",
            "python = a:b",
            "x = a",
            "x = a:",
            "x = a;import os:b",
            "x = a:b() or c",
            "x\u{1b} = a:b",
            "x = a:b [c",
            "= a:b",
        ] {
            let found = EntryPoints::parse(format!("[console_scripts]\n{line}\n").as_bytes());
            assert!(found.console.is_empty(), "{line}");
            assert_eq!(found.rejected.len(), 1, "{line}");
            assert!(!found.rejected[0].contains('\u{1b}'));
        }
        assert!(is_script_name("python-config") && is_script_name("a b") && !is_script_name(".."));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..300)) {
            let mut text = b"[console_scripts]\n".to_vec();
            text.extend(bytes);
            let found = EntryPoints::parse(&text);
            prop_assert!(found.console.iter().all(|entry| !entry.name.contains('/')));
        }

        #[test]
        fn an_ordinary_line_is_taken_apart(name in "[a-z][a-z0-9.-]{0,8}z", module in "[a-z_]{1,5}(\\.[a-z_]{1,5}){0,2}") {
            let entry = EntryPoint::parse(&format!("{name} = {module}:main")).unwrap();
            prop_assert_eq!((entry.name, entry.module, entry.attribute), (name, module, "main".to_owned()));
        }
    }
}
