//! Carrying the user's own files from the old tree into the stage.
//!
//! Both trees are worked on by directory descriptor and no link is followed in either, so that nothing outside of them
//! is read or written whatever somebody does to the old tree meanwhile. What is there already is never overwritten.

use std::path::PathBuf;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use super::build::BuildError;
use super::stage::Stage;
use crate::host::copy::Copied;
use crate::host::credentials;
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::inspect::claims::{self, Claims};
use crate::inspect::snapshot::Snapshot;
use crate::model::activation_edits::block;
use crate::model::facts::Kind;
use crate::model::interrupt::Interrupt;
use crate::model::tree::{EntryId, Tree};
use crate::plan::Plan;
use crate::plan::entries::classify;
use crate::plan::fates::{Fate, Ground, Moves, Provenance, Why, decide, runs_by_itself};
use crate::plan::hostile;

/// Files of one directory that one thread copies without looking for others to help.
const BATCH: usize = 64;

/// An activation script is text of some kilobytes, and what people add to it.
const LONGEST_SCRIPT: u64 = 16 * 1024 * 1024;

/// What became of the old tree.
#[derive(Debug)]
pub struct Carried {
    /// For every entry, by [`EntryId::index`].
    pub fates: Vec<Fate>,
    /// What is to be said of entries that are in the new environment.
    pub notes: Vec<Note>,
}

/// Something to be said of an entry that was carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it is now, relative to the prefix.
    pub path: PathBuf,
    /// In words.
    pub what: &'static str,
}

/// Carries over what is the user's; after everything else is in the stage.
pub fn carry(
    old: &Snapshot,
    stage: &Stage,
    plan: &Plan,
    interrupt: &Interrupt,
) -> Result<Carried, BuildError> {
    let claims = claims::read(old);
    let provenance = if hostile(old, &credentials::user_name).is_some() {
        Provenance::Foreign
    } else {
        Provenance::Trusted
    };
    let to = Directory::open(stage.path())?;
    let ground = Ground {
        old,
        claims: &claims,
        classes: &classify(old, &claims),
        provenance,
        moves: &Moves::new(old, &plan.base.scheme),
        taking: plan.taking,
    };
    let fates = decide(&ground, &walk::tree(&to)?);
    let mut carried = Carried { fates, notes: Vec::new() };
    if carried.fates.contains(&Fate::Carried) {
        let carrier =
            Carrier { old, moves: ground.moves, from: Directory::open(old.prefix.path())?, to, interrupt };
        carrier.carry(&mut carried)?;
    }
    if provenance == Provenance::Trusted {
        carry_added_lines(old, &claims, stage, &mut carried)?;
    }
    Ok(carried)
}

/// The lines that the user added to activation scripts go to the end of the new ones.
fn carry_added_lines(
    old: &Snapshot,
    claims: &Claims,
    stage: &Stage,
    carried: &mut Carried,
) -> Result<(), IoError> {
    for id in old.tree.ids() {
        let Some(added) = claims.added_lines(id) else { continue };
        let path = PathBuf::from("bin").join(added.script);
        let place = stage.join(&path);
        let mut script = fs::read_bounded(&place, LONGEST_SCRIPT)?;
        script.extend(block(&added.lines));
        fs::replace_file(&place, fs::lstat(&place)?.mode, &script)?;
        let what =
            "your lines from the old script stand at its end; compare the two if you also changed its inside";
        carried.notes.push(Note { path, what });
    }
    Ok(())
}

struct Carrier<'a> {
    old: &'a Snapshot,
    moves: &'a Moves,
    from: Directory,
    to: Directory,
    interrupt: &'a Interrupt,
}

/// What one thread found out about one file.
enum Done {
    Whole,
    Unreadable(EntryId),
    Without(EntryId, &'static str),
}

impl Carrier<'_> {
    fn carry(&self, carried: &mut Carried) -> Result<(), BuildError> {
        let tree = &self.old.tree;
        let chosen = |id: &EntryId| carried.fates[id.index()] == Fate::Carried;
        let is_directory = |id: &EntryId| tree.facts(*id).kind == Kind::Directory;
        let all: Vec<EntryId> = tree.ids().filter(chosen).collect();
        let (directories, others): (Vec<EntryId>, Vec<EntryId>) = all.into_iter().partition(is_directory);
        self.to.insist_on_room(others.iter().map(|&id| tree.facts(id).size).sum())?;
        for &id in &directories {
            self.stop_if_asked()?;
            self.target(tree.parent(id))?.make_child(tree.name(id))?;
        }
        // The entries of one directory lie next to each other in the tree.
        let batches: Vec<&[EntryId]> = others
            .chunk_by(|one, next| tree.parent(*one) == tree.parent(*next))
            .flat_map(|group| group.chunks(BATCH))
            .collect();
        let done: Vec<Vec<Done>> =
            batches.par_iter().map(|batch| self.copy(batch)).collect::<Result<_, BuildError>>()?;
        for one in done.into_iter().flatten() {
            match one {
                Done::Whole => {}
                Done::Unreadable(id) => carried.fates[id.index()] = Fate::Dropped(Why::Unreadable),
                Done::Without(id, what) => carried.notes.push(Note { path: self.place(id), what }),
            }
        }
        for &id in directories.iter().rev() {
            self.target(id)?.finish(tree.facts(id))?;
        }
        self.name_what_runs(carried);
        Ok(())
    }

    /// Copies some entries of one directory.
    fn copy(&self, batch: &[EntryId]) -> Result<Vec<Done>, BuildError> {
        let tree = &self.old.tree;
        let Some(&first) = batch.first() else { return Ok(Vec::new()) };
        let from = self.from.descend(&tree.path(tree.parent(first)))?;
        let to = self.target(tree.parent(first))?;
        batch.iter().map(|&id| self.copy_one(&from, &to, id)).collect()
    }

    fn copy_one(&self, from: &Directory, to: &Directory, id: EntryId) -> Result<Done, BuildError> {
        let (name, facts) = (self.old.tree.name(id), self.old.tree.facts(id));
        if facts.kind == Kind::Link {
            to.make_link(name, &from.read_link(name)?, facts)?;
            return Ok(Done::Whole);
        }
        let file = match from.open_file(name.as_ref()) {
            Ok(file) => file,
            Err(error) if error.is_denied() => return Ok(Done::Unreadable(id)),
            Err(error) => return Err(error.into()),
        };
        let Copied::Whole { facts, had_attributes } = to.receive(name, file, self.interrupt)? else {
            return Err(BuildError::Interrupted);
        };
        Ok(match (facts.mode & 0o7000 != 0, had_attributes) {
            (false, false) => Done::Whole,
            (true, false) => Done::Without(id, "carried over without its setuid, setgid or sticky bit"),
            (false, true) => {
                Done::Without(id, "carried over without its access control list, capabilities or attributes")
            }
            (true, true) => {
                Done::Without(id, "carried over without its special mode bits and its attributes")
            }
        })
    }

    /// Programs and modules of the user's are in the new environment as they were; they are named, because they run.
    fn name_what_runs(&self, carried: &mut Carried) {
        let tree = &self.old.tree;
        for id in tree.ids().skip(1) {
            if carried.fates[id.index()] != Fate::Carried || !runs_by_itself(self.old, id) {
                continue;
            }
            let is_pth = tree.name(id).as_encoded_bytes().ends_with(b".pth");
            let what = match tree.name(tree.parent(id)).to_str() {
                Some("bin") => "no distribution's program; carried over",
                _ if is_pth => "no distribution's; carried over, and Python reads it at every start",
                _ => "no distribution's module; carried over, and Python can import it",
            };
            carried.notes.push(Note { path: self.place(id), what });
        }
    }

    fn place(&self, id: EntryId) -> PathBuf {
        self.moves.place(self.old.tree.path(id))
    }

    /// The directory in the stage that stands for one of the old tree.
    fn target(&self, directory: EntryId) -> Result<Directory, IoError> {
        if directory == Tree::ROOT {
            self.to.descend("".as_ref())
        } else {
            self.to.descend(&self.place(directory))
        }
    }

    fn stop_if_asked(&self) -> Result<(), BuildError> {
        if self.interrupt.requested() { Err(BuildError::Interrupted) } else { Ok(()) }
    }
}
