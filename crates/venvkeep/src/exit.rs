//! Exit codes, all of them.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, or healthy.
    Done,
    /// Findings remain (a note is none).
    Findings,
    /// The command was asked for something that does not exist or makes no sense; nothing was done.
    Usage,
    /// It failed; the environment is untouched or restored.
    Failed,
    /// The report says what needs the user's attention.
    Attention,
    /// `run`: the command could not be started. Shells, `env` and `timeout` use the same number.
    NotStarted,
    /// `run`: there is no such command; likewise.
    NotFound,
    /// The user interrupted it; the environment is untouched or restored.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Failed => 3,
            Self::Attention => 4,
            Self::NotStarted => 126,
            Self::NotFound => 127,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let all = [Exit::Done, Exit::Findings, Exit::Usage, Exit::Failed, Exit::Attention, Exit::Interrupted];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 130]);
        assert_eq!([Exit::NotStarted, Exit::NotFound].map(Exit::code), [126, 127]);
    }
}
