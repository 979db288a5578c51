//! Writing the files of unpacked wheels, on all cores: creating and filling them is nearly all of what `new` costs.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::index::{Files, Index, PackedFile};
use super::{Unpacked, is_record};
use crate::host::container::Window;
use crate::host::fs::{Directory, IoError};

/// From so many files on they are written on more than one core.
const MANY: usize = 200;
const MOST_THREADS: usize = 4;

/// So much of a directory is one job: more would leave a core waiting for another at the end.
const SHARE: u64 = 512 * 1024;

/// Files of one directory.
struct Job<'a> {
    unpacked: &'a Unpacked,
    modified: i64,
    path: &'a str,
    files: &'a [PackedFile<'a>],
    bytes: u64,
}

/// Makes their directories, and writes all files but the RECORDs.
pub(super) fn files(indexed: &[(&Unpacked, Index<'_>)], site: &Directory) -> Result<(), IoError> {
    for directory in indexed.iter().flat_map(|(_, index)| &index.directories) {
        if !directory.path.is_empty() {
            site.make_below(Path::new(directory.path), 0o777)?;
        }
    }
    let mut jobs: Vec<Job<'_>> =
        indexed.iter().flat_map(|(unpacked, index)| jobs_of(unpacked, index)).collect();
    // The large ones first, so that the last ones are short.
    jobs.sort_by_key(|job| std::cmp::Reverse(job.bytes));
    let count: usize = jobs.iter().map(|job| job.files.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST_THREADS);
    let others = if count < MANY { 0 } else { cores - 1 };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(|| work(&jobs, &next, site))).collect();
        let mut done = work(&jobs, &next, site);
        for other in others {
            // A thread that panicked is a bug of ours, and what it left undone must not pass for done.
            let joined = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and(joined);
        }
        done
    })
}

fn jobs_of<'a>(unpacked: &'a Unpacked, index: &'a Index<'_>) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for Files { path, files } in &index.directories {
        let mut rest = files.as_slice();
        while !rest.is_empty() {
            let (mut bytes, mut number) = (0, 0);
            while number < rest.len() && bytes < SHARE {
                bytes += rest[number].piece.size;
                number += 1;
            }
            let (files, behind) = rest.split_at(number);
            jobs.push(Job { unpacked, modified: index.modified, path, files, bytes });
            rest = behind;
        }
    }
    jobs
}

/// Takes one job after the other until none is left.
fn work(jobs: &[Job<'_>], next: &AtomicUsize, site: &Directory) -> Result<(), IoError> {
    let Some(first) = jobs.first() else { return Ok(()) };
    let mut window = Window::new(&first.unpacked.container);
    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
        if let Err(why) = write(job, &mut window, site) {
            // The others need not go on.
            next.store(jobs.len(), Ordering::Relaxed);
            return Err(why);
        }
    }
    Ok(())
}

fn write<'a>(job: &Job<'a>, window: &mut Window<'a>, site: &Directory) -> Result<(), IoError> {
    let end = job.files.last().map_or(0, |file| file.piece.at + file.piece.size);
    window.turn_to(&job.unpacked.container, end);
    let below = if job.path.is_empty() { None } else { Some(site.descend(Path::new(job.path))?) };
    let directory = below.as_ref().unwrap_or(site);
    for file in job.files.iter().filter(|file| !is_record(job.path, file.name)) {
        let mode = if file.executable { 0o777 } else { 0o666 };
        let time = file.is_module().then_some(job.modified);
        directory.fill(OsStr::new(file.name), mode, time, (file.piece, window))?;
    }
    Ok(())
}
