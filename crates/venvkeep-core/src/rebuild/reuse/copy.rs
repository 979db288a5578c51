//! The copying itself: in parallel, each file read once, hashed and written on the way.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::digest::Hashers;
use super::jobs::{Chunk, Claim, DirectoryJob, FileJob, Jobs, Taken};
use super::{DIRECTORY_MODE, FILE_MODE, Order, PROGRAM_MODE, ReuseError, bytecode, papers};
use crate::host::fs::{Directory, IoError};
use crate::host::stream::{Source, Target};
use crate::model::facts::{Facts, Kind};
use crate::model::record::{HashAlgorithm, RecordHash};
use crate::plan::Taking;
use crate::progress::Event;

/// What a thread reads in one go: most files, whole.
const BUFFER: usize = 512 * 1024;

thread_local! {
    /// Each thread's own, for all of its chunks.
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// What copying showed.
#[derive(Debug, Default)]
pub(super) struct Copied {
    faults: Vec<(usize, String)>,
    /// Scripts that start another interpreter now: their rows' new hash and size.
    pub(super) rewritten: BTreeMap<Claim, (RecordHash, u64)>,
    /// Bytecode that came along, by its new place.
    pub(super) bytecode: HashSet<PathBuf>,
    /// Files that were changed since they were installed and came along as they are, by their new places.
    pub(super) changed: BTreeSet<PathBuf>,
}

/// Copies everything into `target`, a private directory with every directory in it that is needed.
pub(super) fn all(
    order: &Order<'_>,
    jobs: &Jobs,
    taken: &[Taken<'_>],
    (source, target): (&Directory, &Directory),
) -> Result<Copied, ReuseError> {
    let chunks = jobs.chunks();
    let all: u64 = chunks.iter().map(Chunk::bytes).sum();
    target.insist_on_room(all)?;
    let (sender, receiver) = mpsc::channel();
    let copier = Copier {
        old: order.old,
        interrupt: order.interrupt,
        shebangs: papers::Shebangs::new(order),
        // Bytecode names the place that it was compiled at.
        cache_tag: match order.plan.taking {
            Taking::Verified => order.plan.base.cache_tag.as_deref(),
            Taking::AsItIs => None,
        },
        taking: order.plan.taking,
        taken,
        source,
        target,
    };
    thread::scope(|scope| {
        let work = scope.spawn(move || {
            chunks
                .par_iter()
                .with_max_len(1)
                .map(|chunk| BYTES.with_borrow_mut(|buffer| copier.chunk(chunk, buffer, &sender)))
                .try_reduce(Copied::default, |one, other| Ok(one.with(other)))
        });
        // The listener stays on this thread: it need not be able to change threads.
        let mut done = 0;
        for bytes in receiver {
            done += bytes;
            order.progress.tell(Event::Copied { bytes: done, of: all });
        }
        work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Copied {
    fn with(mut self, mut other: Self) -> Self {
        self.faults.append(&mut other.faults);
        self.rewritten.append(&mut other.rewritten);
        self.bytecode.extend(other.bytecode);
        self.changed.append(&mut other.changed);
        self
    }

    fn blame(&mut self, claims: &[Claim], why: &str) {
        self.faults.extend(claims.iter().map(|claim| (claim.taken, why.to_owned())));
    }

    /// Notes what is wrong with which distribution.
    pub(super) fn judge(&mut self, taken: &mut [Taken<'_>]) {
        for (index, why) in std::mem::take(&mut self.faults) {
            taken[index].blame(|| why);
        }
    }
}

/// What every thread needs.
struct Copier<'a> {
    old: &'a crate::inspect::snapshot::Snapshot,
    interrupt: &'a crate::model::interrupt::Interrupt,
    shebangs: papers::Shebangs<'a>,
    cache_tag: Option<&'a str>,
    taking: Taking,
    taken: &'a [Taken<'a>],
    source: &'a Directory,
    target: &'a Directory,
}

/// The directories of one chunk, old and new, and those of its bytecode once they are needed.
struct Open<'a> {
    job: &'a DirectoryJob,
    from: Directory,
    to: Directory,
    caches: Option<(Directory, Directory)>,
}

impl Copier<'_> {
    fn chunk(
        &self,
        chunk: &Chunk<'_>,
        buffer: &mut [u8],
        progress: &Sender<u64>,
    ) -> Result<Copied, ReuseError> {
        if self.interrupt.requested() {
            return Err(ReuseError::Interrupted);
        }
        let mut done = Copied::default();
        let job = chunk.directory;
        match self.source.descend(&job.from) {
            Ok(from) => {
                let to = self.target.descend(&job.to)?;
                let mut open = Open { job, from, to, caches: None };
                for file in chunk.files {
                    self.file(file, &mut open, buffer, &mut done)?;
                }
            }
            Err(error) => {
                let why = error.to_string();
                chunk.files.iter().for_each(|file| done.blame(&file.claims, &why));
            }
        }
        // Nobody listens any more after an error elsewhere.
        let _ = progress.send(chunk.bytes());
        Ok(done)
    }

    fn file(
        &self,
        file: &FileJob,
        open: &mut Open<'_>,
        buffer: &mut [u8],
        done: &mut Copied,
    ) -> Result<(), ReuseError> {
        let hashes = || file.claims.iter().map(|claim| self.taken[claim.taken].hash(claim.row));
        let mut source = match Source::open(&open.from, &file.name) {
            Ok(source) => source,
            Err(error) => {
                done.blame(&file.claims, &error.to_string());
                return Ok(());
            }
        };
        let is_program = source.facts().mode & 0o111 != 0;
        let mut target =
            Target::create(&open.to, &file.name, if is_program { PROGRAM_MODE } else { FILE_MODE })?;
        let mut hashers = Hashers::for_hashes(hashes().flatten());
        let mut script = None;
        loop {
            let read = match source.read(buffer) {
                Ok(read) => read,
                Err(error) => {
                    done.blame(&file.claims, &error.to_string());
                    return Ok(());
                }
            };
            let bytes = &buffer[..read];
            hashers.update(bytes);
            match &mut script {
                None => script = Some(self.begin(open.job, bytes, &mut target)?),
                Some(script) => script.write(bytes, &mut target)?,
            }
            if read < buffer.len() {
                break;
            }
        }
        let digests = hashers.finish();
        let is_known = |hash: Option<&RecordHash>| matches!(hash, Some(RecordHash::Known { .. }));
        // A name that several distributions use has the bytes of the one that was installed last.
        if !hashes().any(|hash| is_known(hash) && digests.fit(hash)) {
            let altered = file.claims.iter().zip(hashes()).filter(|(_, hash)| !digests.fit(*hash));
            let altered: Vec<Claim> = altered.map(|(claim, _)| *claim).collect();
            match self.taking {
                Taking::Verified => {
                    let path = open.job.from.join(&file.name);
                    done.blame(&altered, &format!("{} was altered", path.display()));
                }
                Taking::AsItIs if altered.is_empty() => {}
                Taking::AsItIs => {
                    // Its row goes on saying what was installed, so that the change can be seen.
                    done.changed.insert(open.job.to.join(&file.name));
                    return match script {
                        Some(Writing::Rewritten { .. }) => Ok(()),
                        _ => target.set_modified(source.facts().modified_ns).map_err(ReuseError::from),
                    };
                }
            }
        }
        if let Some(Writing::Rewritten { hasher, size }) = script {
            let digest = hasher.finalize().to_vec();
            let hash = RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest };
            done.rewritten.extend(file.claims.iter().map(|claim| (*claim, (hash.clone(), size))));
            return Ok(());
        }
        let original = *source.facts();
        target.set_modified(original.modified_ns)?;
        self.bytecode(&original, &file.name, open, (buffer, done))
    }

    /// Writes the beginning of a file; a script's first lines name the new interpreter.
    fn begin(
        &self,
        job: &DirectoryJob,
        bytes: &[u8],
        target: &mut Target<'_>,
    ) -> Result<Writing, ReuseError> {
        if job.to != Path::new("bin") {
            target.write(bytes)?;
            return Ok(Writing::AsItIs);
        }
        let Some((lines, length)) = self.shebangs.replacement(bytes)? else {
            target.write(bytes)?;
            return Ok(Writing::AsItIs);
        };
        let mut writing = Writing::Rewritten { hasher: Sha256::new(), size: 0 };
        writing.write(&lines, target)?;
        writing.write(&bytes[length..], target)?;
        Ok(writing)
    }

    /// Copies a module's bytecode, where it was compiled from the source as it is, by the same version of Python. It
    /// is a convenience: what cannot be had is left out.
    fn bytecode(
        &self,
        module: &Facts,
        name: &OsStr,
        open: &mut Open<'_>,
        (buffer, done): (&mut [u8], &mut Copied),
    ) -> Result<(), ReuseError> {
        let tree = &self.old.tree;
        let (Some(cache), Some(tag)) = (open.job.cache, self.cache_tag) else { return Ok(()) };
        for compiled in bytecode::names(name, tag).into_iter().flatten() {
            let is_file = |id| tree.facts(id).kind == Kind::File;
            if !tree.child(cache, &compiled).is_some_and(is_file) {
                continue;
            }
            let Some((from, to)) = open.caches()? else { return Ok(()) };
            let Ok(mut source) = Source::open(from, &compiled) else { continue };
            let Ok(mut read) = source.read(buffer) else { continue };
            if !bytecode::belongs(&buffer[..read], module) {
                continue;
            }
            let mut target = Target::create(to, &compiled, FILE_MODE)?;
            loop {
                target.write(&buffer[..read])?;
                if read < buffer.len() {
                    break;
                }
                read = source.read(buffer)?;
            }
            target.set_modified(source.facts().modified_ns)?;
            done.bytecode.insert(open.job.to.join("__pycache__").join(compiled));
        }
        Ok(())
    }
}

impl Open<'_> {
    /// Both `__pycache__` directories; `None` where the old one cannot be opened.
    fn caches(&mut self) -> Result<Option<&(Directory, Directory)>, IoError> {
        let name = OsStr::new("__pycache__");
        if self.caches.is_none() {
            let Ok(from) = self.from.child(name) else { return Ok(None) };
            self.caches = Some((from, self.to.ensure_child(name, DIRECTORY_MODE)?));
        }
        Ok(self.caches.as_ref())
    }
}

/// How a file is being written.
enum Writing {
    AsItIs,
    /// With other first lines, so that its row needs another hash.
    Rewritten {
        hasher: Sha256,
        size: u64,
    },
}

impl Writing {
    fn write(&mut self, bytes: &[u8], target: &mut Target<'_>) -> Result<(), IoError> {
        if let Self::Rewritten { hasher, size } = self {
            hasher.update(bytes);
            *size += bytes.len() as u64;
        }
        target.write(bytes)
    }
}
