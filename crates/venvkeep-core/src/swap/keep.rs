//! Kept old trees: brought back by `undo`, removed by `prune`. Both go through the journal, like a heal.

use std::path::{Path, PathBuf};

use super::journal::Identity;
use super::{Journal, SwapError, free_kept_name, stuck};
use crate::host::fs::{self, IoError};
use crate::host::{remove, rename};
use crate::model::prefix::Prefix;
use crate::model::siblings;

/// Puts a kept tree back in the environment's place; what is live there takes its turn as the kept one, named after
/// `time`. Only names change, so that a tree which the user may not even list comes back as well. Gives where the
/// tree that was live is kept; `None` where none was.
///
/// A crash at any moment is settled by whoever opens the journal next.
pub fn bring_back(mut journal: Journal, kept: &Path, time: &str) -> Result<Option<PathBuf>, SwapError> {
    let prefix = journal.prefix().clone();
    let returning = fs::lstat(kept)?;
    let live = fs::lstat_if_any(prefix.path())?;
    let aside = free_kept_name(&prefix, time)?;
    journal.returning((kept, &returning), live.as_ref(), &aside)?;
    let live = live.as_ref().map(Identity::of);
    let aside = live.map(|_| aside);
    if let Err(why) = change_places(prefix.path(), kept, aside.as_deref()) {
        // Settling goes on where it had begun; then it is done after all.
        let identity = Identity::of(&returning);
        journal.settle().map_err(|why| stuck(&mut journal, live, identity, why))?;
        if !fs::lstat(prefix.path())?.same_entry(&returning) {
            return Err(why.into());
        }
    }
    Ok(aside)
}

fn change_places(live: &Path, kept: &Path, aside: Option<&Path>) -> Result<(), IoError> {
    let Some(aside) = aside else { return rename::to_free_name(kept, live) };
    if rename::exchange(live, kept)? {
        return rename::to_free_name(kept, aside);
    }
    rename::to_free_name(live, aside)?;
    rename::to_free_name(kept, live)
}

/// Removes a kept tree. It loses its name first: a tree that a crash left half removed is never taken for one that
/// can be brought back, and the next run removes the rest. Only where the removal is refused from the first it gets its
/// name again.
pub fn remove_kept(journal: &mut Journal, kept: &Path) -> Result<(), SwapError> {
    let doomed = doomed_name(journal.prefix());
    journal.building(&doomed, &fs::lstat(kept)?)?;
    rename::to_free_name(kept, &doomed)?;
    let Err(stopped) = remove::tree_or_rest(&doomed) else {
        // It is gone, whatever becomes of the journal's line about it.
        let _ = journal.settle();
        return Ok(());
    };
    if stopped.whole {
        rename::to_free_name(&doomed, kept)?;
        journal.settle()?;
        return Err(stopped.why.into());
    }
    // Settling tries again. What can never be removed must not stand in the way of a heal for ever.
    journal.settle().or_else(|_| {
        journal.forget()?;
        Err(SwapError::HalfRemoved { left: doomed, why: stopped.why })
    })
}

fn doomed_name(prefix: &Prefix) -> PathBuf {
    prefix.parent().join(siblings::stage_name(prefix, fastrand::u64(..)))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Journal, Prefix, bring_back, fs, remove_kept, rename};

    /// An environment `.venv` that holds `new`, and beside it a kept one that holds `old`.
    struct Ground {
        _directory: tempfile::TempDir,
        prefix: Prefix,
        kept: PathBuf,
    }

    fn ground() -> Ground {
        let directory = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(fs::physical(directory.path()).unwrap().join(".venv")).unwrap();
        let kept = prefix.parent().join(".venv.venvkeep-old-t1");
        for (place, mark) in [(prefix.path(), "new"), (&kept, "old")] {
            fs::create_dir(place, 0o755).unwrap();
            fs::create_file(&place.join(mark), 0o644, b"").unwrap();
        }
        Ground { _directory: directory, prefix, kept }
    }

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::Directory::open(directory).unwrap().names().unwrap();
        let mut names: Vec<_> = names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn twice_comes_back_to_where_it_was() {
        let ground = ground();
        let journal = || Journal::open(&ground.prefix).unwrap();
        let aside = bring_back(journal(), &ground.kept, "t2").unwrap().unwrap();
        assert_eq!((names(ground.prefix.path()), names(&aside)), (vec!["old".into()], vec!["new".into()]));
        assert_eq!(names(ground.prefix.parent()), [".venv", ".venv.venvkeep-old-t2"]);
        bring_back(journal(), &aside, "t1").unwrap();
        assert_eq!(names(ground.prefix.path()), ["new"]);
        assert_eq!(names(&ground.kept), ["old"]);
        assert_eq!(names(ground.prefix.parent()), [".venv", ".venv.venvkeep-old-t1"]);
    }

    #[test]
    fn where_nothing_is_live_the_kept_tree_just_returns() {
        let ground = ground();
        crate::host::remove::tree(ground.prefix.path()).unwrap();
        let aside = bring_back(Journal::open(&ground.prefix).unwrap(), &ground.kept, "t2").unwrap();
        assert_eq!(aside, None);
        assert_eq!(names(ground.prefix.path()), ["old"]);
        assert_eq!(names(ground.prefix.parent()), [".venv"]);
    }

    /// What a crash leaves: the journal's file with its steps, nobody holding it.
    fn crash(journal: Journal) {
        let path = journal.file_path().to_owned();
        let content = fs::read_bounded(&path, 1 << 16).unwrap();
        fs::remove_file(&path).unwrap();
        std::mem::forget(journal);
        fs::create_file(&path, 0o600, &content).unwrap();
    }

    #[test]
    fn every_moment_of_a_crash_is_settled() {
        for (moment, returned) in
            [("announced", false), ("exchanged", true), ("between two renames", true), ("done", true)]
        {
            let ground = ground();
            let (prefix, kept) = (&ground.prefix, &ground.kept);
            let aside = prefix.parent().join(".venv.venvkeep-old-t2");
            let mut journal = Journal::open(prefix).unwrap();
            let (old, live) = (fs::lstat(kept).unwrap(), fs::lstat(prefix.path()).unwrap());
            journal.returning((kept, &old), Some(&live), &aside).unwrap();
            match moment {
                "exchanged" => assert!(rename::exchange(prefix.path(), kept).unwrap()),
                "between two renames" => rename::to_free_name(prefix.path(), &aside).unwrap(),
                "done" => {
                    assert!(rename::exchange(prefix.path(), kept).unwrap());
                    rename::to_free_name(kept, &aside).unwrap();
                }
                _ => {}
            }
            crash(journal);
            for _ in 0..2 {
                drop(Journal::open(prefix).unwrap());
                let (live, beside) = if returned { ("old", "t2") } else { ("new", "t1") };
                assert_eq!(names(prefix.path()), [live], "{moment}");
                let beside = format!(".venv.venvkeep-old-{beside}");
                assert_eq!(names(prefix.parent()), [".venv", &beside], "{moment}");
            }
        }
    }

    #[test]
    fn a_crash_in_the_removal_never_leaves_half_a_tree_to_bring_back() {
        for renamed in [false, true] {
            let ground = ground();
            let mut journal = Journal::open(&ground.prefix).unwrap();
            let doomed = ground.prefix.parent().join(".venv.venvkeep-stage-1");
            journal.building(&doomed, &fs::lstat(&ground.kept).unwrap()).unwrap();
            if renamed {
                rename::to_free_name(&ground.kept, &doomed).unwrap();
            }
            crash(journal);
            drop(Journal::open(&ground.prefix).unwrap());
            let left: &[_] = if renamed { &[".venv"] } else { &[".venv", ".venv.venvkeep-old-t1"] };
            assert_eq!(names(ground.prefix.parent()), left);
        }
        let ground = ground();
        remove_kept(&mut Journal::open(&ground.prefix).unwrap(), &ground.kept).unwrap();
        assert_eq!(names(ground.prefix.parent()), [".venv"]);
    }
}
