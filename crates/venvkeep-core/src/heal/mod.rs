//! The whole of a heal, stage by stage: each takes the value of the one before.

mod account;
mod base;
mod copy;
mod distributions;
mod elsewhere;
mod error;
mod pass_on;
mod recalled;
mod remarks;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::diagnose::diagnose;
use crate::diagnose::finding::{Code, Finding};
use crate::diagnose::managed::{self, ManagedElsewhere};
use crate::error::LiveState;
use crate::git_exclude::{self, Excluded};
use crate::host::credentials;
use crate::host::fs;
use crate::host::programs::{self, TrustedProgram};
use crate::host::running::{self, Running};
use crate::inspect::beside;
use crate::inspect::freeze::freeze;
use crate::inspect::holdings::{Holding, holdings};
use crate::inspect::snapshot::{Sibling, Snapshot};
use crate::inspect::{self, inspect};
use crate::model::caller::Caller;
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::model::kept_snapshot::KeptSnapshot;
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;
use crate::model::pyvenv_cfg::Naming;
use crate::model::requirements::FrozenRequirements;
use crate::model::siblings::is_journal;
use crate::model::tree::Tree;
use crate::new::place;
use crate::plan::{
    self, BundledWheel, ListOrigin, Means, OwnerTrust, Plan, SourceWish, Subject, Taking, WhenHealthy, Wishes,
};
use crate::progress::{Event, Progress, Stage as Step};
use crate::prune;
use crate::rebuild::build::{self, Built, build};
use crate::rebuild::carry::{Carried, carry};
use crate::rebuild::create::open_up;
use crate::rebuild::follow::{Move, follow};
use crate::rebuild::install::{Installer, settings};
use crate::rebuild::marks;
use crate::rebuild::relocatable;
use crate::rebuild::seed;
use crate::rebuild::share::{Later, insist_on_group, share};
use crate::rebuild::stage::Stage;
use crate::report::{Outcome, Report};
use crate::store::{frozen, registry, snapshots};
use crate::swap::{self, Journal, PendingSwap, SwapError};
use crate::verify::{self, Expectations, VerifiedStage};

use distributions::{distributions, planned};

pub use copy::{CopyError, CopyRequest, Original, copy, moved_away};
pub use elsewhere::ElsewhereError;
pub use error::HealError;

/// What a heal is asked for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The environment.
    pub prefix: &'a Prefix,
    /// What the user wants of it.
    pub wishes: Wishes,
    /// The list of a `-r FILE`, when [`Wishes::list`] says so.
    pub list: Option<FrozenRequirements>,
    /// The interpreter, as typed after `-p`.
    pub python: Option<OsString>,
    /// Whether to stop at the plan.
    pub extent: Extent,
    /// Where the new environment goes.
    pub place: NewPlace<'a>,
}

/// Where the new environment goes, and what becomes of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPlace<'a> {
    /// The old one's place; the old one is kept beside it.
    Same,
    /// The old one's place; the old one is removed, where the user can.
    SameDiscarding,
    /// Another place, which must be free: absolute, without `..`. The old one is left alone.
    Elsewhere(&'a Path),
}

/// How far a heal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To the plan: nothing is written anywhere.
    Plan,
    /// To the end.
    Whole,
}

/// One heal: what it was asked for, and what it works with.
struct Heal<'a> {
    request: &'a Request<'a>,
    caller: &'a Caller,
    interrupt: &'a Interrupt,
    progress: Progress<'a>,
}

/// What the first three stages found out.
struct Known {
    snapshot: Snapshot,
    findings: Vec<Finding>,
    /// The index settings of its `pip.conf`, or what was kept of them.
    index: IndexSettings,
    /// What was kept of it, where it cannot be read; or why that does not help, in words.
    kept: Result<Option<KeptSnapshot>, String>,
}

/// Heals one environment.
pub fn heal(
    request: &Request<'_>,
    caller: &Caller,
    interrupt: &Interrupt,
    progress: Progress<'_>,
) -> Result<Report, HealError> {
    let heal = Heal { request, caller, interrupt, progress };
    if let Some(sharing) = &request.wishes.sharing {
        insist_on_group(sharing, &caller.viewer)?;
    }
    if fs::lstat_if_any(request.prefix.path())?.is_none() {
        heal.settle_where_nothing_is()?;
    }
    let mut known = heal.look()?;
    let unsettled = known.snapshot.siblings.iter().any(|beside| matches!(beside, Sibling::Interrupted(_)));
    if request.extent == Extent::Plan {
        return match heal.decide(&known)? {
            None => Ok(Report::new(request.prefix.clone(), Outcome::Healthy, known.findings)),
            Some((plan, _)) => {
                heal.insist_on_safe_way()?;
                Ok(planned(&plan, known.findings))
            }
        };
    }
    if let NewPlace::Elsewhere(path) = request.place {
        heal.insist_on_safe_way()?;
        return elsewhere::heal_to(&heal, known, path, None);
    }
    place::usable(request.prefix.path())?;
    if !unsettled && !plan::wants_work(&known.findings, &request.wishes) {
        // A healthy environment needs no lock, which could not even be had where only root may write.
        return Ok(Report::new(request.prefix.clone(), Outcome::Healthy, known.findings));
    }
    heal.insist_on_safe_way()?;
    if !known.snapshot.parent.writable {
        return Err(SwapError::parent_denied(request.prefix).into());
    }
    let journal = Journal::open(request.prefix)?;
    // With the lock, what an interrupted heal left is settled; then the environment may be another one.
    journal.insist_on_environment()?;
    let root = known.snapshot.tree.facts(Tree::ROOT);
    if unsettled || !fs::lstat(request.prefix.path())?.same_entry(root) {
        known = heal.look()?;
        // Our own journal is no finding. A stage that no journal knew is, and stays one.
        let is_own = |beside: &Sibling| matches!(beside, Sibling::Interrupted(path) if is_journal(path));
        known.snapshot.siblings.retain(|beside| !is_own(beside));
        known.findings = diagnose(&known.snapshot, &credentials::user_name);
    }
    match heal.decide(&known)? {
        None => Ok(Report::new(request.prefix.clone(), Outcome::Healthy, known.findings)),
        Some((plan, tools)) => {
            let viewer = &caller.viewer;
            // Before the stage is made: git must not see that either.
            let excluded = git_exclude::keep_out(request.prefix, viewer);
            let running = running::using(request.prefix.path(), viewer);
            let healed = heal.carry_out(&plan, &tools, known, journal);
            let healed = healed.map(|report| heal.discard(report));
            git_exclude::tidy(request.prefix, viewer);
            healed.map(|report| noting(report, &excluded, &running))
        }
    }
}

impl Heal<'_> {
    /// Removes the old tree where the user wants that and can; where they cannot, it stays whole.
    fn discard(&self, mut report: Report) -> Report {
        if self.request.place != NewPlace::SameDiscarding {
            return report;
        }
        let Some(old) = &report.old else { return report };
        match prune::discard(self.request.prefix, old, self.caller) {
            Ok(Ok(removed)) => {
                report.discarded = Some(removed);
                report.old = None;
                if !beside::is_unsettled(self.request.prefix) {
                    // To remove it took the lock again, which settled what the swap had left.
                    report.after.retain(|finding| finding.code != Code::InterruptedHeal);
                }
            }
            Ok(Err(remaining)) => report.undiscarded = Some(remaining),
            Err(SwapError::HalfRemoved { left, why }) => {
                report.old = None;
                report.outcome = Outcome::NeedsAttention;
                let left = left.display();
                report.remarks.push(format!("of the old environment only what lies at {left} is left, which could not be removed: {why}"));
            }
            Err(error) => report.remarks.push(format!("the old environment stays: {error}")),
        }
        report
    }
}

fn noting(mut report: Report, excluded: &Excluded, running: &[Running]) -> Report {
    if !running.is_empty() {
        let named = running.iter().take(5).map(|one| format!("{} ({})", one.pid, one.program));
        let named = named.collect::<Vec<_>>().join(", ");
        let count = running.len();
        report
            .remarks
            .push(format!("{count} of your processes still use the old files until restarted: {named}"));
    }
    if let Excluded::Refused(list) = excluded {
        let what = "git will show the old environment as untracked: no line could be added to";
        report.remarks.push(format!("{what} {}", list.display()));
    }
    report
}

/// A stage that is as it has to be.
struct Verified {
    stage: VerifiedStage,
    /// What was found in it.
    new: Snapshot,
    /// Dependencies that are not met, and of which the old environment did not say that it needs them.
    newly_unmet: Vec<String>,
    /// What becomes of what is installed into it.
    later: Later,
}

/// What a plan is carried out with.
struct Tools {
    base: TrustedProgram,
    installer: Option<Installer>,
    holdings: BTreeMap<PackageName, Holding>,
    /// The index settings of the old environment's own.
    index: IndexSettings,
    /// Which distributions were asked for, where that is known.
    requested: BTreeMap<PackageName, bool>,
}

impl Heal<'_> {
    /// Cut off between two renames, or before anything came to its place: to settle that brings one of the trees back
    /// where there is one.
    fn settle_where_nothing_is(&self) -> Result<(), HealError> {
        let prefix = self.request.prefix;
        if self.request.extent == Extent::Plan {
            return Err(HealError::CutOff { prefix: prefix.path().to_owned() });
        }
        self.insist_on_safe_way()?;
        Ok(Journal::open(prefix)?.insist_on_environment()?)
    }

    /// The stage is written to, and its Python started, by path: nobody else may be able to turn that path elsewhere.
    fn insist_on_safe_way(&self) -> Result<(), HealError> {
        if self.request.wishes.owner_trust == OwnerTrust::GivenByUser {
            return Ok(());
        }
        let place = match self.request.place {
            NewPlace::Same | NewPlace::SameDiscarding => self.request.prefix.path(),
            NewPlace::Elsewhere(path) => path,
        };
        // Directories that are yet to be made will be the user's.
        let is_there = |path: &&Path| fs::stat(path).is_ok();
        let nearest = place.ancestors().skip(1).find(is_there).unwrap_or(place);
        let inside = nearest.join(place.file_name().unwrap_or_default());
        programs::trust_way(&inside, &self.caller.viewer).map_err(HealError::Surroundings)
    }

    fn look(&self) -> Result<Known, HealError> {
        self.progress.tell(Event::Begin(Step::Inspect));
        let prefix = self.request.prefix;
        let mut snapshot = inspect(prefix, &self.caller.viewer)?;
        let findings = diagnose(&snapshot, &credentials::user_name);
        let own = settings::of_environment(prefix.path(), &self.caller.viewer);
        let wanted = own.is_none() || snapshot.unlisted().is_some();
        let kept = if wanted { snapshots::recall(self.caller, prefix) } else { Ok(None) };
        let recalled = kept.as_ref().ok().and_then(Option::as_ref);
        let index = own.or_else(|| recalled.map(|kept| kept.index.clone())).unwrap_or_default();
        if let (Some(kept), Some(_), None) = (recalled, snapshot.unlisted(), &self.request.list) {
            recalled::fill(&mut snapshot, kept);
        }
        Ok(Known { snapshot, findings, index, kept })
    }

    /// The plan, or `None` where there is nothing to do.
    fn decide(&self, known: &Known) -> Result<Option<(Plan, Tools)>, HealError> {
        if !plan::wants_work(&known.findings, &self.request.wishes) {
            return Ok(None);
        }
        self.insist_on_unmanaged(known)?;
        self.progress.tell(Event::Begin(Step::Plan));
        let (requirements, list) = self.requirements(known)?;
        let wishes = Wishes { list, ..self.request.wishes.clone() };
        let asked = self.request.python.as_ref();
        let (base, choice) = base::choose(&known.snapshot, asked, self.caller, self.interrupt)?;
        let program = programs::trust(&base.executable, &self.caller.viewer)?;
        let bundled: Vec<BundledWheel> =
            seed::bundled(&base, &self.caller.viewer).iter().map(bundled_wheel).collect();
        let pip = PackageName::parse("pip").ok();
        let pip = bundled.iter().find(|wheel| Some(&wheel.name) == pip.as_ref());
        let installer = Installer::choose(self.caller, pip.map(|wheel| wheel.path.as_path()));
        let holdings = holdings(&known.snapshot);
        let name = installer.as_ref().map(Installer::name);
        let (had, names) = (had(known), credentials::user_name as fn(u32) -> Option<String>);
        let sharing = pass_on::sharing(&known.snapshot);
        let means =
            Means { base, choice, bundled, installer: name, holdings: holdings.clone(), had, names, sharing };
        let plan = plan::plan(&known.snapshot, requirements, &wishes, means)?;
        let (index, requested) = (known.index.clone(), requested(known, &plan.list));
        Ok(Some((plan, Tools { base: program, installer, holdings, index, requested })))
    }

    /// What another tool keeps records about is that tool's to rebuild; where it is a plain environment all the same,
    /// the user may insist.
    fn insist_on_unmanaged(&self, known: &Known) -> Result<(), HealError> {
        let Some(manager) = managed::manager(&known.snapshot) else { return Ok(()) };
        let wishes = &self.request.wishes;
        let is_healed = wishes.when_healthy == WhenHealthy::Rebuild && wishes.sources != SourceWish::AsItIs;
        let insists = is_healed && manager.tool != "conda";
        if insists || self.request.extent == Extent::Plan {
            return Ok(());
        }
        let prefix = self.request.prefix.path().to_owned();
        Err(ManagedElsewhere { prefix, manager }.into())
    }

    /// The list that the new environment has to freeze to, and where it comes from.
    fn requirements(&self, known: &Known) -> Result<(FrozenRequirements, ListOrigin), HealError> {
        let snapshot = &known.snapshot;
        if let Some(list) = &self.request.list {
            return Ok((list.clone(), self.request.wishes.list.clone()));
        }
        match (snapshot.unlisted(), &known.kept) {
            (None, _) => Ok((freeze(&snapshot.distributions), ListOrigin::Environment)),
            (Some(_), Ok(Some(kept))) => {
                Ok((kept.requirements.clone(), recalled::origin(kept, &snapshot.prefix)))
            }
            (Some(site), kept) => Err(HealError::Unlisted {
                prefix: snapshot.prefix.clone(),
                site: site.clone(),
                snapshot: kept.as_ref().err().cloned(),
            }),
        }
    }

    /// Rebuild, verify, swap, report.
    fn carry_out(
        &self,
        plan: &Plan,
        tools: &Tools,
        known: Known,
        mut journal: Journal,
    ) -> Result<Report, HealError> {
        let Known { snapshot: old, findings, .. } = known;
        let time = beside::stamp(SystemTime::now());
        let standing = pass_on::standing(&old, self.caller);
        let (verified, new, mut report) = self.build(plan, tools, (&old, findings), &mut journal)?;
        self.stop_if_asked()?;
        self.progress.tell(Event::Begin(Step::Swap));
        let pending = swap::swap(verified, journal, &old.tree, &time)?;
        report.old = Some(self.settle(pending, tools)?);
        pass_on::pass_on(&mut report, standing, self.caller);
        Ok(self.look_again(report, new, tools))
    }

    /// A verified stage for the planned prefix, what was found in it, and what is to be said of it.
    fn build(
        &self,
        plan: &Plan,
        tools: &Tools,
        (old, findings): (&Snapshot, Vec<Finding>),
        journal: &mut Journal,
    ) -> Result<(VerifiedStage, Snapshot, Report), HealError> {
        let stage = Stage::create(&plan.prefix)?;
        journal.building(stage.path(), &stage.place().identity)?;
        if !matches!(self.request.place, NewPlace::Elsewhere(_)) {
            // The probe needs a directory of ours that is not empty; the skeleton makes `bin` as well.
            fs::create_dir(&stage.join("bin"), 0o777)?;
            swap::probe(&plan.prefix, &stage)?;
        }
        let (stage, built, carried) = self.rebuild(plan, tools, old, stage)?;
        let Verified { stage: verified, new, newly_unmet, later } = self.verify(plan, tools, old, stage)?;
        let is_all = plan.skipped.is_empty() && newly_unmet.is_empty();
        let outcome = if is_all { Outcome::Healed } else { Outcome::NeedsAttention };
        let mut report = Report::new(plan.prefix.clone(), outcome, findings);
        report.remarks.extend(newly_unmet.iter().map(|what| remarks::newly_unmet(what)));
        report.remarks.extend(later.remark().map(str::to_owned));
        report.distributions = distributions(&built.pins, plan, Some((&new, old)));
        account::fill(&mut report, old, &plan.base.scheme, carried);
        account::note_changes(&mut report, plan.taking, &built);
        let is_doubtful = match &plan.list {
            // The report names each of them among what is only in the old tree.
            ListOrigin::Environment => !old.unidentified.is_empty(),
            ListOrigin::Snapshot { of, .. } => *of == Subject::EarlierOne,
            ListOrigin::File(_) => false,
        };
        if is_doubtful {
            report.outcome = Outcome::NeedsAttention;
        }
        report.list = plan.list.clone();
        report.baked_in = built.relocated.baked_in;
        report.base = Some((plan.base.clone(), plan.choice.clone()));
        report.requirements = plan.requirements.clone();
        report.remarks.extend(self.without_pip(old));
        report.remarks.extend(remarks::about(old));
        report.remarks.extend(remarks::not_shared(old, plan));
        report.remarks.extend(remarks::kept_closed(&new, plan));
        // What cannot be kept is not worth failing for: the old tree still says it all.
        match frozen::keep(self.caller, plan, &beside::stamp(SystemTime::now())) {
            Ok(place) => report.frozen_list = place,
            Err(error) => report.remarks.push(format!("the list could not be kept for you: {error}")),
        }
        Ok((verified, new, report))
    }

    /// Requirements files seldom name pip; who gives one may miss it afterwards.
    fn without_pip(&self, old: &Snapshot) -> Option<String> {
        let list = self.request.list.as_ref()?;
        let pip = PackageName::parse("pip").ok()?;
        let had_it = old.unlisted().is_some() || old.distributions.iter().any(|one| one.name == pip);
        let lacks_it = had_it && list.get(&pip).is_none();
        lacks_it.then(|| "pip is not on your list, so it is not in the new environment; `bin/python -m ensurepip` adds one".to_owned())
    }

    /// What is to be said of the new environment, as it was found in the stage, in its place. It is there whatever this
    /// last look brings; when the look cannot be had, `check` will say why.
    fn look_again(&self, mut report: Report, new: Snapshot, tools: &Tools) -> Report {
        report.live = LiveState::New;
        if let Ok(now) = inspect::renamed(new, &report.prefix) {
            report.after = diagnose(&now, &credentials::user_name);
            // A name is a convenience, and nothing to fail for.
            let _ = registry::register(&report.prefix, None, self.caller);
            report.remarks.extend(snapshots::refresh(self.caller, &now, &tools.index).remark());
        }
        report
    }

    fn rebuild(
        &self,
        plan: &Plan,
        tools: &Tools,
        old: &Snapshot,
        stage: Stage,
    ) -> Result<(Stage, Built, Carried), HealError> {
        let means = build::Means {
            old,
            holdings: &tools.holdings,
            base: &tools.base,
            installer: tools.installer.as_ref(),
            own_settings: tools.index.clone(),
            caller: self.caller,
            interrupt: self.interrupt,
        };
        let mut built = build(plan, &stage, &means, self.progress)?;
        if !matches!(plan.list, ListOrigin::File(_)) {
            marks::restore(&stage, old, &tools.requested)?;
        }
        let carried = carry(old, &stage, plan, self.interrupt)?;
        if plan.taking == Taking::AsItIs {
            let (from, aliases) = (&old.prefix, old.aliases.clone());
            built.relocated =
                follow(&stage, &Move { from, aliases, changed: &built.changed, made: &built.made })?;
        }
        if plan.naming == Naming::Nothing {
            relocatable::detach(&stage, &built.changed)?;
        }
        Ok((stage, built, carried))
    }

    fn verify(
        &self,
        plan: &Plan,
        tools: &Tools,
        old: &Snapshot,
        stage: Stage,
    ) -> Result<Verified, HealError> {
        self.stop_if_asked()?;
        self.progress.tell(Event::Begin(Step::Verify));
        let requirements = plan.requirements.clone();
        let expectations = match plan.list {
            ListOrigin::Environment => {
                Expectations::of_environment(requirements, old, &self.request.wishes.skip)
            }
            ListOrigin::Snapshot { .. } | ListOrigin::File(_) => Expectations::of_list(requirements, old),
        };
        let expectations = match plan.taking {
            Taking::AsItIs => expectations.as_it_is(old),
            Taking::Verified => expectations,
        };
        let viewer = &self.caller.viewer;
        let (verified, mut new) = verify::stage(stage, &expectations, &tools.base, viewer, self.interrupt)?;
        open_up(verified.path(), &mut new.tree)?;
        let mut later = Later::Kept;
        if plan.sharing.is_shared() {
            later = share(verified.path(), &mut new.tree, &plan.sharing, &new.keepsakes)?;
        }
        let newly_unmet = expectations.newly_unmet(&new);
        Ok(Verified { stage: verified, new, newly_unmet, later })
    }

    /// The last look: Python starts from the final path too. Then there is no way back but `undo`.
    fn settle(&self, pending: PendingSwap, tools: &Tools) -> Result<PathBuf, HealError> {
        match verify::start(pending.prefix(), &tools.base, self.interrupt) {
            Ok(()) => Ok(pending.settle()?.old),
            Err(why) => {
                pending.roll_back()?;
                Err(HealError::DidNotHold(why))
            }
        }
    }

    fn stop_if_asked(&self) -> Result<(), HealError> {
        if self.interrupt.requested() { Err(HealError::Interrupted) } else { Ok(()) }
    }
}

/// As it becomes part of names.
fn bundled_wheel(wheel: &crate::rebuild::wheel::Wheel) -> BundledWheel {
    let metadata = &wheel.metadata;
    BundledWheel {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        path: wheel.path().to_owned(),
    }
}

/// What the environment consists of: by its own word, or by what was kept of it.
fn had(known: &Known) -> FrozenRequirements {
    match (known.snapshot.unlisted(), &known.kept) {
        (Some(_), Ok(Some(kept))) => kept.requirements.clone(),
        _ => freeze(&known.snapshot.distributions),
    }
}

/// Which distributions were asked for, by what the list comes from.
fn requested(known: &Known, list: &ListOrigin) -> BTreeMap<PackageName, bool> {
    match (list, &known.kept) {
        (ListOrigin::Snapshot { .. }, Ok(Some(kept))) => kept.requested.clone(),
        _ => known.snapshot.distributions.iter().map(|one| (one.name.clone(), one.requested)).collect(),
    }
}
