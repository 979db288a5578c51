//! Root's part: what distributions among the system's packages record, and others cannot read.
//!
//! Whoever wrote a wheel chose the rows of its RECORD, and pip keeps rows of files that the wheel does not contain. So a row
//! alone opens nothing: [`believed`] says whose record counts and what has to speak for each row, and [`opening`] looks at
//! what stands there.

mod believed;
mod opening;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Left, Plan, Step};
use crate::host::fs::{Directory, IoError};
use crate::host::walk;
use crate::machine::sites::{self, SiteDirectory};
use crate::model::caller::Caller;
use crate::model::owner::Viewer;
use crate::model::printable::shell_word;
use crate::model::tree::Tree;
use believed::{Ground, Record, is_setuptools_kind};
use opening::{Opening, opened};

/// What is known of an entry that is looked at: the step that opens it, or why there is none.
type Entries = BTreeMap<PathBuf, Result<Step, Left>>;

/// Every entry that is recorded, that is root's, and that others cannot read, and the directories on the way.
///
/// No Python is asked where its packages are: root starts nothing here.
pub(super) fn plan(caller: &Caller) -> Plan {
    let mut plan = Plan::default();
    for site in sites::all(&[], &caller.viewer) {
        match of_site(&site, &caller.viewer) {
            Ok(one) => {
                plan.steps.extend(one.steps);
                plan.left.extend(one.left);
            }
            Err(error) => {
                let why = format!("it could not be looked at ({})", error.reason());
                plan.left.push(Left::new(site.path, why));
            }
        }
    }
    plan
}

fn of_site(site: &SiteDirectory, viewer: &Viewer) -> Result<Plan, IoError> {
    let open = super::around(&site.path.join("x"))?;
    let ground = match Ground::of(&site.path, viewer) {
        Ok(ground) => ground,
        Err(why) => {
            let is_closed = !closed(&walk::tree(&open)?, &site.path, &Entries::new()).is_empty();
            let left = is_closed.then(|| Left::new(&site.path, why)).into_iter().collect();
            return Ok(Plan { steps: Vec::new(), left });
        }
    };
    let mut opening = Opening::new(&ground);
    let faults = read_records(site, &open, &ground, &mut opening);
    let (entries, refused) = opening.finish();
    let mut left = Vec::new();
    for path in closed(&walk::tree(&open)?, &site.path, &entries) {
        let why = why_closed(&path, &refused);
        let command = format!("chmod -R a+rX -- {}", shell_word(&path));
        left.push(Left::new(path, format!("{why}; if it is for everybody: {command}")));
    }
    // A record that cannot be used matters where something stays closed.
    if !left.is_empty() {
        left.extend(faults);
    }
    // What is closed in the site directory was named above.
    let beside = refused.into_iter().filter(|(path, _)| !path.starts_with(&site.path));
    left.extend(beside.map(|(path, why)| Left::new(path, why)));
    let mut steps = Vec::new();
    for one in entries.into_values() {
        match one {
            Ok(step) => steps.push(step),
            Err(one) => left.push(one),
        }
    }
    Ok(Plan { steps, left })
}

/// Why nothing opens an entry, as far as a record names it or something in it.
fn why_closed(path: &Path, refused: &BTreeMap<PathBuf, String>) -> String {
    let Some((of, why)) = refused.range(path.to_owned()..).next().filter(|(of, _)| of.starts_with(path))
    else {
        return "no distribution records it".to_owned();
    };
    match of.strip_prefix(path) {
        Ok(inside) if !inside.as_os_str().is_empty() => format!("of {} in it: {why}", inside.display()),
        _ => why.clone(),
    }
}

/// Goes through the records; gives what is wrong with them.
fn read_records(
    site: &SiteDirectory,
    open: &Directory,
    ground: &Ground<'_>,
    opening: &mut Opening<'_>,
) -> Vec<Left> {
    let mut faults = Vec::new();
    let mut brought = BTreeSet::new();
    // Those of setuptools' kind last: by then it is known which of them a wheel brought along.
    let (old, new): (Vec<&Path>, Vec<&Path>) =
        site.distributions.iter().map(|one| one.info.as_path()).partition(|info| is_setuptools_kind(info));
    for info in new.into_iter().chain(old.iter().copied()) {
        let fault = match Record::read(open, info, ground) {
            Ok(record) if record.is_setuptools && brought.contains(info) => {
                Some("its list of files came with another package, so that it is not believed".to_owned())
            }
            Ok(record) => {
                opening.consider(&record);
                brought.extend(old.iter().copied().filter(|old| record.brings.contains(old.as_os_str())));
                record.fault
            }
            Err(why) => Some(why),
        };
        faults.extend(fault.map(|why| Left::new(site.path.join(info), why)));
    }
    faults
}

/// The topmost entries of a site directory that others cannot read and that no step opens; those that are named as left
/// already are not among them.
fn closed(tree: &Tree, site: &Path, entries: &Entries) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![Tree::ROOT]);
    while let Some(id) = pending.pop() {
        let path = site.join(tree.path(id));
        let path = if id == Tree::ROOT { site.to_owned() } else { path };
        match entries.get(&path) {
            Some(Err(_)) => {}
            None if opened(tree.facts(id)).is_some() => found.push(path),
            _ => pending.extend(tree.children(id)),
        }
    }
    found.sort_unstable();
    found
}
