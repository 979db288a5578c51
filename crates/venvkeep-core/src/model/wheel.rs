//! The WHEEL file in a `.dist-info`: for which interpreters the distribution was built (PEP 427, PEP 425).
//!
//! It decides whether the installed files may move to another interpreter.

use std::fmt;

use super::headers::{Headers, HeadersTooLong};

/// What a WHEEL file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WheelInfo {
    /// Every `Tag` line that is one; none means the file says nothing about interpreters.
    pub tags: Vec<WheelTag>,
    /// `Root-Is-Purelib`: whether the files belong into `purelib` rather than `platlib`.
    pub root_is_purelib: bool,
    /// `Build`: tells wheels of the same version apart.
    pub build: Option<String>,
    /// `Generator`: which tool built it.
    pub generator: Option<String>,
}

/// A compatibility tag: `cp311-cp311-manylinux_2_17_x86_64`. Each part may hold several, with dots between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WheelTag {
    /// `py3`, `cp311`, `pp39`.
    pub python: String,
    /// `none`, `abi3`, `cp311`, `cp313t`.
    pub abi: String,
    /// `any`, `linux_x86_64`, `manylinux_2_17_x86_64`.
    pub platform: String,
}

impl WheelInfo {
    /// Reads at most `limit` bytes of the file's lines.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, HeadersTooLong> {
        let headers = Headers::parse(bytes, limit)?;
        Ok(Self {
            tags: headers.all("Tag").filter_map(WheelTag::parse).collect(),
            root_is_purelib: headers
                .get("Root-Is-Purelib")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            build: headers.get("Build").map(str::to_owned),
            generator: headers.get("Generator").map(str::to_owned),
        })
    }
}

impl WheelTag {
    /// Reads `python-abi-platform`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
        };
        let mut parts = text.split('-');
        let mut part = || parts.next().filter(plain).map(str::to_ascii_lowercase);
        let tag = Self { python: part()?, abi: part()?, platform: part()? };
        parts.next().is_none().then_some(tag)
    }
}

impl fmt::Display for WheelTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

#[cfg(test)]
mod tests {
    use super::{WheelInfo, WheelTag};
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_binary_wheel() {
        let text = b"Wheel-Version: 1.0\nGenerator: setuptools (70)\nRoot-Is-Purelib: false\nBuild: 2\n\
                     Tag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\nTag: odd\n";
        let wheel = WheelInfo::parse(text, 1000).unwrap();
        assert_eq!(wheel.tags.len(), 2);
        assert_eq!(wheel.tags[0].platform, "manylinux_2_17_x86_64");
        assert!(!wheel.root_is_purelib);
        assert_eq!(
            (wheel.build.as_deref(), wheel.generator.as_deref()),
            (Some("2"), Some("setuptools (70)"))
        );
    }

    #[test]
    fn a_pure_wheel_and_an_endless_one() {
        let wheel = WheelInfo::parse(b"Root-Is-Purelib: True\r\nTag: py2.py3-none-any\r\n", 1000).unwrap();
        assert!(wheel.root_is_purelib);
        assert_eq!(wheel.tags[0].python, "py2.py3");
        assert!(WheelInfo::parse(&[b'x'; 100], 50).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = WheelInfo::parse(&bytes, 200);
        }

        #[test]
        fn tags_come_back(text in "[a-z0-9.]{1,8}-[a-z0-9]{1,8}-[a-z0-9_]{1,12}") {
            prop_assert_eq!(WheelTag::parse(&text).unwrap().to_string(), text);
        }
    }
}
