//! A finding: one thing that is wrong or noteworthy, in words that a beginner understands, with its remedy.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// How much a finding matters. A note never changes status or exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Note,
    /// It works, but not wholly.
    Degraded,
    /// It cannot be used as it is.
    Broken,
}

/// An environment's status: the worst of its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing but notes.
    Healthy,
    /// The worst finding is [`Severity::Degraded`].
    Degraded,
    /// The worst finding is [`Severity::Broken`].
    Broken,
}

/// What a finding is called: stable names, one heading each in `docs/findings.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Entries belong to another user.
    ForeignOwner,
    /// Entries cannot be read.
    Unreadable,
    /// The user's own entries cannot be written.
    Unwritable,
    /// The directory around the environment cannot be written: a heal cannot build beside it.
    ParentUnwritable,
    /// The directory around it is sticky and another's: the environment cannot be renamed.
    ParentSticky,
    /// Anybody may change entries.
    WorldWritable,
    /// Entries that those for whom it is shared cannot read.
    ClosedToOthers,
    /// Something is mounted at the environment's place.
    MountPoint,
    /// It cannot be renamed for another reason (a layer of an overlay file system).
    NotRenamable,
    /// The base interpreter is gone.
    InterpreterMissing,
    /// The interpreter is no program, or does not start.
    InterpreterBroken,
    /// The interpreter has become another version than the one the libraries are for.
    InterpreterMismatch,
    /// There is no usable `pyvenv.cfg`.
    ConfigMissing,
    /// Its scripts name another place as theirs.
    Moved,
    /// Recorded files are not there.
    FilesMissing,
    /// Recorded files have another size or content.
    FilesAltered,
    /// A distribution has no RECORD.
    RecordMissing,
    /// A distribution's metadata or RECORD cannot be read or makes no sense.
    MetadataBroken,
    /// An aborted uninstall left something behind.
    LeftoverDistribution,
    /// A declared dependency is not installed, or in another version.
    DependencyUnmet,
    /// A name or recorded path that leads out of the environment, or could deceive.
    UnsafePath,
    /// A heal was cut off.
    InterruptedHeal,
    /// An old tree is kept beside it.
    KeptEnvironment,
    /// Another tool manages it (pipx, uv tool, conda).
    ManagedElsewhere,
    /// It is no environment.
    NotAnEnvironment,
}

impl Code {
    /// All codes, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::ForeignOwner,
        Self::Unreadable,
        Self::Unwritable,
        Self::ParentUnwritable,
        Self::ParentSticky,
        Self::WorldWritable,
        Self::ClosedToOthers,
        Self::MountPoint,
        Self::NotRenamable,
        Self::InterpreterMissing,
        Self::InterpreterBroken,
        Self::InterpreterMismatch,
        Self::ConfigMissing,
        Self::Moved,
        Self::FilesMissing,
        Self::FilesAltered,
        Self::RecordMissing,
        Self::MetadataBroken,
        Self::LeftoverDistribution,
        Self::DependencyUnmet,
        Self::UnsafePath,
        Self::InterruptedHeal,
        Self::KeptEnvironment,
        Self::ManagedElsewhere,
        Self::NotAnEnvironment,
    ];

    /// The stable name: `foreign-owner`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForeignOwner => "foreign-owner",
            Self::Unreadable => "unreadable",
            Self::Unwritable => "unwritable",
            Self::ParentUnwritable => "parent-unwritable",
            Self::ParentSticky => "parent-sticky",
            Self::WorldWritable => "world-writable",
            Self::ClosedToOthers => "closed-to-others",
            Self::MountPoint => "mount-point",
            Self::NotRenamable => "not-renamable",
            Self::InterpreterMissing => "interpreter-missing",
            Self::InterpreterBroken => "interpreter-broken",
            Self::InterpreterMismatch => "interpreter-mismatch",
            Self::ConfigMissing => "config-missing",
            Self::Moved => "moved",
            Self::FilesMissing => "files-missing",
            Self::FilesAltered => "files-altered",
            Self::RecordMissing => "record-missing",
            Self::MetadataBroken => "metadata-broken",
            Self::LeftoverDistribution => "leftover-distribution",
            Self::DependencyUnmet => "dependency-unmet",
            Self::UnsafePath => "unsafe-path",
            Self::InterruptedHeal => "interrupted-heal",
            Self::KeptEnvironment => "kept-environment",
            Self::ManagedElsewhere => "managed-elsewhere",
            Self::NotAnEnvironment => "not-an-environment",
        }
    }

    /// How much findings of this code matter, unless the finding itself says less.
    pub fn severity(self) -> Severity {
        match self {
            Self::ForeignOwner
            | Self::Unreadable
            | Self::InterpreterMissing
            | Self::InterpreterBroken
            | Self::InterpreterMismatch
            | Self::ConfigMissing
            | Self::FilesMissing
            | Self::MetadataBroken => Severity::Broken,
            Self::Unwritable
            | Self::Moved
            | Self::FilesAltered
            | Self::LeftoverDistribution
            | Self::DependencyUnmet
            | Self::WorldWritable
            | Self::ClosedToOthers
            | Self::UnsafePath
            | Self::InterruptedHeal => Severity::Degraded,
            _ => Severity::Note,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What puts a finding right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// `venvkeep heal` of this environment.
    Heal,
    /// Nothing needs doing.
    Nothing,
    /// A command to type, quoted for a shell.
    Command(String),
    /// Something that no command can name, in words.
    Advice(String),
}

/// One thing that is wrong or noteworthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is called.
    pub code: Code,
    /// How much it matters here.
    pub severity: Severity,
    /// One sentence: what is wrong and what follows.
    pub message: String,
    /// How it came about, as far as the facts tell; for the human report.
    pub cause: Option<String>,
    /// How many entries (or distributions, rows) it is about.
    pub count: usize,
    /// Up to [`Finding::EVIDENCE`] of them, relative to the prefix where they lie inside.
    pub evidence: Vec<PathBuf>,
    /// What puts it right.
    pub remedy: Remedy,
}

impl Finding {
    /// How many paths of evidence a finding shows.
    pub const EVIDENCE: usize = 10;

    /// Whether it keeps a heal from building in the environment's own place.
    pub fn wants_another_place(&self) -> bool {
        match self.code {
            // Where the directory is the user's own, a command opens it.
            Code::ParentUnwritable => self.remedy == Remedy::Nothing,
            Code::ParentSticky => true,
            // What is mounted inside moves along.
            Code::MountPoint => self.evidence.iter().any(|path| path == Path::new(".")),
            _ => false,
        }
    }
}

/// The worst of some findings, as a status.
pub fn status(findings: &[Finding]) -> Status {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Broken) => Status::Broken,
        Some(Severity::Degraded) => Status::Degraded,
        Some(Severity::Note) | None => Status::Healthy,
    }
}
