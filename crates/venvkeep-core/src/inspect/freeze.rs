//! The frozen list, natively: what `pip freeze` prints, from distributions that were read and not from a process.
//!
//! Pure; the rules are those of pip 26 (`pip freeze` and `pip freeze --all`), for an environment that sees the
//! system's packages those of `pip freeze --local`.

use crate::model::distribution::Distribution;
use crate::model::python_version::PythonVersion;
use crate::model::requirements::{FrozenRequirements, Pin};

/// Whether a printed list names what environments are seeded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// As `pip freeze --all`.
    Shown,
    /// As `pip freeze` under this Python: pip is left out, before 3.12 setuptools and wheel too.
    Hidden(PythonVersion),
}

/// The whole list: one pin for each distribution.
pub fn freeze(distributions: &[Distribution]) -> FrozenRequirements {
    FrozenRequirements::new(distributions.iter().filter_map(pin).collect())
}

/// The list as pip prints it: without three names that are a part of Python, and with or without the seeds.
pub fn printed(distributions: &[Distribution], seeds: Seeds) -> FrozenRequirements {
    const PART_OF_PYTHON: [&str; 3] = ["python", "wsgiref", "argparse"];
    let of_its_own = distributions.iter().filter(|one| !PART_OF_PYTHON.contains(&one.name.normalized()));
    let list = FrozenRequirements::new(of_its_own.filter_map(pin).collect());
    match seeds {
        Seeds::Shown => list,
        Seeds::Hidden(python) => list.without_seeds(&python),
    }
}

/// A direct URL wins over the version; `inspect` gives no distribution whose version a pin cannot hold.
fn pin(distribution: &Distribution) -> Option<Pin> {
    let name = distribution.name.clone();
    match (&distribution.editable, &distribution.direct_url) {
        (Some(editable), _) => Some(Pin::editable(name, editable.clone())),
        (None, Some(origin)) => Some(Pin::direct(name, origin)),
        (None, None) => Pin::exact(name, &distribution.version).ok(),
    }
}
