//! One thing on the machine that breaks environments or will, with how it came about, what puts it right and what keeps it
//! from coming back.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::diagnose::finding::{Remedy, Severity};

/// What a finding about the machine is called: stable names, one heading each in `docs/machine.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MachineCode {
    /// Packages that were installed for everybody, and that this user may not read.
    PackagesUnreadable,
    /// Directories of the user's that belong to somebody else, or hold what does.
    OwnForeign,
    /// Directories of the user's own that they may not read or write.
    OwnClosed,
    /// What `sudo pip` put among the system's packages in the place of the distribution's own.
    PackagesShadowed,
    /// An environment variable that leads Python or pip astray.
    Variable,
    /// A pip setting that does.
    PipSetting,
    /// A line of a start-up file that does.
    StartupLine,
    /// Files are made that others cannot read.
    StrictUmask,
    /// What `sudo pip` put among the system's packages.
    PackagesByPip,
    /// What `pip install --user` put into the home.
    PackagesForUser,
    /// The system's Python does not keep pip out (PEP 668), or was made not to.
    Unmarked,
    /// sudo keeps the caller's home, or makes files that others cannot read.
    SudoSetting,
    /// A pip outside of environments that lacks security fixes.
    PipOld,
    /// uv's cache holds files that only this user can read.
    UvCacheClosed,
    /// Known environments that are not well.
    EnvironmentsUnwell,
    /// Old trees that are kept.
    TreesKept,
}

impl MachineCode {
    /// All codes.
    pub const ALL: [Self; 16] = [
        Self::PackagesUnreadable,
        Self::OwnForeign,
        Self::OwnClosed,
        Self::PackagesShadowed,
        Self::Variable,
        Self::PipSetting,
        Self::StartupLine,
        Self::StrictUmask,
        Self::PackagesByPip,
        Self::PackagesForUser,
        Self::Unmarked,
        Self::SudoSetting,
        Self::PipOld,
        Self::UvCacheClosed,
        Self::EnvironmentsUnwell,
        Self::TreesKept,
    ];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PackagesUnreadable => "packages-unreadable",
            Self::OwnForeign => "own-foreign",
            Self::OwnClosed => "own-closed",
            Self::PackagesShadowed => "packages-shadowed",
            Self::Variable => "variable",
            Self::PipSetting => "pip-setting",
            Self::StartupLine => "startup-line",
            Self::StrictUmask => "strict-umask",
            Self::PackagesByPip => "packages-by-pip",
            Self::PackagesForUser => "packages-for-user",
            Self::Unmarked => "system-unmarked",
            Self::SudoSetting => "sudo-setting",
            Self::PipOld => "pip-old",
            Self::UvCacheClosed => "uv-cache-closed",
            Self::EnvironmentsUnwell => "environments-unwell",
            Self::TreesKept => "trees-kept",
        }
    }
}

impl fmt::Display for MachineCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for MachineCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFinding {
    /// What it is called.
    pub code: MachineCode,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong and what follows, in a sentence that a beginner understands.
    pub message: String,
    /// How it came about, as far as the facts tell.
    pub cause: Option<String>,
    /// How many places it is about.
    pub count: usize,
    /// Up to [`MachineFinding::EVIDENCE`] of them: paths, or a path and a line (`/etc/profile.d/x.sh:3`).
    pub evidence: Vec<PathBuf>,
    /// What puts it right, in the order in which to do it.
    pub remedies: Vec<Remedy>,
    /// What keeps it from coming back.
    pub prevention: Vec<String>,
}

impl MachineFinding {
    /// How many places of evidence a finding shows.
    pub const EVIDENCE: usize = 10;

    /// One without cause and prevention yet.
    pub(super) fn new(code: MachineCode, severity: Severity, message: String) -> Self {
        Self {
            code,
            severity,
            message,
            cause: None,
            count: 0,
            evidence: Vec::new(),
            remedies: Vec::new(),
            prevention: Vec::new(),
        }
    }

    /// Says how it came about.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the places it is about.
    pub(super) fn at(mut self, places: impl IntoIterator<Item = PathBuf>) -> Self {
        for place in places {
            self.count += 1;
            if self.evidence.len() < Self::EVIDENCE {
                self.evidence.push(place);
            }
        }
        self
    }

    /// Adds a command that puts it right.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Command(command.into()));
        self
    }

    /// Adds what to do, in words.
    pub(super) fn advice(mut self, words: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Advice(words.into()));
        self
    }

    /// Adds what keeps it from coming back.
    pub(super) fn prevent(mut self, words: impl Into<String>) -> Self {
        self.prevention.push(words.into());
        self
    }
}
