//! What the distributions recorded, compared with what is there.

use std::path::PathBuf;

use super::finding::{Code, Finding, Remedy};
use super::managed::conda_files_missing;
use super::{Evidence, counted, found, is_refused};
use crate::inspect::snapshot::Snapshot;
use crate::model::distribution::{Distribution, Layout, NamedBy, RecordState};

/// How many distributions a sentence names before it only counts them.
const NAMED: usize = 3;

/// Recorded files that are not there.
pub(super) fn files_missing(snapshot: &Snapshot) -> Option<Finding> {
    // conda lists its Python packages itself, and puts them right itself.
    if snapshot.conda.is_some() {
        return conda_files_missing(snapshot);
    }
    let (about, whose) = collect(snapshot, |record| match record {
        RecordState::Read { missing, missing_count, .. } => Some((missing, *missing_count)),
        _ => None,
    });
    let message = format!("{} of {} gone", counted(about.count, "file", "files"), are(about.count, &whose?));
    let cause = "files were deleted by hand, by a cleaning program, or by an upgrade that was cut off";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::FilesMissing, message, about) })
}

/// Recorded files of another size.
pub(super) fn files_altered(snapshot: &Snapshot) -> Option<Finding> {
    let (about, whose) = collect(snapshot, |record| match record {
        RecordState::Read { altered, altered_count, .. } => Some((altered, *altered_count)),
        _ => None,
    });
    let files = counted(about.count, "file", "files");
    let message = format!("{files} of {} not what was installed", are(about.count, &whose?));
    let cause = "they were edited after the installation, or a copy or upgrade was cut off";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::FilesAltered, message, about) })
}

/// Metadata or RECORDs that make no sense. What only may not be read is `unreadable`.
pub(super) fn metadata_broken(snapshot: &Snapshot) -> Option<Finding> {
    let broken = snapshot.distributions.iter().filter_map(|one| Some((one, fault(one)?)));
    let broken: Vec<_> =
        broken.filter(|(one, fault)| !is_refused(snapshot, &one.info.join(fault.file))).collect();
    let nameless = snapshot.unidentified.iter().filter(|path| !is_refused(snapshot, path));
    let paths = broken.iter().map(|(one, fault)| one.info.join(fault.file)).chain(nameless.cloned());
    let about = Evidence::of(paths);
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "package has", "packages have");
    let mut message =
        format!("{what} metadata that cannot be used, so pip cannot list, upgrade or remove them reliably");
    if let Some((one, fault)) = broken.first() {
        message = format!("{message} ({}: {})", one.name.as_written(), fault.why);
    }
    let cause = "an installation or upgrade was cut off, or the files were overwritten";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::MetadataBroken, message, about) })
}

struct Fault<'a> {
    file: &'static str,
    why: &'a str,
}

fn fault(distribution: &Distribution) -> Option<Fault<'_>> {
    let metadata = if distribution.layout == Layout::DistInfo { "METADATA" } else { "PKG-INFO" };
    match (&distribution.named_by, &distribution.record) {
        // An egg's name is its metadata.
        (NamedBy::DirectoryName(_), _) if distribution.layout == Layout::Egg => None,
        (NamedBy::DirectoryName(why), _) => Some(Fault { file: metadata, why }),
        (_, RecordState::Broken(why)) => Some(Fault { file: "RECORD", why }),
        _ => None,
    }
}

/// Distributions whose files are listed nowhere. Harmless until somebody uninstalls them.
pub(super) fn record_missing(snapshot: &Snapshot) -> Option<Finding> {
    let unlisted = snapshot.distributions.iter().filter(|one| one.record == RecordState::Missing);
    let about = Evidence::of(unlisted.map(|one| one.info.clone()));
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "package has", "packages have");
    let message = format!(
        "{what} no list of files (RECORD), so that their files cannot be checked, and pip cannot remove them"
    );
    Some(Finding { remedy: Remedy::Nothing, ..found(Code::RecordMissing, message, about) })
}

/// What an aborted uninstall or upgrade left.
pub(super) fn leftover_distribution(snapshot: &Snapshot) -> Option<Finding> {
    let about = Evidence::of(snapshot.leftovers.iter().cloned());
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "leftover", "leftovers");
    let message = format!(
        "{what} of an uninstall or upgrade that was cut off; pip warns about them, or passes them by"
    );
    let cause = "pip was interrupted, or ran out of permission or space, while it replaced a package";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::LeftoverDistribution, message, about) })
}

/// The files of one kind over all distributions, and the names of these distributions; `None` where there are none.
fn collect<'s>(
    snapshot: &'s Snapshot,
    of_record: impl Fn(&'s RecordState) -> Option<(&'s Vec<PathBuf>, usize)>,
) -> (Evidence, Option<String>) {
    let mut about = Evidence::default();
    let mut names = Vec::new();
    for distribution in &snapshot.distributions {
        if let Some((paths, count)) = of_record(&distribution.record).filter(|(_, count)| *count > 0) {
            about.add(count, paths.iter().cloned());
            names.push(distribution.name.as_written());
        }
    }
    let whose = match names.as_slice() {
        [] => None,
        few if few.len() <= NAMED => Some(few.join(", ")),
        many => Some(format!("{} and {} more packages", many[..NAMED].join(", "), many.len() - NAMED)),
    };
    (about, whose)
}

fn are(count: usize, whose: &str) -> String {
    format!("{whose} {}", if count == 1 { "is" } else { "are" })
}
