//! What stands between the markers: a few lines that source static files where they are there and the user's. They do
//! nothing when the files are gone, and start no program.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Shell;

/// What the user asked for besides the shim itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// A `sudo` function that warns before `sudo pip install` and the like.
    pub sudo_guard: bool,
    /// `PIP_REQUIRE_VIRTUALENV`, so that pip refuses to install outside of environments.
    pub require_venv: bool,
}

const SUDO_GUARD: &str = "VENVKEEP_SUDO_GUARD";
const REQUIRE_VENV: &str = "PIP_REQUIRE_VIRTUALENV";

impl Extras {
    /// Those that a block was written with.
    pub(super) fn of(lines: &[u8]) -> Self {
        let has = |name: &str| lines.windows(name.len()).any(|window| window == name.as_bytes());
        Self { sudo_guard: has(SUDO_GUARD), require_venv: has(REQUIRE_VENV) }
    }
}

/// The static files that a block sources; of the shim, the part for a new shell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) shim: &'a Path,
    pub(super) completions: &'a Path,
}

/// The lines for one shell's profile. Below the home directory the paths begin with `$HOME`, so that a profile that is
/// shared between machines works where the home is called differently.
pub(super) fn lines(shell: Shell, files: Files<'_>, home: &Path, extras: Extras) -> String {
    let word = |path: &Path| word(shell, path, home);
    let (shim, completions) = (word(files.shim), word(files.completions));
    let mut lines = vec![
        "# Activates the Python environments that you trust when you enter their directories.".to_owned(),
        "# `venvkeep shims uninstall` takes this out again; without venvkeep, delete these lines.".to_owned(),
    ];
    let mut say = |line: String| lines.push(line);
    match shell {
        // Also for a .profile, which every Bourne shell reads.
        Shell::Bash => say(format!("if [ -n \"${{BASH_VERSION-}}\" ] && [ -O {shim} ]; then")),
        Shell::Zsh => say(format!("if [[ -O {shim} ]]; then")),
        Shell::Fish => say(format!("if test -O {shim}")),
    }
    let set = |export: bool, name: &str| match (shell, export) {
        (Shell::Fish, true) => format!("    set -gx {name} 1"),
        (Shell::Fish, false) => format!("    set -g {name} 1"),
        (_, true) => format!("    export {name}=1"),
        (_, false) => format!("    {name}=1"),
    };
    if extras.sudo_guard {
        say(set(false, SUDO_GUARD));
    }
    if extras.require_venv {
        say(set(true, REQUIRE_VENV));
    }
    say(format!("    {} {shim}", if shell == Shell::Fish { "source" } else { "." }));
    let directory = word(files.completions.parent().unwrap_or(files.completions));
    match shell {
        Shell::Bash => say(format!("    [ ! -O {completions} ] || . {completions}")),
        Shell::Zsh => {
            // Found by a compinit that comes later; one that has been is told.
            say(format!("    fpath+=({directory})"));
            say("    autoload -Uz _venvkeep".to_owned());
            say("    ! typeset -f compdef >/dev/null || compdef _venvkeep venvkeep".to_owned());
        }
        Shell::Fish => say(format!("    set -ga fish_complete_path {directory}")),
    }
    say(if shell == Shell::Fish { "end" } else { "fi" }.to_owned());
    lines.join("\n") + "\n"
}

/// A path as one word of the shell.
fn word(shell: Shell, path: &Path, home: &Path) -> String {
    if let Ok(rest) = path.strip_prefix(home)
        && let Some(rest) = rest.to_str()
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@,=".contains(c))
    {
        return format!("\"$HOME/{rest}\"");
    }
    quoted(shell, path)
}

/// In single quotes.
pub(super) fn quoted(shell: Shell, path: &Path) -> String {
    let text = String::from_utf8_lossy(path.as_os_str().as_bytes());
    let inner = match shell {
        Shell::Bash | Shell::Zsh => text.replace('\'', "'\\''"),
        Shell::Fish => text.replace('\\', "\\\\").replace('\'', "\\'"),
    };
    format!("'{inner}'")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Extras, Files, Shell, lines};

    const FILES: fn() -> Files<'static> = || Files {
        shim: Path::new("/home/ana/.local/share/venvkeep/shims/venvkeep-start.bash"),
        completions: Path::new("/home/ana/.local/share/venvkeep/completions/venvkeep.bash"),
    };

    #[test]
    fn extras_are_found_again() {
        for shell in Shell::ALL {
            for (sudo_guard, require_venv) in [(false, false), (true, false), (false, true), (true, true)] {
                let extras = Extras { sudo_guard, require_venv };
                let lines = lines(shell, FILES(), Path::new("/home/ana"), extras);
                assert_eq!(Extras::of(lines.as_bytes()), extras, "{lines}");
            }
        }
    }

    #[test]
    fn paths_are_words() {
        let home = Path::new("/home/ana");
        let text = lines(Shell::Bash, FILES(), home, Extras::default());
        assert!(text.contains("[ -O \"$HOME/.local/share/venvkeep/shims/venvkeep-start.bash\" ]"), "{text}");
        let files = Files { shim: Path::new("/it's \\ $x/v"), ..FILES() };
        assert!(lines(Shell::Zsh, files, home, Extras::default()).contains("'/it'\\''s \\ $x/v'"));
        assert!(lines(Shell::Fish, files, home, Extras::default()).contains("'/it\\'s \\\\ $x/v'"));
    }
}
