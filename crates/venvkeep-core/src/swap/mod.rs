//! Putting the new environment in the old one's place: the only module that touches the live prefix.
//!
//! One exchange of names where the file system has it, two renames under the journal where not. The old tree stays
//! beside the environment under a hidden name. Until [`PendingSwap::settle`] everything can be taken back, and is when
//! the value is dropped.

mod aside;
mod journal;
mod keep;
mod place;
mod recover;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use aside::{Leaving, insist_on_movable, leave, lock, set_aside};
use journal::Identity;
pub use journal::{How, Journal};
pub use keep::{bring_back, remove_kept};
pub use place::{Placed, place};

use crate::error::LiveState;
use crate::host::fs::{self, Directory, IoError};
use crate::host::rename::{self, Movable};
use crate::host::running::Running;
use crate::host::walk;
use crate::inspect::beside;
use crate::model::prefix::Prefix;
use crate::model::siblings;
use crate::model::tree::Tree;
use crate::rebuild::stage::Stage;
use crate::verify::VerifiedStage;

/// Why the trees did not change places.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Another run is at work on this environment, or an installer that it had started before it was killed.
    #[error("{} on {} right now", busy_words(.holder.as_ref()), .prefix.display())]
    Busy {
        /// The environment.
        prefix: PathBuf,
        /// Who holds the lock, where that can be told.
        holder: Option<Running>,
    },
    /// The journal of an interrupted heal makes no sense.
    #[error("{} was left by an interrupted heal and cannot be understood", .journal.display())]
    GarbledJournal {
        /// The journal.
        journal: PathBuf,
    },
    /// What is on the disk is none of the states that a heal leaves.
    #[error("an interrupted heal of {} left something that somebody has changed since", .prefix.display())]
    Unsettled {
        /// The environment.
        prefix: PathBuf,
    },
    /// The environment is not as it was inspected, so that the new one would lack what has come since.
    #[error("{} was changed by somebody else while venvkeep worked", .what.display())]
    GroundChanged {
        /// What is another one, or is not what it was.
        what: PathBuf,
    },
    /// An interrupted move was brought to its end, and nothing is left at the place.
    #[error("there is no environment at {} any more: a move of it that was cut off is finished now; it is at {}", .prefix.display(), .to.display())]
    MovedAway {
        /// The place.
        prefix: PathBuf,
        /// Where the environment stands.
        to: PathBuf,
    },
    /// What was to be made was never made; what was left of that is settled.
    #[error("nothing stands at {}: what was to come there was cut off, and what that left is removed", .prefix.display())]
    NeverMade {
        /// The path.
        prefix: PathBuf,
        /// Whether an old tree is kept beside it.
        kept: bool,
    },
    /// The old tree cannot be renamed.
    #[error("{} cannot be moved aside: {}", .prefix.display(), movable_words(*.why))]
    NotMovable {
        /// The environment.
        prefix: PathBuf,
        /// What the probe told.
        why: Movable,
    },
    /// A call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The trees had begun to change places, and were brought back.
    #[error("the trees could not change places wholly: {why}")]
    TakenBack {
        /// Why.
        why: IoError,
    },
    /// A kept tree was removed in part.
    #[error("an old environment could not be removed wholly: {why}")]
    HalfRemoved {
        /// What is left of it.
        left: PathBuf,
        /// Why.
        why: IoError,
    },
    /// They had begun to change places, and could be brought neither to the end nor back.
    #[error("changing places at {} was begun and could not be ended: {why}", .prefix.display())]
    Stuck {
        /// The environment.
        prefix: PathBuf,
        /// What stands there.
        live: LiveState,
        /// Why.
        why: Box<SwapError>,
    },
}

impl SwapError {
    /// The directory around an environment may not be written, which need not be tried to be known.
    pub fn parent_denied(prefix: &Prefix) -> Self {
        let is_read_only = fs::is_read_only(prefix.parent());
        let why = if is_read_only { Movable::ReadOnly } else { Movable::ParentDenied };
        Self::NotMovable { prefix: prefix.path().to_owned(), why }
    }

    /// Whether somebody has to look after it: it left neither what was there before nor what was wanted.
    pub fn needs_attention(&self) -> bool {
        let is_as_before = matches!(self.live(), LiveState::Untouched | LiveState::Restored);
        !is_as_before || matches!(self, Self::HalfRemoved { .. })
    }

    /// What stands at the prefix after this error.
    pub fn live(&self) -> LiveState {
        match self {
            Self::TakenBack { .. } => LiveState::Restored,
            Self::Stuck { live, .. } => *live,
            _ => LiveState::Untouched,
        }
    }
}

fn busy_words(holder: Option<&Running>) -> String {
    match holder {
        Some(one) if !one.is_venvkeep() => format!(
            "{} (process {}), which a venvkeep had started that was killed, is still working",
            one.program, one.pid
        ),
        Some(one) => format!("another venvkeep (process {}) is working", one.pid),
        None => "another venvkeep is working".to_owned(),
    }
}

fn movable_words(why: Movable) -> &'static str {
    match why {
        Movable::Yes => "it can",
        Movable::OverlayLayer => {
            "it is part of a container image's lower layer, where renaming is not possible"
        }
        Movable::MountPoint => "something is mounted there",
        Movable::Sticky => {
            "the directory around it is sticky, so only the owner of the environment may rename it"
        }
        Movable::ParentDenied => "you may not write the directory around it",
        Movable::ReadOnly => "it lies on a read-only file system",
    }
}

/// Finds out, without changing anything, whether the environment can be moved aside; `non_empty` is a stage of ours
/// beside it that is not empty.
pub fn probe(prefix: &Prefix, non_empty: &Stage) -> Result<(), SwapError> {
    match rename::probe(prefix.path(), non_empty.path())? {
        Movable::Yes => Ok(()),
        why => Err(SwapError::NotMovable { prefix: prefix.path().to_owned(), why }),
    }
}

/// Puts the verified stage in the place of the environment that was `old` when it was inspected.
/// `time`, as `20261121-091500`, becomes part of the old tree's name.
///
/// On an error the old tree is live, and the journal's drop removes the stage; unless the error says otherwise.
pub fn swap(
    verified: VerifiedStage,
    mut journal: Journal,
    old: &Tree,
    time: &str,
) -> Result<PendingSwap, SwapError> {
    let prefix = journal.prefix().clone();
    fs::flush(verified.path())?;
    insist_on_same(&prefix, old)?;
    let old = old.facts(Tree::ROOT);
    let kept = free_kept_name(&prefix, time)?;
    journal.swapping(old, &kept)?;
    let stage = verified.into_stage();
    if !fs::lstat(stage.path())?.same_entry(&stage.place().identity) {
        // Where others can write the directory around, the stage itself may have been replaced since it was verified.
        return Err(SwapError::GroundChanged { what: stage.path().to_owned() });
    }
    let place = stage.release();
    let new = Identity::of(&place.identity);
    let old = Identity::of(old);
    let mut pending =
        PendingSwap { journal, side: place.path, kept, old, new, how: How::Exchange, decided: true };
    if !rename::exchange(prefix.path(), &pending.side)? {
        pending.how = How::TwoStep;
        rename::to_free_name(prefix.path(), &pending.kept)?;
        if let Err(why) = rename::to_free_name(&pending.side, prefix.path()) {
            return Err(pending.give_up(why));
        }
    }
    pending.decided = false;
    Ok(pending)
}

/// The environment is still what was inspected; but for bytecode, which Python writes whenever it is used.
pub fn insist_on_same(prefix: &Prefix, old: &Tree) -> Result<(), SwapError> {
    let changed = |what: PathBuf| Err(SwapError::GroundChanged { what });
    if !fs::lstat(prefix.path())?.same_entry(old.facts(Tree::ROOT)) {
        return changed(prefix.path().to_owned());
    }
    // One that may not be listed was not listed before either.
    let Ok(directory) = Directory::open(prefix.path()) else { return Ok(()) };
    let is_bytecode =
        |name: &OsStr| name == "__pycache__" || Path::new(name).extension().is_some_and(|end| end == "pyc");
    match old.difference(&walk::tree(&directory)?, |name| !is_bytecode(name)) {
        Some(path) => changed(prefix.join(path)),
        None => Ok(()),
    }
}

fn free_kept_name(prefix: &Prefix, time: &str) -> Result<PathBuf, IoError> {
    let time = beside::time_after_all(prefix, time);
    let mut name = prefix.parent().join(siblings::kept_name(prefix, &time));
    let mut again = 1;
    while fs::lstat_if_any(&name)?.is_some() {
        again += 1;
        name = prefix.parent().join(siblings::kept_name(prefix, &format!("{time}-{again}")));
    }
    Ok(name)
}

/// The new tree is live and the old one beside it; nothing is final yet.
#[derive(Debug)]
#[must_use = "a swap that is neither settled nor rolled back is rolled back when it is dropped"]
pub struct PendingSwap {
    journal: Journal,
    side: PathBuf,
    kept: PathBuf,
    old: Identity,
    new: Identity,
    how: How,
    decided: bool,
}

/// A swap that is done.
#[derive(Debug)]
pub struct Settled {
    /// Where the old tree is kept.
    pub old: PathBuf,
    /// How the trees changed places.
    pub how: How,
}

impl PendingSwap {
    /// The environment, now the new one.
    pub fn prefix(&self) -> &Prefix {
        self.journal.prefix()
    }

    /// Gives the old tree its kept name; from here on only `undo` goes back.
    pub fn settle(mut self) -> Result<Settled, SwapError> {
        if self.how == How::Exchange
            && let Err(why) = rename::to_free_name(&self.side, &self.kept)
        {
            return Err(self.give_up(why));
        }
        self.decided = true;
        Ok(Settled { old: self.kept.clone(), how: self.how })
    }

    /// Brings the old tree back and removes the new one.
    pub fn roll_back(mut self) -> Result<(), SwapError> {
        self.take_back()
    }

    /// Takes it back, since it cannot be brought to its end.
    fn give_up(&mut self, why: IoError) -> SwapError {
        match self.take_back() {
            Ok(()) => SwapError::TakenBack { why },
            Err(stuck) => stuck,
        }
    }

    fn take_back(&mut self) -> Result<(), SwapError> {
        self.decided = true;
        let back = self.journal.rolling_back().map_err(SwapError::from).and_then(|()| self.journal.settle());
        back.map_err(|why| stuck(&mut self.journal, Some(self.old), self.new, why))
    }
}

/// Tries once more to bring the disk to one of the settled states, as the journal's drop would, and says which it is.
fn stuck(journal: &mut Journal, old: Option<Identity>, new: Identity, why: SwapError) -> SwapError {
    let settled = journal.settle().is_ok();
    let prefix = journal.prefix().path().to_owned();
    let live = match fs::lstat_if_any(&prefix) {
        Ok(Some(there)) if Identity::of(&there) == new => LiveState::New,
        Ok(Some(there)) if settled || Some(Identity::of(&there)) == old => LiveState::Restored,
        _ => LiveState::Unsettled,
    };
    SwapError::Stuck { prefix, live, why: Box::new(why) }
}

impl Drop for PendingSwap {
    fn drop(&mut self) {
        if !self.decided {
            // Nobody is left to be told; the journal stays when it fails, and the next run tries again.
            let _ = self.take_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{Directory, How, Journal, Prefix, Stage, SwapError, Tree, rename, swap, walk};
    use crate::host::fs::lstat;
    use crate::verify::VerifiedStage;

    /// A directory with an environment `.venv` that holds the file `old`.
    struct Ground {
        _dir: tempfile::TempDir,
        prefix: Prefix,
    }

    fn ground() -> Ground {
        let dir = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(crate::host::fs::physical(dir.path()).unwrap().join(".venv")).unwrap();
        fs_new(prefix.path(), "old");
        Ground { _dir: dir, prefix }
    }

    #[expect(clippy::disallowed_methods, reason = "the test builds the disk by itself")]
    fn fs_new(dir: &Path, mark: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join(mark), mark).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "the test looks at the disk by itself")]
    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn walked(dir: &Path) -> Tree {
        walk::tree(&Directory::open(dir).unwrap()).unwrap()
    }

    fn staged(ground: &Ground) -> (Journal, VerifiedStage, PathBuf) {
        let mut journal = Journal::open(&ground.prefix).unwrap();
        let stage = Stage::create(&ground.prefix).unwrap();
        journal.building(stage.path(), &stage.place().identity).unwrap();
        fs_new(stage.path(), "new");
        let path = stage.path().to_owned();
        (journal, VerifiedStage::for_test(stage), path)
    }

    #[test]
    fn settled_the_new_is_live_and_the_old_kept() {
        let ground = ground();
        let old = walked(ground.prefix.path());
        let (journal, stage, _) = staged(&ground);
        let settled = swap(stage, journal, &old, "20261121-091500").unwrap().settle().unwrap();
        assert_eq!(names(ground.prefix.path()), ["new"]);
        assert_eq!(names(&settled.old), ["old"]);
        assert_eq!(names(ground.prefix.parent()), [".venv", ".venv.venvkeep-old-20261121-091500"]);
        assert_eq!(settled.how, How::Exchange);
    }

    #[test]
    fn dropped_or_rolled_back_the_old_is_live_and_nothing_else_is_left() {
        for explicitly in [true, false] {
            let ground = ground();
            let old = walked(ground.prefix.path());
            let (journal, stage, _) = staged(&ground);
            let pending = swap(stage, journal, &old, "t").unwrap();
            assert_eq!(names(ground.prefix.path()), ["new"]);
            if explicitly {
                pending.roll_back().unwrap();
            } else {
                drop(pending);
            }
            assert_eq!(names(ground.prefix.path()), ["old"]);
            assert_eq!(names(ground.prefix.parent()), [".venv"]);
        }
    }

    #[test]
    fn a_stage_given_up_leaves_nothing() {
        let ground = ground();
        let (journal, stage, _) = staged(&ground);
        drop(stage);
        drop(journal);
        assert_eq!(names(ground.prefix.parent()), [".venv"]);
    }

    #[test]
    fn a_second_heal_is_refused_while_the_first_works() {
        let ground = ground();
        let _first = Journal::open(&ground.prefix).unwrap();
        assert!(matches!(Journal::open(&ground.prefix), Err(SwapError::Busy { .. })));
    }

    #[test]
    fn an_exchanged_ground_is_noticed() {
        let ground = ground();
        let old = walked(ground.prefix.path());
        let (journal, stage, _) = staged(&ground);
        rename::over(ground.prefix.path(), &ground.prefix.parent().join("elsewhere")).unwrap();
        fs_new(ground.prefix.path(), "other");
        assert!(matches!(swap(stage, journal, &old, "t"), Err(SwapError::GroundChanged { .. })));
        assert_eq!(names(ground.prefix.path()), ["other"]);
        assert_eq!(names(ground.prefix.parent()), [".venv", "elsewhere"]);
    }

    #[test]
    fn what_was_written_into_the_old_tree_meanwhile_is_noticed_but_for_bytecode() {
        for (name, harmless) in [("notes", false), ("__pycache__", true)] {
            let ground = ground();
            let old = walked(ground.prefix.path());
            let (journal, stage, _) = staged(&ground);
            fs_new(&ground.prefix.join(name), "x");
            let swapped = swap(stage, journal, &old, "t").map(|pending| drop(pending.settle()));
            assert_eq!(swapped.is_ok(), harmless, "{swapped:?}");
            let live =
                if harmless { vec!["new".to_owned()] } else { vec![name.to_owned(), "old".to_owned()] };
            assert_eq!(names(ground.prefix.path()), live);
        }
    }

    /// What a crash leaves: the journal's file with its steps, nobody holding it.
    fn crash(journal: Journal, stage: VerifiedStage) {
        std::mem::forget(stage.into_stage().release());
        // The lock goes with the descriptor; a forgotten journal keeps it, so its lines are written anew.
        let path = journal.file_path().to_owned();
        let content = crate::host::fs::read_bounded(&path, 1 << 16).unwrap();
        crate::host::fs::remove_file(&path).unwrap();
        std::mem::forget(journal);
        crate::host::fs::create_file(&path, 0o600, &content).unwrap();
    }

    #[test]
    fn every_moment_of_a_crash_is_settled() {
        // Before the swap; announced and not done; done and the old tree not yet renamed; all done but the journal.
        for moment in ["building", "announced", "exchanged", "between two renames", "kept"] {
            let ground = ground();
            let old = lstat(ground.prefix.path()).unwrap();
            let (mut journal, stage, side) = staged(&ground);
            let kept = ground.prefix.parent().join(".venv.venvkeep-old-t");
            if moment != "building" {
                journal.swapping(&old, &kept).unwrap();
            }
            match moment {
                "exchanged" => assert!(rename::exchange(ground.prefix.path(), &side).unwrap()),
                "between two renames" => rename::to_free_name(ground.prefix.path(), &kept).unwrap(),
                "kept" => {
                    assert!(rename::exchange(ground.prefix.path(), &side).unwrap());
                    rename::to_free_name(&side, &kept).unwrap();
                }
                _ => {}
            }
            crash(journal, stage);
            for _ in 0..2 {
                drop(Journal::open(&ground.prefix).unwrap());
                let swapped = !matches!(moment, "building" | "announced");
                assert_eq!(names(ground.prefix.path()), [if swapped { "new" } else { "old" }], "{moment}");
                let beside: &[_] = if swapped { &[".venv", ".venv.venvkeep-old-t"] } else { &[".venv"] };
                assert_eq!(names(ground.prefix.parent()), beside, "{moment}");
            }
        }
    }

    #[test]
    fn a_journal_that_names_something_else_removes_nothing() {
        let ground = ground();
        let precious = ground.prefix.parent().join("precious");
        fs_new(&precious, "data");
        let mut journal = Journal::open(&ground.prefix).unwrap();
        journal.building(&precious, &lstat(&precious).unwrap()).unwrap();
        drop(journal);
        assert!(matches!(Journal::open(&ground.prefix), Err(SwapError::Unsettled { .. })));
        assert_eq!(names(&precious), ["data"]);
    }
}
