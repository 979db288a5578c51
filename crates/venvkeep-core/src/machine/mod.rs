//! What breaks environments before there are any: what `doctor` looks at outside of them.
//!
//! Packages that were installed for everybody and that nobody can read, caches that root took over, settings and lines in
//! start-up files that lead Python astray, a umask that makes the next `sudo pip` the next breakage. [`examine`] only reads, as
//! the user who asks; [`repair`] puts right what that user may; what is started are base interpreters that can be trusted, to ask them where they keep their packages.

pub mod finding;
mod habits;
mod own;
mod packages;
pub mod repair;
mod settings;
mod sites;
mod startup;
mod sudo;

use crate::interpreters::find::{FindError, survey};
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use finding::MachineFinding;

/// Looks at everything; the worst first, in the order of the codes.
pub fn examine(caller: &Caller, interrupt: &Interrupt) -> Result<Vec<MachineFinding>, FindError> {
    let pythons = survey(caller, interrupt)?;
    let bases = pythons.into_iter().filter_map(|candidate| candidate.answer.ok()).collect::<Vec<_>>();
    let sites = sites::all(&bases, &caller.viewer);
    let mut findings = packages::unreadable(&sites, &caller.viewer);
    findings.extend(packages::by_pip(&sites));
    findings.extend(packages::unmarked(&bases, &sites));
    findings.extend(packages::old_pips(&sites));
    findings.extend(packages::for_user(caller));
    findings.extend(own::examine(caller));
    findings.extend(settings::variables(caller));
    findings.extend(settings::pip_configuration(caller));
    findings.extend(startup::lines(caller));
    findings.extend(habits::umasks());
    findings.extend(sudo::settings());
    findings.extend(habits::environments(caller));
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.code));
    Ok(findings)
}
