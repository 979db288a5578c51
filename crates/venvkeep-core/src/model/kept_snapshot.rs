//! What venvkeep keeps of an environment outside of it: enough to build it again when it can no longer be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::index_settings::IndexSettings;
use super::name::PackageName;
use super::pyvenv_cfg::PyvenvCfg;
use super::requirements::{FrozenRequirements, Pin, PinKind};
use super::requirements_file;

/// The shape of the file; another one is as good as no file.
const FORMAT: u32 = 1;

/// What tells one environment from another that stood at the same path before: the inode alone does not, since a file
/// system gives it out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Of the environment's directory.
    pub inode: u64,
    /// When that was made, in nanoseconds since 1970, where the file system tells.
    pub born_ns: Option<i64>,
}

/// What is kept, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSnapshot {
    format: u32,
    path: String,
    identity: Identity,
    taken: String,
    pyvenv_cfg: String,
    sites: Vec<String>,
    distributions: Vec<StoredPin>,
    index: IndexSettings,
}

/// One distribution of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPin {
    /// As in the frozen list.
    lines: Vec<String>,
    /// The directory of an editable project, which a line with its repository's address does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// PEP 376's REQUESTED.
    requested: bool,
}

/// What is kept, ready to be used.
#[derive(Debug, Clone)]
pub struct KeptSnapshot {
    /// Of which environment at that path.
    pub identity: Identity,
    /// When it was taken: `2026-11-21 09:15:00Z`.
    pub taken: String,
    /// Its `pyvenv.cfg`.
    pub config: PyvenvCfg,
    /// Its site-packages directories, relative to the prefix.
    pub sites: Vec<PathBuf>,
    /// Its frozen list.
    pub requirements: FrozenRequirements,
    /// Which distributions were asked for, rather than pulled in by another.
    pub requested: BTreeMap<PackageName, bool>,
    /// The index settings of its `pip.conf`, without user names, passwords and tokens.
    pub index: IndexSettings,
}

/// What a snapshot is made from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The environment's path, for people who look into the file.
    pub path: &'a str,
    /// Which environment it is.
    pub identity: Identity,
    /// Its `pyvenv.cfg`.
    pub config: &'a PyvenvCfg,
    /// What is installed.
    pub distributions: &'a [Distribution],
    /// The frozen list of that.
    pub requirements: &'a FrozenRequirements,
    /// The index settings of its `pip.conf`.
    pub index: &'a IndexSettings,
}

impl StoredSnapshot {
    /// What is to be kept of an environment.
    pub fn new(source: &Source<'_>, sites: Vec<String>, taken: String) -> Self {
        let requested: BTreeMap<_, _> =
            source.distributions.iter().map(|one| (&one.name, one.requested)).collect();
        let stored = |pin: &Pin| StoredPin {
            lines: pin.lines(),
            project: match &pin.kind {
                PinKind::Editable(editable) => {
                    editable.location.as_ref().and_then(|place| place.to_str()).map(str::to_owned)
                }
                PinKind::Exact(_) | PinKind::Direct { .. } => None,
            },
            requested: requested.get(&pin.name).copied().unwrap_or(true),
        };
        Self {
            format: FORMAT,
            path: source.path.to_owned(),
            identity: source.identity,
            taken,
            pyvenv_cfg: source.config.to_text(),
            sites,
            distributions: source.requirements.pins().iter().map(stored).collect(),
            index: source.index.without_credentials(),
        }
    }

    /// Reads a file; in words what is wrong with it.
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        if head.format != FORMAT {
            return Err(format!("another version of venvkeep wrote it (format {})", head.format));
        }
        serde_json::from_slice(content).map_err(|error| error.to_string())
    }

    /// Whether both say the same, whenever they were taken.
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { taken: other.taken.clone(), ..self.clone() } == *other
    }

    /// What it says; an error, in words, where a line of it is no pin.
    pub fn read(&self) -> Result<KeptSnapshot, String> {
        let (mut pins, mut requested) = (Vec::new(), BTreeMap::new());
        for stored in &self.distributions {
            let list =
                requirements_file::parse(&stored.lines.join("\n")).map_err(|error| error.to_string())?;
            let [pin] = list.pins() else { return Err("a distribution in it is not one pin".to_owned()) };
            let mut pin = pin.clone();
            if let (PinKind::Editable(editable), Some(project)) = (&mut pin.kind, &stored.project) {
                editable.location = Some(PathBuf::from(project)).filter(|place| place.is_absolute());
            }
            requested.insert(pin.name.clone(), stored.requested);
            pins.push(pin);
        }
        Ok(KeptSnapshot {
            identity: self.identity,
            taken: self.taken.clone(),
            config: PyvenvCfg::parse(self.pyvenv_cfg.as_bytes()),
            sites: self.sites.iter().map(PathBuf::from).collect(),
            requirements: FrozenRequirements::new(pins),
            requested,
            index: self.index.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FrozenRequirements, Identity, IndexSettings, PinKind, PyvenvCfg, Source, StoredSnapshot};
    use crate::model::requirements_file;

    const LIST: &str = "Six==1.16.0\nodd===0.1-unknown_build\na @ https://x/a-1.whl#sha256=00\n\
                        # Editable Git install with no remote (e==1)\n-e /home/u/a project\n\
                        -e git+https://x/f.git@0123456789abcdef0123456789abcdef01234567#egg=f\n";

    fn stored(list: &FrozenRequirements) -> StoredSnapshot {
        let source = Source {
            path: "/p/.venv",
            identity: Identity { inode: 7, born_ns: Some(1) },
            config: &PyvenvCfg::parse(b"home = /usr/bin\nprompt = 'p'\n"),
            distributions: &[],
            requirements: list,
            index: &IndexSettings::parse("[global]\nindex-url = https://ana:s3cret@x/simple?token=s3cret\n"),
        };
        StoredSnapshot::new(&source, vec!["lib/python3.11/site-packages".to_owned()], "now".to_owned())
    }

    #[test]
    fn what_is_kept_comes_back() {
        let list = requirements_file::parse(LIST).unwrap();
        let mut pins = list.pins().to_vec();
        for pin in &mut pins {
            if let (PinKind::Editable(editable), "f") = (&mut pin.kind, pin.name.normalized()) {
                editable.location = Some("/home/u/f".into());
            }
        }
        let list = FrozenRequirements::new(pins);
        let content = serde_json::to_vec(&stored(&list)).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("s3cret"));
        let read = StoredSnapshot::parse(&content).unwrap();
        assert!(read.says_the_same(&StoredSnapshot { taken: "then".to_owned(), ..stored(&list) }));
        let kept = read.read().unwrap();
        assert_eq!(kept.requirements, list);
        assert_eq!(kept.config.prompt().as_deref(), Some("p"));
        assert_eq!(kept.index.index_url.as_deref(), Some("https://x/simple"));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for content in [&b""[..], b"{", b"[]", b"{\"format\": 2}", b"{\"format\": 1}", b"\xff"] {
            assert!(StoredSnapshot::parse(content).is_err());
        }
        let list = requirements_file::parse("six==1.16.0\n").unwrap();
        let mut broken = stored(&list);
        broken.distributions[0].lines = vec!["six>=1".to_owned()];
        assert!(broken.read().is_err());
        broken.distributions[0].lines = vec!["six==1".to_owned(), "other==1".to_owned()];
        assert!(broken.read().is_err());
    }
}
