//! Whether files that were built for one interpreter suit another one, by their wheel tags.
//!
//! PyPA "Platform compatibility tags" (PEP 425, 600 and 656 for the parts of it, PEP 384 for `abi3`, PEP 703 for the
//! free-threaded `t`), read as installers read it: a tag suits when an installer would choose a wheel with it for
//! this interpreter.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::interpreter::{BaseInterpreter, Libc};
use super::python_version::PythonVersion;
use super::wheel::WheelTag;

/// Where distributions with a plain `linux_x86_64` tag were built, which promises nothing about other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltOn {
    /// On this machine, as far as can be told: the interpreter that it was built for is here.
    ThisMachine,
    /// In a container or on another machine, or it cannot be told.
    Unknown,
}

/// Whether files with these tags run under this interpreter: whether any of the tags suits it.
pub fn suit(tags: &[WheelTag], target: &BaseInterpreter, built_on: BuiltOn) -> bool {
    tags.iter().any(|tag| suits(tag, target, built_on))
}

/// Each part of a tag may hold several values: it stands for all their combinations.
fn suits(tag: &WheelTag, target: &BaseInterpreter, built_on: BuiltOn) -> bool {
    let platform = |platform: &str| platform == "any" || suits_platform(platform, target, built_on);
    tag.platform.split('.').any(platform)
        && tag
            .python
            .split('.')
            .any(|python| tag.abi.split('.').any(|abi| suits_python(python, abi, &tag.platform, target)))
}

/// Whether an installer tries a version specifier of `Requires-Python` with success. What is no specifier says
/// nothing, as for pip.
pub fn python_satisfies(requires_python: &str, python: &PythonVersion) -> bool {
    let release = format!("{}.{}.{}", python.major, python.minor, python.micro.unwrap_or(0));
    let (Ok(wanted), Ok(version)) =
        (VersionSpecifiers::from_str(requires_python), Version::from_str(&release))
    else {
        return true;
    };
    wanted.contains(&version)
}

fn suits_python(python: &str, abi: &str, platform: &str, target: &BaseInterpreter) -> bool {
    let Some((implementation, version)) = split_python(python) else { return false };
    let own = (target.version.major, Some(target.version.minor));
    match (implementation, abi) {
        // "py311-none" and everything older: no binary interface, so only the language matters.
        ("py", "none") => version.0 == own.0 && version.1 <= own.1,
        // Without a binary interface, but with something of this implementation and version in it.
        (implementation, "none") => implementation == short_name(target) && version == own,
        // The stable interface of this and all older releases. The free-threaded build does not have it.
        ("cp", "abi3") => {
            let is_cpython = target.implementation == "cpython" && !target.free_threaded;
            is_cpython
                && platform != "any"
                && version.0 == own.0
                && version.1 >= Some(2)
                && version.1 <= own.1
        }
        (implementation, abi) => {
            implementation == short_name(target)
                && version == own
                && abis(target).iter().any(|own| own == abi)
        }
    }
}

/// `cp311` as `cp`, 3, 11; `py3` as `py`, 3, nothing.
fn split_python(tag: &str) -> Option<(&str, (u32, Option<u32>))> {
    let digits = tag.find(|c: char| c.is_ascii_digit())?;
    let (implementation, version) = tag.split_at(digits);
    let (major, minor) = version.split_at(1);
    let minor = if minor.is_empty() { None } else { Some(minor.parse().ok()?) };
    Some((implementation, (major.parse().ok()?, minor)))
}

fn short_name(target: &BaseInterpreter) -> &str {
    match target.implementation.as_str() {
        "cpython" => "cp",
        "pypy" => "pp",
        "graalpy" => "graalpy",
        other => other,
    }
}

/// The binary interfaces of an interpreter, as tags write them: `cp311`; `cp313t`; `pypy39_pp73`. They are part of
/// the ending of its extension modules.
fn abis(target: &BaseInterpreter) -> Vec<String> {
    let plain = format!("cp{}{}", target.version.major, target.version.minor);
    let free_threaded = if target.free_threaded { "t" } else { "" };
    let suffix = target.extension_suffix.as_deref().unwrap_or_default().trim_start_matches('.');
    let mut parts = suffix.split(['-', '.']);
    match (target.implementation.as_str(), parts.next(), parts.next()) {
        ("cpython", Some("cpython"), Some(version)) => {
            let own = format!("cp{version}");
            // A debug build loads modules of the release build too (since Python 3.8).
            let release = own.strip_suffix('d').map(str::to_owned);
            [Some(own), release].into_iter().flatten().collect()
        }
        ("cpython", ..) => vec![format!("{plain}{free_threaded}")],
        (_, Some(first), Some(second)) => vec![format!("{first}_{second}")],
        _ => Vec::new(),
    }
}

fn suits_platform(platform: &str, target: &BaseInterpreter, built_on: BuiltOn) -> bool {
    if let Some((system, arch)) = target.platform.split_once('-') {
        let arch = arch.replace(['-', '.'], "_");
        return match system {
            "linux" => suits_linux(platform, &arch, target.libc.as_ref(), built_on),
            "macosx" => suits_macos(platform, target),
            _ => platform == target.platform.replace(['-', '.'], "_"),
        };
    }
    platform == target.platform
}

/// The promises of older names, in versions of glibc (PEP 513, 571, 599).
const LEGACY_MANYLINUX: [(&str, (u32, u32)); 3] =
    [("manylinux1_", (2, 5)), ("manylinux2010_", (2, 12)), ("manylinux2014_", (2, 17))];

fn suits_linux(platform: &str, arch: &str, libc: Option<&Libc>, built_on: BuiltOn) -> bool {
    let Some(platform) = platform.strip_suffix(arch) else { return false };
    if platform == "linux_" {
        return built_on == BuiltOn::ThisMachine;
    }
    let Some((name, has)) =
        libc.and_then(|libc| Some((libc.name.as_str(), two_numbers(&libc.version, '.')?)))
    else {
        return false;
    };
    let wants = |prefix: &str| two_numbers(platform.strip_prefix(prefix)?.strip_suffix('_')?, '_');
    let wanted = match name {
        "glibc" => {
            let legacy = LEGACY_MANYLINUX.iter().find(|(legacy, _)| *legacy == platform);
            legacy.map(|(_, version)| *version).or_else(|| wants("manylinux_"))
        }
        "musl" => wants("musllinux_"),
        _ => None,
    };
    wanted.is_some_and(|wanted| wanted.0 == has.0 && wanted.1 <= has.1)
}

/// `macosx_11_0_arm64`: built for that release of macOS and all later ones.
fn suits_macos(platform: &str, target: &BaseInterpreter) -> bool {
    let mut parts = platform.splitn(4, '_');
    let (Some("macosx"), Some(major), Some(minor), Some(arch)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(major), Ok(minor)) = (major.parse::<u32>(), minor.parse::<u32>()) else { return false };
    let machine = target.markers.get("platform_machine").map_or("", String::as_str);
    let arch_fits = match machine {
        "arm64" => matches!(arch, "arm64" | "universal2"),
        "x86_64" => matches!(arch, "x86_64" | "universal2" | "intel" | "fat64" | "universal"),
        _ => false,
    };
    arch_fits && macos_release(target).is_some_and(|release| (major, minor) <= release)
}

/// The release of macOS, which the kernel's version tells: Darwin 20 is macOS 11, Darwin 25 is macOS 26, and before
/// that Darwin 19 is macOS 10.15.
fn macos_release(target: &BaseInterpreter) -> Option<(u32, u32)> {
    let darwin: u32 = target.markers.get("platform_release")?.split('.').next()?.parse().ok()?;
    // A release's own updates need no tag: `macosx_14_0` is what builders write.
    match darwin {
        25.. => Some((darwin + 1, 0)),
        20..25 => Some((darwin - 9, 0)),
        _ => Some((10, darwin.checked_sub(4)?)),
    }
}

/// `2.36`, `2_17`; what follows a further separator does not matter.
fn two_numbers(text: &str, separator: char) -> Option<(u32, u32)> {
    let mut parts = text.split(separator);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{BaseInterpreter, BuiltOn, PythonVersion, WheelTag, python_satisfies, suit};
    use proptest::prelude::{any, prop_assert, proptest};
    use serde_json::{Value, json};

    fn interpreter(with: &Value) -> BaseInterpreter {
        let mut facts = json!({
            "executable": "/usr/bin/python3", "implementation": "cpython", "version": "3.11.2",
            "cache_tag": "cpython-311", "base_prefix": "/usr", "stdlib": "/usr/lib/python3.11",
            "free_threaded": false, "extension_suffix": ".cpython-311-x86_64-linux-gnu.so",
            "platform": "linux-x86_64", "libc": {"name": "glibc", "version": "2.36"}, "wheel_dir": null,
            "scheme": {"purelib": "p", "platlib": "p", "scripts": "bin", "include": "i", "data": ""},
            "markers": {"platform_machine": "x86_64"},
        });
        for (key, value) in with.as_object().unwrap() {
            facts[key] = value.clone();
        }
        serde_json::from_value(facts).unwrap()
    }

    fn fits(tag: &str, target: &BaseInterpreter) -> bool {
        suit(&[WheelTag::parse(tag).unwrap()], target, BuiltOn::Unknown)
    }

    fn check(target: &BaseInterpreter, suitable: &[&str], unsuitable: &[&str]) {
        for tag in suitable {
            assert!(fits(tag, target), "{tag} suits {}", target.executable.display());
        }
        for tag in unsuitable {
            assert!(!fits(tag, target), "{tag} does not suit {}", target.executable.display());
        }
    }

    #[test]
    fn cpython_with_glibc() {
        check(
            &interpreter(&json!({})),
            &[
                "py3-none-any",
                "py2.py3-none-any",
                "py311-none-any",
                "py38-none-any",
                "cp311-none-any",
                "cp311-cp311-manylinux_2_17_x86_64",
                "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
                "cp311-cp311-manylinux_2_36_x86_64",
                "cp311-cp311-manylinux1_x86_64",
                "cp38-abi3-manylinux2010_x86_64",
                "cp38.cp39-abi3-manylinux_2_28_x86_64",
                "py3-none-manylinux2014_x86_64",
            ],
            &[
                "py2-none-any",
                "py312-none-any",
                "cp310-none-any",
                "pp39-none-any",
                "cp310-cp310-manylinux_2_17_x86_64",
                "cp312-abi3-manylinux_2_17_x86_64",
                "cp311-cp311t-manylinux_2_17_x86_64",
                "cp311-cp311-manylinux_2_37_x86_64",
                "cp311-cp311-manylinux_2_17_aarch64",
                "cp311-cp311-musllinux_1_2_x86_64",
                "cp311-cp311-linux_x86_64",
                "cp311-cp311-win_amd64",
                "cp311-cp311-macosx_11_0_x86_64",
                "py3-none-manylinux_9_x86_64",
                "x-y-z",
            ],
        );
    }

    #[test]
    fn a_plain_linux_tag_counts_where_it_was_built() {
        let tag = [WheelTag::parse("cp311-cp311-linux_x86_64").unwrap()];
        assert!(suit(&tag, &interpreter(&json!({})), BuiltOn::ThisMachine));
        assert!(!suit(&tag, &interpreter(&json!({"platform": "linux-aarch64"})), BuiltOn::ThisMachine));
    }

    #[test]
    fn musl() {
        check(
            &interpreter(&json!({"libc": {"name": "musl", "version": "1.2.4"}})),
            &["cp311-cp311-musllinux_1_2_x86_64", "cp311-cp311-musllinux_1_1_x86_64", "py3-none-any"],
            &["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-musllinux_1_3_x86_64"],
        );
        check(
            &interpreter(&json!({"libc": null})),
            &["py3-none-any"],
            &["cp311-cp311-musllinux_1_2_x86_64", "cp311-cp311-manylinux1_x86_64"],
        );
    }

    #[test]
    fn free_threaded() {
        check(
            &interpreter(&json!({
                "version": "3.13.1", "free_threaded": true,
                "extension_suffix": ".cpython-313t-x86_64-linux-gnu.so",
            })),
            &["cp313-cp313t-manylinux_2_17_x86_64", "py3-none-any", "cp313-none-any"],
            &["cp313-cp313-manylinux_2_17_x86_64", "cp38-abi3-manylinux_2_17_x86_64"],
        );
    }

    #[test]
    fn pypy_and_debug_builds() {
        check(
            &interpreter(&json!({
                "implementation": "pypy", "version": "3.9.16",
                "extension_suffix": ".pypy39-pp73-x86_64-linux-gnu.so",
            })),
            &["pp39-pypy39_pp73-manylinux_2_17_x86_64", "py3-none-any", "pp39-none-any"],
            &["cp39-cp39-manylinux_2_17_x86_64", "cp38-abi3-manylinux_2_17_x86_64", "pp39-pypy39_pp72-any"],
        );
        check(
            &interpreter(&json!({"extension_suffix": ".cpython-311d-x86_64-linux-gnu.so"})),
            &["cp311-cp311d-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_x86_64"],
            &["cp311-cp311t-manylinux_2_17_x86_64"],
        );
    }

    #[test]
    fn macos() {
        let on = |machine: &str, kernel: &str| {
            interpreter(&json!({
                "platform": "macosx-11.0-arm64", "libc": null, "extension_suffix": ".cpython-311-darwin.so",
                "markers": {"platform_machine": machine, "platform_release": kernel},
            }))
        };
        check(
            &on("arm64", "23.1.0"),
            &["cp311-cp311-macosx_11_0_arm64", "cp311-cp311-macosx_14_0_universal2", "py3-none-any"],
            &["cp311-cp311-macosx_15_0_arm64", "cp311-cp311-macosx_10_9_x86_64"],
        );
        check(
            &on("x86_64", "19.6.0"),
            &["cp311-cp311-macosx_10_15_x86_64", "cp311-cp311-macosx_10_9_intel"],
            &["cp311-cp311-macosx_11_0_x86_64", "cp311-cp311-macosx_10_9_arm64"],
        );
    }

    #[test]
    fn requires_python() {
        let python = |text: &str| PythonVersion::parse(text).unwrap();
        assert!(python_satisfies(">=3.8,<4", &python("3.11.2")));
        assert!(!python_satisfies("<3.11", &python("3.11.2")));
        assert!(python_satisfies(">=3.13", &python("3.13.0rc1")), "as pip has it");
        assert!(python_satisfies("what?", &python("3.11.2")), "says nothing");
    }

    proptest! {
        #[test]
        fn any_tag_is_judged_without_panic(text in "[a-z0-9_.]{1,9}-[a-z0-9_.]{1,9}-[a-z0-9_.]{1,22}") {
            if let Some(tag) = WheelTag::parse(&text) {
                let strict = suit(std::slice::from_ref(&tag), &interpreter(&json!({})), BuiltOn::Unknown);
                let lenient = suit(&[tag], &interpreter(&json!({})), BuiltOn::ThisMachine);
                prop_assert!(lenient || !strict);
            }
        }

        #[test]
        fn newer_glibc_and_newer_python_suit_no_less(glibc in 5_u32..60, has in 5_u32..60, minor in 2_u32..20) {
            let target = |libc: u32| interpreter(&json!({"libc": {"name": "glibc", "version": format!("2.{libc}")}}));
            let tag = format!("cp3{minor}-abi3-manylinux_2_{glibc}_x86_64");
            prop_assert!(fits(&tag, &target(has)) == (glibc <= has && minor <= 11));
        }

        #[test]
        fn any_specifier_is_judged_without_panic(text in any::<String>()) {
            let _ = python_satisfies(&text, &PythonVersion::new(3, 11));
        }
    }
}
