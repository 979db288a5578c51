//! The shell side: the shim files as they lie in `shims/`, carried inside the program; and putting them where the
//! shells read them ([`install`]).

mod block;
pub mod change;
pub mod completions;
pub mod install;
mod made;
pub mod places;
pub mod profile;
pub(crate) mod startup_text;
pub mod status;

pub use block::Extras;

use std::fmt;
use std::str::FromStr;

use crate::model::caller::Caller;

/// A shell that has a shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shell {
    /// bash, from 3.2.
    Bash,
    /// zsh, from 5.
    Zsh,
    /// fish, from 3.
    Fish,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// The shell's own name, as its program is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// The shim's file name.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Bash => "venvkeep.bash",
            Self::Zsh => "venvkeep.zsh",
            Self::Fish => "venvkeep.fish",
        }
    }

    /// That of its part which a new shell reads; the shim knows both.
    pub fn start_name(self) -> &'static str {
        match self {
            Self::Bash => "venvkeep-start.bash",
            Self::Zsh => "venvkeep-start.zsh",
            Self::Fish => "venvkeep-start.fish",
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Shell {
    type Err = UnknownShell;

    fn from_str(name: &str) -> Result<Self, UnknownShell> {
        Self::ALL.into_iter().find(|shell| shell.name() == name).ok_or(UnknownShell)
    }
}

/// The shell with a shim that somebody typed this command into, if it was one: the shim says so.
pub fn around(caller: &Caller) -> Option<Shell> {
    caller.variable("VENVKEEP_SHELL")?.to_str()?.parse().ok()
}

/// There is no shim for that shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are shims for bash, zsh and fish")]
pub struct UnknownShell;

/// The shim, complete: to be sourced as it is, nothing in it is filled in.
pub fn text(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../shims/venvkeep.bash"),
        Shell::Zsh => include_str!("../../shims/venvkeep.zsh"),
        Shell::Fish => include_str!("../../shims/venvkeep.fish"),
    }
}

/// Between these lines of a shim stands what is needed in rare moments, or by who enters a project.
const RARE: [&str; 2] = ["# ---- rare ----\n", "# ---- as far as this ----\n"];

/// What a new shell reads of the shim, where both are installed: parsing takes most of the time that a shim costs a
/// shell's start. It reads the shim itself when something else of it is needed.
pub fn start_text(shell: Shell) -> String {
    let text = text(shell);
    let [begins, ends] = RARE.map(|line| text.find(line));
    match (begins, ends) {
        (Some(begins), Some(ends)) => text[..begins].to_owned() + &text[ends + RARE[1].len()..],
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{RARE, Shell, start_text, text};

    #[test]
    fn every_shell_has_its_own_shim_and_is_known_by_its_name() {
        for shell in Shell::ALL {
            assert_eq!(shell.name().parse(), Ok(shell));
            assert!(text(shell).starts_with(&format!("# venvkeep for {shell}")), "{shell}");
            assert!(text(shell).ends_with('\n'));
        }
        assert!("tcsh".parse::<Shell>().is_err());
    }

    #[test]
    fn a_new_shell_reads_what_is_not_rare() {
        for shell in Shell::ALL {
            let (whole, start) = (text(shell), start_text(shell));
            for line in RARE {
                assert_eq!(whole.matches(line).count(), 1, "{shell}");
                assert!(!start.contains(line), "{shell}");
            }
            for function in ["_venvkeep_find", "_venvkeep_look", "_venvkeep_more", "venvkeep"] {
                assert!(start.contains(&format!("\nfunction {function}")), "{shell}: {function}");
            }
            for function in ["_venvkeep_trusted", "_venvkeep_settle", "_venvkeep_activate"] {
                assert!(!start.contains(&format!("\nfunction {function}")), "{shell}: {function}");
                assert!(whole.contains(&format!("\nfunction {function}")), "{shell}: {function}");
            }
        }
    }
}
