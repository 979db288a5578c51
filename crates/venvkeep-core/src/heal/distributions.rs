//! What a heal reports of each distribution.

use crate::diagnose::finding::Finding;
use crate::inspect::snapshot::Snapshot;
use crate::model::requirements::{Pin, PinKind};
use crate::plan::{Plan, PlannedPin, Taking};
use crate::report::{DistributionReport, Outcome, Report};
use crate::verify::{self, Compared};

/// What would be done, as the report.
pub(super) fn planned(plan: &Plan, findings: Vec<Finding>) -> Report {
    let mut report = Report::new(plan.prefix.clone(), Outcome::Planned, findings);
    report.distributions = distributions(&plan.pins, plan, None);
    report.requirements = plan.requirements.clone();
    report.list = plan.list.clone();
    report.base = Some((plan.base.clone(), plan.choice.clone()));
    report
}

/// What is said of each distribution: why from there, and after building in what it differs from before.
pub(super) fn distributions(
    pins: &[PlannedPin],
    plan: &Plan,
    built: Option<(&Snapshot, &Snapshot)>,
) -> Vec<DistributionReport> {
    let left_out = |pin: &Pin, detail: String| DistributionReport {
        name: pin.name.to_string(),
        version: version(pin),
        source: "skipped",
        same_bytes: None,
        detail,
    };
    let skipped = plan.skipped.iter().map(|pin| left_out(pin, "as you asked".to_owned()));
    let not_listed = plan.not_listed.iter().map(|pin| left_out(pin, "not on your list".to_owned()));
    let not_meant = plan
        .not_meant
        .iter()
        .map(|pin| left_out(pin, format!("not for this Python or system: {}", pin.requirement())));
    pins.iter()
        .map(|planned| {
            let compared = built.and_then(|(new, old)| {
                let distribution = new.distributions.iter().find(|one| one.name == planned.pin.name)?;
                Some(verify::compare((new, distribution), old))
            });
            DistributionReport {
                name: planned.pin.name.to_string(),
                version: version(&planned.pin),
                source: planned.source.as_str(),
                same_bytes: compared.as_ref().map(|compared| *compared == Compared::SameBytes),
                detail: match compared {
                    // Its paths name the new place, and nothing else can differ.
                    Some(Compared::Different(why)) if plan.taking == Taking::Verified => why,
                    _ => planned.why.clone(),
                },
            }
        })
        .chain(skipped)
        .chain(not_listed)
        .chain(not_meant)
        .collect()
}

fn version(pin: &Pin) -> Option<String> {
    match &pin.kind {
        PinKind::Exact(version) => Some(version.to_text()),
        PinKind::Direct { .. } | PinKind::Editable(_) => None,
    }
}
