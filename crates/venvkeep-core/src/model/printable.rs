//! Names and texts from an environment, made safe to print: a file name may hold terminal commands.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The text with every control character, bidirectional override and invalid byte shown as an escape.
pub fn printable(text: impl AsRef<OsStr>) -> String {
    let mut shown = String::new();
    for chunk in text.as_ref().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_deceptive(character) {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// A path as one word of a shell command, safe to paste. A path with control characters becomes `$'...'`, which bash
/// and zsh read; one that begins with a dash gets `./`, so that no command takes it for an option.
pub fn shell_word(path: &Path) -> String {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(path).as_os_str());
    }
    quoted(path.as_os_str())
}

/// Any word of a shell command, in the same way, as it is.
pub fn quoted(word: &OsStr) -> String {
    let bytes = word.as_bytes();
    let plain = std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_deceptive));
    if plain && let Ok(quoted) = shlex::bytes::try_quote(bytes) {
        return String::from_utf8_lossy(&quoted).into_owned();
    }
    let mut word = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(byte)]),
            0x20..=0x7e => word.push(char::from(byte)),
            _ => {
                let _ = write!(word, "\\x{byte:02x}");
            }
        }
    }
    word.push('\'');
    word
}

/// A JSON document that shows on a terminal what it holds: serde escapes the control characters of ASCII, and this the
/// other deceptive ones, which can only stand inside of strings.
pub fn json_text(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for character in document.chars() {
        if character.is_ascii() || !is_deceptive(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

/// Control characters, and those that reorder or hide what follows on a terminal.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::{json_text, printable, shell_word};

    #[test]
    fn nothing_reaches_the_terminal_that_could_command_it() {
        assert_eq!(printable("plain é 🚒"), "plain é 🚒");
        assert_eq!(printable("a\n\u{1b}[2Jb\u{202e}c"), "a\\n\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(printable(OsStr::from_bytes(b"a\xffb")), "a\\xffb");
    }

    #[test]
    fn json_says_the_same_without_commands_to_the_terminal() {
        let value = serde_json::json!({ "a": "x\u{9b}31m\u{202e}\u{1b}é\n" });
        let text = json_text(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(text, "{\n  \"a\": \"x\\u009b31m\\u202e\\u001bé\\n\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(shell_word(Path::new("/a/b-c")), "/a/b-c");
        let hostile = "/it's \"$x\" `y`";
        let word = shell_word(Path::new(hostile));
        assert_eq!(shlex::split(&word), Some(vec![hostile.to_owned()]), "{word}");
        assert_eq!(shell_word(Path::new("/a\nb'")), r"$'/a\x0ab\''");
    }
}
