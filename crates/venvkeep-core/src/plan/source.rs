//! Where the bytes of each distribution come from, and why from there.
//!
//! What the old environment has is taken over where it can be read, suits the interpreter and may be believed; else
//! it is installed anew, from the wheel that comes with the interpreter, from an index, or from where it came from.

use super::trust::Hostile;
use super::{ListOrigin, Means, Missing, OwnerTrust, PlannedPin, Source, Wishes};
use crate::inspect::freeze::freeze;
use crate::inspect::holdings::{Held, Holding};
use crate::inspect::snapshot::{Interpreter, Snapshot};
use crate::model::distribution::Distribution;
use crate::model::requirements::{FrozenRequirements, Pin, PinKind};
use crate::model::tags::{self, BuiltOn};
use crate::model::wheel::WheelTag;

/// Which sources the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceWish {
    /// The best for each distribution.
    Auto,
    /// The old environment alone, also for what has no hashes to verify.
    Env,
    /// Nothing from the old environment.
    Index,
    /// The old environment alone, every file as it is, one that was changed since its installation too: for a copy by
    /// the same interpreter.
    AsItIs,
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Yes.
    Allowed,
    /// No, because the user said `--offline`.
    Offline,
}

/// What the choice depends on.
pub(super) struct Choice<'a> {
    snapshot: &'a Snapshot,
    wishes: &'a Wishes,
    means: &'a Means,
    /// What the environment itself freezes to.
    own_list: FrozenRequirements,
    hostile: Option<Hostile>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        wishes: &'a Wishes,
        means: &'a Means,
        hostile: Option<Hostile>,
    ) -> Self {
        Self { snapshot, wishes, means, own_list: freeze(&snapshot.distributions), hostile }
    }

    /// The source of one distribution; an error where it can be had in no way that is allowed.
    pub(super) fn plan(&self, pin: &Pin) -> Result<PlannedPin, Missing> {
        let anew = self.anew(pin);
        let from_env = match self.wishes.sources {
            SourceWish::Index => Err(None),
            SourceWish::Auto | SourceWish::Env => self.taken_over(pin).map_err(Some),
            SourceWish::AsItIs => self.copied(pin).map_err(Some),
        };
        let planned = |source, why, otherwise| PlannedPin { pin: pin.clone(), source, why, otherwise };
        match (from_env, anew) {
            (Ok(why), anew) => Ok(planned(Source::Env, why, anew.ok().map(|(source, _)| source))),
            (Err(None), Ok((source, how))) => Ok(planned(source, how, None)),
            (Err(Some(reason)), Ok((source, how))) => Ok(planned(source, format!("{how}: {reason}"), None)),
            (Err(reason), Err(why)) => {
                let why = reason.map_or_else(|| why.clone(), |reason| format!("{reason}; {why}"));
                Err(Missing { name: pin.name.clone(), requirement: pin.requirement(), why })
            }
        }
    }

    /// How it would be installed anew; an error says why not.
    fn anew(&self, pin: &Pin) -> Result<(Source, String), String> {
        if self.wishes.sources == SourceWish::Env {
            return Err("only what the environment has may be used (--from env)".to_owned());
        }
        if self.wishes.sources == SourceWish::AsItIs {
            return Err("a copy takes nothing from elsewhere".to_owned());
        }
        // Hashes are the installer's to check.
        if let (PinKind::Exact(version), true) = (&pin.kind, pin.conditions.hashes.is_empty()) {
            let version = version.to_text();
            let fits = |wheel: &&super::BundledWheel| wheel.name == pin.name && wheel.version == version;
            if let Some(wheel) = self.means.bundled.iter().find(fits) {
                let how = "this version comes with the interpreter".to_owned();
                return Ok((Source::Bundled(wheel.path.clone()), how));
            }
        }
        if self.wishes.network == Network::Offline {
            return Err("nothing may be fetched (--offline)".to_owned());
        }
        let Some(installer) = self.means.installer else {
            return Err("there is neither uv nor pip to install it with".to_owned());
        };
        Ok(match &pin.kind {
            PinKind::Exact(_) => (Source::Index, format!("fetched by {installer}")),
            PinKind::Direct { .. } => {
                (Source::Url, format!("fetched by {installer} from where it was installed from"))
            }
            PinKind::Editable(_) => {
                (Source::Url, format!("installed by {installer} from its project, editable as before"))
            }
        })
    }

    /// Why it may be taken from the old environment, or why not.
    fn taken_over(&self, pin: &Pin) -> Result<String, String> {
        if let (Some(hostile), OwnerTrust::Required) = (&self.hostile, self.wishes.owner_trust) {
            return Err(format!("the old environment {hostile}"));
        }
        let is_it = |one: &&Distribution| one.name == pin.name;
        let installed = self.snapshot.distributions.iter().find(is_it).filter(|_| self.is_the_same(pin));
        let Some(distribution) = installed else {
            return Err("it is not in the old environment like that".to_owned());
        };
        let holding = self.means.holdings.get(&pin.name).ok_or("its files are not known")?;
        self.insist_on_suitability(distribution, holding)?;
        match &holding.files {
            Held::Whole => Ok("every file of it reads".to_owned()),
            Held::Unverifiable(why) if self.wishes.sources == SourceWish::Env => Ok(why.clone()),
            Held::Unverifiable(why) | Held::Altered(why) | Held::Incomplete(why) => Err(why.clone()),
        }
    }

    /// Why it may be copied as it is, or why not.
    fn copied(&self, pin: &Pin) -> Result<String, String> {
        let holding = self.means.holdings.get(&pin.name).ok_or("its files are not known")?;
        match &holding.files {
            Held::Whole | Held::Unverifiable(_) | Held::Altered(_) => Ok("as it is".to_owned()),
            Held::Incomplete(why) => Err(why.clone()),
        }
    }

    /// Whether the environment has what the list wants: the same version, or the same origin. Hashes in a list are
    /// those of archives, which an installed distribution does not have any more.
    fn is_the_same(&self, pin: &Pin) -> bool {
        if self.wishes.list == ListOrigin::Environment {
            return true;
        }
        let plain = pin.conditions.hashes.is_empty() && pin.conditions.marker.is_none();
        plain && self.own_list.get(&pin.name).is_some_and(|own| own.kind == pin.kind)
    }

    fn insist_on_suitability(&self, distribution: &Distribution, holding: &Holding) -> Result<(), String> {
        let target = &self.means.base;
        let name = format!("{} {}", target.implementation_name(), target.version);
        if let Some(wanted) = &distribution.requires_python
            && !tags::python_satisfies(wanted, &target.version)
        {
            return Err(format!("it is for Python {wanted}, not for {name}"));
        }
        let built_on = self.built_on();
        if holding.tags.is_empty() {
            let same_minor = self.snapshot.python.is_some_and(|was| was.same_minor(&target.version));
            let same = same_minor && self.snapshot.implementation() == Some(target.implementation.as_str());
            let loads = !holding.is_native || built_on == BuiltOn::ThisMachine;
            return if same && loads {
                Ok(())
            } else {
                Err(format!("nothing tells whether its files suit {name}"))
            };
        }
        if tags::suit(&holding.tags, target, built_on) {
            return Ok(());
        }
        let first = holding.tags.first().map(WheelTag::to_string).unwrap_or_default();
        Err(format!("its files are for {first}, not for {name}"))
    }

    /// What was built without a wider promise belongs to the machine that the environment's interpreter is on.
    fn built_on(&self) -> BuiltOn {
        match &self.snapshot.interpreter {
            Interpreter::Base { .. } | Interpreter::Copied { base: Some(_) } => BuiltOn::ThisMachine,
            _ => BuiltOn::Unknown,
        }
    }
}
