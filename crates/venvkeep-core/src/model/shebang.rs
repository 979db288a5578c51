//! The first lines of a script in `bin`: which interpreter it names, and how to name another.
//!
//! The kernel reads `#!` up to a blank or some 127 bytes. For paths beyond that, installers write a text that
//! is a shell command and at once a Python string: `#!/bin/sh`, then `'''exec' "/a path/python" "$0" "$@"`, then
//! `' '''`. uv's relocatable environments use the same with a path computed from `$0`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Longest first line that installers trust the kernel with, `#!` and line end included.
const LONGEST_LINE: usize = if cfg!(target_os = "macos") { 512 } else { 127 };

const SHELL_LINE: &[u8] = b"#!/bin/sh";
const EXEC: &[u8] = b"'''exec' ";
const ARGUMENTS: &[u8] = b" \"$0\" \"$@\"";
const CLOSING_LINE: &[u8] = b"' '''";
/// What a relocatable script's path begins with: the directory of the script itself.
const OWN_DIRECTORY: &[u8] = b"\"$(dirname";

/// The interpreter lines of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shebang {
    /// What is started.
    pub target: Target,
    /// The one argument that a plain line may have behind the path: `python3` after `/usr/bin/env`, `-I`.
    pub argument: Option<OsString>,
    /// How many bytes of the script these lines take, line end included: what a rewrite replaces.
    pub length: usize,
}

/// What a script's first lines start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The path in `#!/path`. Not necessarily a Python, nor absolute (`#!python` in a wheel's scripts).
    Plain(PathBuf),
    /// The path in the `exec` line below `#!/bin/sh`.
    ThroughShell(PathBuf),
    /// A file beside the script, named in the `exec` line: moves with the environment, nothing to rewrite.
    Beside(OsString),
}

/// An interpreter whose path no script can name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "scripts cannot start \"{}\": the path must be absolute, and free of line breaks, control characters and bytes that are not UTF-8",
    .path.to_string_lossy().escape_debug()
)]
pub struct UnwritablePath {
    /// The path.
    pub path: PathBuf,
}

impl Shebang {
    /// Reads the beginning of a script; some 16 KiB of it always suffice. `None` where it does not begin with
    /// an interpreter line.
    pub fn parse(head: &[u8]) -> Option<Self> {
        Self::parse_in(head, &[])
    }

    /// The same where a path may lie in one of these directories, whose own names may hold blanks and quotes: no kernel
    /// or shell reads such a line as it is meant, but pip writes it.
    pub fn parse_in(head: &[u8], directories: &[&Path]) -> Option<Self> {
        let first = Line::at(head, 0);
        let command = first.text.strip_prefix(b"#!")?.trim_ascii();
        if first.text.trim_ascii_end() == SHELL_LINE
            && let Some(shebang) = Self::through_shell(head, first.end, directories)
        {
            return Some(shebang);
        }
        let known = length_of_known(command, directories).unwrap_or(0);
        let blank = command[known..].iter().position(|byte| matches!(byte, b' ' | b'\t'));
        let path_end = blank.map_or(command.len(), |blank| known + blank);
        let (path, argument) = command.split_at(path_end);
        let argument = argument.trim_ascii();
        if path.is_empty() {
            return None;
        }
        Some(Self {
            target: Target::Plain(PathBuf::from(OsStr::from_bytes(path))),
            argument: (!argument.is_empty()).then(|| OsStr::from_bytes(argument).to_owned()),
            length: first.end,
        })
    }

    fn through_shell(head: &[u8], start: usize, directories: &[&Path]) -> Option<Self> {
        let exec = Line::at(head, start);
        let closing = Line::at(head, exec.end);
        if closing.text.trim_ascii_end() != CLOSING_LINE {
            return None;
        }
        let command = exec.text.trim_ascii_end().strip_prefix(EXEC)?.strip_suffix(ARGUMENTS)?;
        let unquoted = command.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        let known = unquoted.filter(|path| length_of_known(path, directories).is_some());
        let target = if let Some(path) = known {
            Target::ThroughShell(PathBuf::from(OsStr::from_bytes(path)))
        } else if command.starts_with(OWN_DIRECTORY) {
            let name = command.iter().rposition(|byte| *byte == b'/')?;
            Target::Beside(OsString::from_vec(only_word(&command[name + 1..])?))
        } else {
            Target::ThroughShell(PathBuf::from(OsString::from_vec(only_word(command)?)))
        };
        Some(Self { target, argument: None, length: closing.end })
    }
}

/// The length of the directory that a path's text begins with, where it is one of these.
fn length_of_known(path: &[u8], directories: &[&Path]) -> Option<usize> {
    directories.iter().map(|directory| directory.as_os_str().as_bytes()).find_map(|directory| {
        path.strip_prefix(directory).filter(|rest| rest.starts_with(b"/")).map(|_| directory.len())
    })
}

/// One line of a text, its end not included in `text`.
struct Line<'head> {
    text: &'head [u8],
    /// Where the next line begins.
    end: usize,
}

impl<'head> Line<'head> {
    fn at(head: &'head [u8], start: usize) -> Self {
        let rest = &head[start..];
        match memchr::memchr(b'\n', rest) {
            Some(length) => Self { text: &rest[..length], end: start + length + 1 },
            None => Self { text: rest, end: head.len() },
        }
    }
}

/// The single word that a shell would read; `None` for more, none, or broken quotes.
fn only_word(text: &[u8]) -> Option<Vec<u8>> {
    let mut words = shlex::bytes::Shlex::new(text);
    let word = words.next()?;
    (words.next().is_none() && !words.had_error).then_some(word)
}

/// The first lines of a script for this interpreter, line end included: plain where the kernel can read that,
/// else through the shell. `argument` is passed as one, as the kernel does.
pub fn first_lines(interpreter: &Path, argument: Option<&OsStr>) -> Result<Vec<u8>, UnwritablePath> {
    let unwritable = || UnwritablePath { path: interpreter.to_owned() };
    let path = interpreter.to_str().filter(|_| interpreter.is_absolute()).ok_or_else(unwritable)?;
    let argument = argument.map(|text| text.to_str().ok_or_else(unwritable)).transpose()?;
    if path.contains(char::is_control) || argument.is_some_and(|text| text.contains(char::is_control)) {
        return Err(unwritable());
    }
    let tail = argument.map(|text| format!(" {text}")).unwrap_or_default();
    let plain = format!("#!{path}{tail}\n");
    if !path.contains(' ') && plain.len() <= LONGEST_LINE {
        return Ok(plain.into_bytes());
    }
    let tail = argument.map(|text| format!(" {}", quote(text))).unwrap_or_default();
    Ok(format!("#!/bin/sh\n'''exec' {}{tail} \"$0\" \"$@\"\n' '''\n", quote(path)).into_bytes())
}

/// The first lines of a script that starts the program of this name beside it, wherever both are: as uv writes them.
/// An argument may be empty.
pub fn first_lines_beside(name: &str, argument: &str) -> Vec<u8> {
    let argument = if argument.is_empty() { String::new() } else { format!(" {}", quote(argument)) };
    let directory = r#""$(dirname -- "$(realpath -- "$0")")""#;
    let (name, arguments) = (quote(name), r#""$0" "$@""#);
    format!("#!/bin/sh\n'''exec' {directory}/{name}{argument} {arguments}\n' '''\n").into_bytes()
}

/// Quotes a word so that the shell reads it back and Python, to which it lies inside a `'''` string, neither
/// ends the string there nor meets an escape sequence that it does not know.
fn quote(word: &str) -> String {
    let mut out = String::from("\"");
    for character in word.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            // A backslash before these would be an unknown escape to Python: single quotes, one by one.
            '$' | '`' => out.extend(['"', '\'', character, '\'', '"']),
            // Parted by the quotes around each, three of them never stand together.
            '\'' => out.push_str("'\"\""),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{Shebang, Target, first_lines, first_lines_beside};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::ffi::{OsStr, OsString};
    use std::path::{Path, PathBuf};

    fn target(head: &str) -> Target {
        let shebang = Shebang::parse(head.as_bytes()).unwrap();
        assert_eq!(&head[shebang.length..], "import sys\n");
        shebang.target
    }

    fn lines(path: &str) -> String {
        String::from_utf8(first_lines(Path::new(path), None).unwrap()).unwrap()
    }

    #[test]
    fn lines_that_look_beside_the_script() {
        let lines = |argument| String::from_utf8(first_lines_beside("python3", argument)).unwrap();
        assert_eq!(target(&format!("{}import sys\n", lines(""))), Target::Beside("python3".into()));
        assert!(lines("-I").contains(r#"/"python3" "-I" "$0" "$@""#), "{}", lines("-I"));
    }

    #[test]
    fn plain_lines() {
        assert_eq!(target("#!/a/bin/python3\nimport sys\n"), Target::Plain(PathBuf::from("/a/bin/python3")));
        assert_eq!(target("#! python \r\nimport sys\n"), Target::Plain(PathBuf::from("python")));
        let env = Shebang::parse(b"#!/usr/bin/env python3 -u\n").unwrap();
        assert_eq!(env.argument, Some(OsString::from("python3 -u")));
        assert_eq!(Shebang::parse(b"#!\nx"), None);
        assert_eq!(Shebang::parse(b"\x7fELF"), None);
    }

    #[test]
    fn lines_through_the_shell() {
        let through = |text: &str| Target::ThroughShell(PathBuf::from(text));
        assert_eq!(
            target("#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\nimport sys\n"),
            through("/a b/python")
        );
        assert_eq!(
            target("#!/bin/sh\n'''exec' '/sp '\"'\"'q/python' \"$0\" \"$@\"\n' '''\nimport sys\n"),
            through("/sp 'q/python")
        );
        assert_eq!(
            target(
                "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n' '''\nimport sys\n"
            ),
            Target::Beside(OsString::from("python"))
        );
    }

    #[test]
    fn lines_that_were_written_in_spite_of_blanks_and_quotes() {
        let head = b"#!/a b/c d/bin/python -I\nimport sys\n";
        let cut_off = Shebang::parse(head).unwrap();
        assert_eq!(cut_off.target, Target::Plain(PathBuf::from("/a")));
        let known = Shebang::parse_in(head, &[Path::new("/a"), Path::new("/a b/c d")]);
        assert_eq!(known.as_ref().unwrap().target, Target::Plain(PathBuf::from("/a b/c d/bin/python")));
        assert_eq!(known.unwrap().argument, Some(OsString::from("-I")));
        assert_eq!(Shebang::parse_in(head, &[Path::new("/a b/c")]), Some(cut_off), "names are whole");

        let head = b"#!/bin/sh\n'''exec' \"/a \"b\" $c/bin/python\" \"$0\" \"$@\"\n' '''\nimport sys\n";
        let known = Shebang::parse_in(head, &[Path::new("/a \"b\" $c")]).unwrap();
        assert_eq!(known.target, Target::ThroughShell(PathBuf::from("/a \"b\" $c/bin/python")));
    }

    #[test]
    fn a_shell_script_is_a_shell_script() {
        let shebang = Shebang::parse(b"#!/bin/sh\necho x\n").unwrap();
        assert_eq!(shebang.target, Target::Plain(PathBuf::from("/bin/sh")));
        assert_eq!(shebang.length, 10);
    }

    #[test]
    fn the_form_follows_what_the_kernel_can_read() {
        assert_eq!(lines("/a/python"), "#!/a/python\n");
        assert_eq!(lines("/a b/python"), "#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\n");
        let path = |length: usize| format!("/{}", "a".repeat(length - 1));
        let longest = super::LONGEST_LINE - 3;
        assert_eq!(lines(&path(longest)).lines().count(), 1);
        assert_eq!(lines(&path(longest + 1)).lines().count(), 3);
        let isolated = first_lines(Path::new("/a/python"), Some(OsStr::new("-I"))).unwrap();
        assert_eq!(isolated, b"#!/a/python -I\n");
    }

    #[test]
    fn what_no_script_can_name() {
        for path in ["python", "/a\nb", "/a\u{1b}b"] {
            assert!(first_lines(Path::new(path), None).is_err(), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200), shell in any::<bool>()) {
            let mut head = if shell { b"#!/bin/sh\n'''exec' ".to_vec() } else { b"#!".to_vec() };
            head.extend(bytes);
            if let Some(shebang) = Shebang::parse(&head) {
                prop_assert!(shebang.length <= head.len());
            }
        }

        #[test]
        fn any_path_comes_back(path in "/[ -~é]{1,160}") {
            let text = lines(&path) + "import sys\n";
            let read = match target(&text) {
                Target::Plain(read) | Target::ThroughShell(read) => read,
                Target::Beside(name) => PathBuf::from(name),
            };
            prop_assert_eq!(read, PathBuf::from(path));
        }

        #[test]
        fn python_sees_one_string(path in "/[ '\"\\\\$`a]{1,30}") {
            let text = lines(&path);
            if let Some(string) = text.strip_prefix("#!/bin/sh\n'''") {
                prop_assert_eq!(string.find("'''"), string.len().checked_sub(4));
            }
        }
    }
}
