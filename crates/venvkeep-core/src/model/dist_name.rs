//! What the names of entries in site-packages say by themselves.
//!
//! `NAME-VERSION.dist-info` (PyPA "Recording installed projects") and the older `.egg-info` tell a
//! distribution's name and version even where METADATA cannot be read. A leading `~` is what pip leaves of an
//! installation that it was removing when it was stopped.

use std::str::FromStr;

use pep440_rs::Version;

use super::name::{InvalidName, PackageName};

/// Which generation of metadata an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataFormat {
    /// A `.dist-info` directory (PEP 376, with RECORD).
    DistInfo,
    /// An `.egg-info` directory or file (setuptools, distutils), without hashes.
    EggInfo,
}

/// A metadata entry's name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistName {
    /// By the ending.
    pub format: MetadataFormat,
    /// The name part, often with `_` where the project writes `-`. Unchecked: see [`DistName::package`].
    pub name: String,
    /// The version part. `.egg-info` entries of development installs have none.
    pub version: Option<String>,
}

impl DistName {
    /// Takes a file name apart; `None` where it is not a metadata entry, or is a [leftover](is_leftover).
    pub fn parse(file_name: &str) -> Option<Self> {
        if is_leftover(file_name) {
            return None;
        }
        if let Some(stem) = file_name.strip_suffix(".dist-info") {
            let (name, version) = split_dist_info(stem)?;
            return Some(Self {
                format: MetadataFormat::DistInfo,
                name: name.to_owned(),
                version: Some(version.to_owned()),
            });
        }
        let stem = file_name.strip_suffix(".egg-info")?;
        let mut parts = stem.split('-');
        let name = parts.next().filter(|name| !name.is_empty())?;
        // `six-1.0-py3.8.egg-info`; Debian also writes `six-py3.8.egg-info`.
        let version = parts.next().filter(|part| !part.starts_with("py"));
        Some(Self {
            format: MetadataFormat::EggInfo,
            name: name.to_owned(),
            version: version.map(str::to_owned),
        })
    }

    /// The name part as a checked name.
    pub fn package(&self) -> Result<PackageName, InvalidName> {
        PackageName::parse(&self.name)
    }
}

/// The first `-` after which a PEP 440 version stands, since old tools wrote `my-pkg-1.0.dist-info`; where no
/// version follows any, the first `-`.
fn split_dist_info(stem: &str) -> Option<(&str, &str)> {
    stem.match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(_, version)| Version::from_str(version).is_ok())
        .or_else(|| stem.split_once('-'))
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
}

/// Whether an entry of site-packages is what pip leaves of an interrupted removal: the name with its first
/// letters replaced by `~` (`~ip-23.0.dist-info`, `~-mpy`).
pub fn is_leftover(file_name: &str) -> bool {
    file_name.starts_with('~')
}

#[cfg(test)]
mod tests {
    use super::{DistName, MetadataFormat, is_leftover};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn parts(file_name: &str) -> Option<(MetadataFormat, String, Option<String>)> {
        DistName::parse(file_name).map(|dist| (dist.format, dist.name, dist.version))
    }

    #[test]
    fn dist_info_directories() {
        let dist_info = |name: &str, version: &str| {
            Some((MetadataFormat::DistInfo, name.to_owned(), Some(version.to_owned())))
        };
        assert_eq!(parts("markdown_it_py-3.0.0.dist-info"), dist_info("markdown_it_py", "3.0.0"));
        assert_eq!(parts("torch-2.1.0+cu118.dist-info"), dist_info("torch", "2.1.0+cu118"));
        assert_eq!(parts("my-pkg-1.0.dist-info"), dist_info("my-pkg", "1.0"));
        assert_eq!(parts("old-weird_version.dist-info"), dist_info("old", "weird_version"));
        assert_eq!(parts("six.dist-info"), None);
        assert_eq!(parts("-1.0.dist-info"), None);
    }

    #[test]
    fn egg_info_entries() {
        let egg_info = |name: &str, version: Option<&str>| {
            Some((MetadataFormat::EggInfo, name.to_owned(), version.map(str::to_owned)))
        };
        assert_eq!(parts("six-1.16.0-py3.8.egg-info"), egg_info("six", Some("1.16.0")));
        assert_eq!(parts("six.egg-info"), egg_info("six", None));
        assert_eq!(parts("six-py3.8.egg-info"), egg_info("six", None));
        assert_eq!(parts("numpy-1.24.2.egg-info"), egg_info("numpy", Some("1.24.2")));
        assert_eq!(parts(".egg-info"), None);
        assert_eq!(parts("six.py"), None);
    }

    #[test]
    fn leftovers_are_no_distributions() {
        assert!(is_leftover("~ip-23.0.dist-info"));
        assert_eq!(parts("~ip-23.0.dist-info"), None);
    }

    #[test]
    fn a_hostile_name_is_not_a_package() {
        let dist = DistName::parse("a\nb-1.0.dist-info").unwrap();
        assert!(dist.package().is_err());
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_panic(name in any::<String>()) {
            for ending in ["", ".dist-info", ".egg-info"] {
                let _ = DistName::parse(&format!("{name}{ending}"));
            }
        }

        #[test]
        fn what_an_installer_writes_comes_back(name in "[a-z][a-z0-9_]{0,9}", version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}") {
            let dist = DistName::parse(&format!("{name}-{version}.dist-info")).unwrap();
            prop_assert_eq!(dist.name, name);
            prop_assert_eq!(dist.version, Some(version));
        }
    }
}
