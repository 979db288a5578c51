//! Lines that users add to an activation script, found again in it.
//!
//! venv, virtualenv and uv each write their own text, and each release another one, so a script cannot be compared
//! with what it was. But all of them end alike: the POSIX script with `hash -r`, csh's with `rehash`, fish's with the
//! function that draws the prompt. People export their variables after that, or before the first line; lines within
//! the script cannot be told from the creator's.

use std::ops::Range;

/// The activation scripts that an environment has from every creator, in its `bin`.
pub const SCRIPTS: [&str; 3] = ["activate", "activate.csh", "activate.fish"];

const BEGIN: &[u8] = b"# Carried over by venvkeep from the environment before: begin";
const END: &[u8] = b"# Carried over by venvkeep from the environment before: end";

/// How the first line of the scripts of venv, virtualenv and uv begins; above it uv has its licence.
const FIRST: &[u8] = b"# This file must be used with";

/// The user's lines in the activation script of that name. Empty where there are none; `None` where the creator's
/// last line is not found, so that nothing can be told.
pub fn added_lines(script: &str, text: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let own = creators_part(script, &lines)?;
    let before = lines[..own.start].iter().filter(|line| !line.starts_with(b"#"));
    let after = lines[own.end..].iter();
    let added: Vec<&[u8]> =
        before.chain(after).copied().filter(|line| ![BEGIN, END].contains(&line.trim_ascii())).collect();
    let is_blank = added.iter().all(|line| line.trim_ascii().is_empty());
    Some(if is_blank { Vec::new() } else { added.concat() })
}

/// The block that carries such lines, to be put at the end of a new script of the same shell.
pub fn block(lines: &[u8]) -> Vec<u8> {
    let end_of_line: &[u8] = if lines.ends_with(b"\n") { b"" } else { b"\n" };
    [b"\n", BEGIN, b"\n", lines, end_of_line, END, b"\n"].concat()
}

/// From the creator's first line to its last.
fn creators_part(script: &str, lines: &[&[u8]]) -> Option<Range<usize>> {
    let start = lines.iter().position(|line| line.starts_with(FIRST)).unwrap_or(0);
    let is = |line: &&[u8], text: &[u8]| line.trim_ascii_end() == text;
    let last = match script {
        "activate.csh" => lines.iter().position(|line| is(line, b"rehash"))?,
        "activate.fish" => {
            let prompt = lines.iter().rposition(|line| sets_prompt_override(line))?;
            prompt + lines[prompt..].iter().position(|line| is(line, b"end"))?
        }
        _ => {
            let last = lines.iter().position(|line| line.starts_with(b"hash -r"));
            last.or_else(|| {
                // Before 3.8, venv had it within `if ... fi`.
                let hash = lines.iter().rposition(|line| line.trim_ascii().starts_with(b"hash -r"))?;
                Some(hash + lines[hash..].iter().position(|line| is(line, b"fi"))?)
            })?
        }
    };
    (start <= last).then_some(start..last + 1)
}

/// `set -gx _OLD_FISH_PROMPT_OVERRIDE "$VIRTUAL_ENV"`, but not the `set -e` that takes it back.
fn sets_prompt_override(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_whitespace();
    words.next() == Some("set")
        && !text.contains(" -e ")
        && !text.contains(" --erase ")
        && words.any(|word| word == "_OLD_FISH_PROMPT_OVERRIDE")
}

#[cfg(test)]
mod tests {
    use super::{added_lines, block};

    const VENV: &str = "# This file must be used with \"source bin/activate\"\ndeactivate () {\n    hash -r 2> /dev/null\n}\n\
                        VIRTUAL_ENV=/x\nhash -r 2> /dev/null\n";

    fn added(script: &str, text: &str) -> Option<String> {
        added_lines(script, text.as_bytes()).map(|lines| String::from_utf8(lines).unwrap())
    }

    #[test]
    fn what_stands_after_the_last_line_and_before_the_first_is_the_users() {
        assert_eq!(added("activate", VENV).unwrap(), "");
        assert_eq!(added("activate", &format!("{VENV}\n\n")).unwrap(), "");
        assert_eq!(added("activate", &format!("{VENV}export A=1\n# b")).unwrap(), "export A=1\n# b");
        assert_eq!(added("activate", &format!("# licence\nset -a\n{VENV}x\n")).unwrap(), "set -a\nx\n");
        assert_eq!(added("activate", "export A=1\n"), None);
        let old = "deactivate () {\n  if x; then\n    hash -r\n  fi\n}\nif x ; then\n    hash -r\nfi\nmine\n";
        assert_eq!(added("activate", old).unwrap(), "mine\n");
    }

    #[test]
    fn fish_and_csh() {
        let fish = "function deactivate\n    set -e _OLD_FISH_PROMPT_OVERRIDE\nend\nif x\n    set -gx \
                    _OLD_FISH_PROMPT_OVERRIDE \"$VIRTUAL_ENV\"\n    set -gx VIRTUAL_ENV_PROMPT x\nend\nset -gx A 1\n";
        assert_eq!(added("activate.fish", fish).unwrap(), "set -gx A 1\n");
        assert_eq!(
            added("activate.csh", "alias d 'x; rehash'\nrehash\nsetenv A 1\n").unwrap(),
            "setenv A 1\n"
        );
    }

    #[test]
    fn a_block_does_not_grow() {
        let again = format!("{VENV}{}", String::from_utf8(block(b"x=1")).unwrap());
        assert_eq!(added("activate", &again).unwrap(), "\nx=1\n");
    }
}
