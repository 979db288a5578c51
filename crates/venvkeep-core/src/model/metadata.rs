//! The facts of an installed distribution's METADATA (or PKG-INFO, or legacy `.egg-info` file) that a freeze
//! and a rebuild need: PyPA "Core metadata specifications".

use super::headers::{Headers, HeadersTooLong};
use super::name::{InvalidName, PackageName};

/// The headers of one distribution. Values other than the name are as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreMetadata {
    /// `Name`, as the distribution spells itself.
    pub name: PackageName,
    /// `Version`, not necessarily one by PEP 440, and not checked for being printable.
    pub version: String,
    /// Every `Requires-Dist`: requirements by PEP 508.
    pub requires_dist: Vec<String>,
    /// `Requires-Python`: version specifiers by PEP 440.
    pub requires_python: Option<String>,
    /// Every `Provides-Extra`.
    pub provides_extra: Vec<String>,
}

/// Why a metadata file says too little.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// No `Name` header.
    #[error("it has no Name line")]
    MissingName,
    /// A `Name` that is not one.
    #[error("its Name line is not a package name: {0}")]
    InvalidName(#[from] InvalidName),
    /// No `Version` header, or an empty one.
    #[error("it has no Version line")]
    MissingVersion,
    /// The header did not end within the bound.
    #[error(transparent)]
    TooLong(#[from] HeadersTooLong),
}

impl CoreMetadata {
    /// Reads the headers of a metadata file, at most `limit` bytes of them; the description is not looked at.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, MetadataError> {
        let headers = Headers::parse(bytes, limit)?;
        let present = |key| headers.get(key).filter(|value| !value.is_empty());
        let every = |key| headers.all(key).map(str::to_owned).collect();
        Ok(Self {
            name: PackageName::parse(present("Name").ok_or(MetadataError::MissingName)?)?,
            version: present("Version").ok_or(MetadataError::MissingVersion)?.to_owned(),
            requires_dist: every("Requires-Dist"),
            requires_python: present("Requires-Python").map(str::to_owned),
            provides_extra: every("Provides-Extra"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CoreMetadata, MetadataError};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_wheels_metadata() {
        let text = "Metadata-Version: 2.1\nName: Flask_Login\nversion: 0.6.3\nRequires-Python: >=3.7\n\
                    Requires-Dist: Flask >=1.0.4\nRequires-Dist: x ; extra == 'a'\nProvides-Extra: a\n\n\
                    Version: 9\n";
        let metadata = CoreMetadata::parse(text.as_bytes(), 1000).unwrap();
        assert_eq!(metadata.name.as_written(), "Flask_Login");
        assert_eq!(metadata.version, "0.6.3");
        assert_eq!(metadata.requires_python.as_deref(), Some(">=3.7"));
        assert_eq!(metadata.requires_dist, ["Flask >=1.0.4", "x ; extra == 'a'"]);
        assert_eq!(metadata.provides_extra, ["a"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text: &str| CoreMetadata::parse(text.as_bytes(), 50).unwrap_err();
        assert_eq!(error("Version: 1\n"), MetadataError::MissingName);
        assert_eq!(error("Name: a\nVersion:\n"), MetadataError::MissingVersion);
        assert!(matches!(error("Name: -r x\nVersion: 1\n"), MetadataError::InvalidName(_)));
        assert!(matches!(error(&"a".repeat(60)), MetadataError::TooLong(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..400)) {
            let _ = CoreMetadata::parse(&bytes, 300);
        }

        #[test]
        fn name_and_version_come_back(name in "[a-z][a-z0-9]{0,9}", version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}") {
            let text = format!("Name: {name}\r\nVersion: {version}\r\n\r\nbody");
            let metadata = CoreMetadata::parse(text.as_bytes(), 1000).unwrap();
            prop_assert_eq!(metadata.name.as_written(), name);
            prop_assert_eq!(metadata.version, version);
        }
    }
}
