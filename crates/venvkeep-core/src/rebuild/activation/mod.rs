//! The activation scripts: what `source bin/activate` reads.
//!
//! The scripts are real files beside this one, valid and linted as they lie. Two lines of each hold the
//! environment's own data, empty there; they are replaced by lines quoted for that shell, and nothing
//! else is. A path or a prompt put unquoted into such a script is code that runs in the user's shell
//! (CVE-2024-9287, CVE-2024-53899).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::pyvenv_cfg::Naming;

/// One file for the environment's `bin`, to be sourced, hence not executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationScript {
    /// The file's name in `bin`.
    pub name: &'static str,
    /// The whole text; bytes, because a path need not be UTF-8.
    pub content: Vec<u8>,
}

/// How a shell writes an assignment, and a string that means itself.
struct Shell {
    script: &'static str,
    template: &'static str,
    /// What sets the path where the script has to find it by itself; `None` where the shell does not tell it.
    relocatable: Option<&'static str>,
    assignment: &'static str,
    quote: fn(&[u8]) -> Vec<u8>,
}

const SHELLS: [Shell; 3] = [
    Shell {
        script: "activate",
        template: include_str!("activate"),
        relocatable: Some(include_str!("relocatable/activate")),
        assignment: "{}=",
        quote: quote_posix,
    },
    Shell {
        script: "activate.fish",
        template: include_str!("activate.fish"),
        relocatable: Some(include_str!("relocatable.fish")),
        assignment: "set --global --export {} ",
        quote: quote_fish,
    },
    Shell {
        script: "activate.csh",
        template: include_str!("activate.csh"),
        relocatable: None,
        assignment: "setenv {} ",
        quote: quote_csh,
    },
];

/// The whole script, in each of the three languages, of an environment that no PATH can name.
const NOT_ON_PATH: &str = "\
echo 'venvkeep: this environment cannot be activated: its path holds a colon, which separates directories in PATH. Move it to a path without one.'
false
";

/// The same, of one that may be moved, for a shell that does not tell a script where it lies.
const NOT_TO_BE_FOUND: &str = "\
echo 'venvkeep: this shell does not tell a script where it lies, and a relocatable environment holds no path. Use bash, zsh or fish, or start what is in its bin.'
false
";

/// The scripts that activate the environment at `prefix`, its final place, showing `prompt`.
///
/// Characters that a shell would expand in its prompt are replaced in what the scripts export: prompts
/// are built from `VIRTUAL_ENV_PROMPT` in more shells' settings than anyone can check.
pub fn activation_scripts(prefix: &Path, naming: Naming, prompt: &str) -> Vec<ActivationScript> {
    let prefix = prefix.as_os_str().as_bytes();
    let prompt = harmless_prompt(prompt);
    SHELLS
        .iter()
        .map(|shell| ActivationScript {
            name: shell.script,
            content: match (naming, shell.relocatable) {
                _ if prefix.contains(&b':') => NOT_ON_PATH.into(),
                (Naming::ItsPlace, _) => shell.render(&shell.line("VIRTUAL_ENV", prefix), prompt.as_bytes()),
                (Naming::Nothing, Some(place)) => shell.render(place.as_bytes(), prompt.as_bytes()),
                (Naming::Nothing, None) => NOT_TO_BE_FOUND.into(),
            },
        })
        .collect()
}

impl Shell {
    /// The script, with the lines `place` that set the environment's path.
    fn render(&self, place: &[u8], prompt: &[u8]) -> Vec<u8> {
        let mut script = Vec::with_capacity(self.template.len() + place.len() + prompt.len());
        for line in self.template.split_inclusive('\n') {
            match self.variable_set_in(line) {
                Some("VIRTUAL_ENV") => script.extend_from_slice(place),
                Some(name) => script.extend(self.line(name, prompt)),
                None => script.extend_from_slice(line.as_bytes()),
            }
        }
        script
    }

    /// The line that sets a variable.
    fn line(&self, name: &str, value: &[u8]) -> Vec<u8> {
        [self.assignment.replace("{}", name).as_bytes(), &(self.quote)(value), b"\n"].concat()
    }

    /// Which variable `line` sets, when it is one of the two data lines.
    fn variable_set_in(&self, line: &str) -> Option<&'static str> {
        ["VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"].into_iter().find(|name| {
            let start = self.assignment.replace("{}", name);
            line.strip_prefix(start.as_str()) == Some("''\n")
        })
    }
}

/// `prompt` without what bash, zsh, ksh, dash or tcsh would expand in a prompt, and without control
/// characters, which a terminal would obey.
fn harmless_prompt(prompt: &str) -> String {
    let expands = |c: char| matches!(c, '\\' | '$' | '`' | '%' | '!' | '"');
    prompt.replace(|c: char| c.is_control() || expands(c), "_")
}

/// Within single quotes only the quote itself is special.
fn quote_posix(text: &[u8]) -> Vec<u8> {
    quote(text, |byte| match byte {
        b'\'' => Some(br"'\''"),
        _ => None,
    })
}

/// fish knows two escapes within single quotes.
fn quote_fish(text: &[u8]) -> Vec<u8> {
    quote(text, |byte| match byte {
        b'\'' => Some(br"\'"),
        b'\\' => Some(br"\\"),
        _ => None,
    })
}

/// csh looks for history references and line ends even within single quotes.
fn quote_csh(text: &[u8]) -> Vec<u8> {
    quote(text, |byte| match byte {
        b'\'' => Some(br"'\''"),
        b'!' => Some(br"\!"),
        b'\n' => Some(b"\\\n"),
        _ => None,
    })
}

fn quote(text: &[u8], escape: impl Fn(u8) -> Option<&'static [u8]>) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in text {
        match escape(byte) {
            Some(escaped) => quoted.extend_from_slice(escaped),
            None => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{Naming, SHELLS, activation_scripts, harmless_prompt};
    use std::path::Path;

    #[test]
    fn every_script_gets_both_data_lines() {
        for shell in &SHELLS {
            let data_lines =
                shell.template.split_inclusive('\n').filter(|line| shell.variable_set_in(line).is_some());
            assert_eq!(data_lines.count(), 2, "{}", shell.script);
        }
    }

    #[test]
    fn the_data_is_quoted_for_each_shell() {
        let scripts = activation_scripts(Path::new("/it's/a\\!b"), Naming::ItsPlace, "it's");
        let expected = [
            "\nVIRTUAL_ENV='/it'\\''s/a\\!b'\nVIRTUAL_ENV_PROMPT='it'\\''s'\n",
            "\nset --global --export VIRTUAL_ENV '/it\\'s/a\\\\!b'\n",
            "\nsetenv VIRTUAL_ENV '/it'\\''s/a\\\\!b'\n",
        ];
        for (script, lines) in scripts.iter().zip(expected) {
            let text = String::from_utf8(script.content.clone()).unwrap();
            assert!(text.contains(lines), "{}:\n{text}", script.name);
        }
    }

    #[test]
    fn what_may_be_moved_holds_no_path() {
        for script in activation_scripts(Path::new("/srv/here/.venv"), Naming::Nothing, "mine") {
            let text = String::from_utf8(script.content).unwrap();
            assert!(!text.contains("/srv"), "{}:\n{text}", script.name);
            assert_eq!(text.contains("'mine'"), script.name != "activate.csh", "{}:\n{text}", script.name);
        }
    }

    #[test]
    fn a_prompt_keeps_its_letters_and_loses_what_a_shell_expands() {
        assert_eq!(harmless_prompt("it's é 🚒 (1)"), "it's é 🚒 (1)");
        assert_eq!(harmless_prompt("$(x)`y`%n!\\w\"\n\u{1b}"), "_(x)_y__n__w___");
    }

    #[test]
    fn a_path_with_a_colon_never_reaches_path() {
        let (place, prompt) = (Path::new("/srv/a:b/.venv"), "x");
        let both = [Naming::ItsPlace, Naming::Nothing];
        for script in both.into_iter().flat_map(|naming| activation_scripts(place, naming, prompt)) {
            let text = String::from_utf8(script.content).unwrap();
            assert!(!text.contains("PATH=") && !text.contains("/srv"), "{text}");
        }
    }
}
