//! Which pins of a list are meant for an interpreter: a user's list can name others behind environment markers
//! (PyPA "Dependency specifiers"), as `; sys_platform == "win32"`, which every installer passes over.

use std::str::FromStr;

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};

use crate::model::interpreter::BaseInterpreter;
use crate::model::requirements::{FrozenRequirements, Pin};

/// Parts a list into what is meant for the interpreter and the rest. Where a marker's value is not known, its pin is
/// left to the installer's judgement.
pub(super) fn applying(list: &FrozenRequirements, base: &BaseInterpreter) -> (FrozenRequirements, Vec<Pin>) {
    let environment = environment(base);
    let is_meant = |pin: &Pin| match (&pin.conditions.marker, &environment) {
        (Some(marker), Some(environment)) => {
            MarkerTree::from_str(marker).map_or(true, |marker| marker.evaluate(environment, &[]))
        }
        _ => true,
    };
    let (meant, others) = list.pins().iter().cloned().partition(is_meant);
    (FrozenRequirements::new(meant), others)
}

fn environment(base: &BaseInterpreter) -> Option<MarkerEnvironment> {
    let value = |name: &str| base.markers.get(name).map(String::as_str);
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: value("implementation_name")?,
        implementation_version: value("implementation_version")?,
        os_name: value("os_name")?,
        platform_machine: value("platform_machine")?,
        platform_python_implementation: value("platform_python_implementation")?,
        platform_release: value("platform_release")?,
        platform_system: value("platform_system")?,
        platform_version: value("platform_version")?,
        python_full_version: value("python_full_version")?,
        python_version: value("python_version")?,
        sys_platform: value("sys_platform")?,
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::{BaseInterpreter, Pin, applying};
    use crate::model::requirements_file;
    use serde_json::{Value, json};

    fn base(markers: &Value) -> BaseInterpreter {
        serde_json::from_value(json!({
            "executable": "/usr/bin/python3", "implementation": "cpython", "version": "3.11.2", "cache_tag": null,
            "base_prefix": "/usr", "stdlib": "/usr/lib", "free_threaded": false, "extension_suffix": null,
            "platform": "linux-x86_64", "libc": null, "wheel_dir": null, "markers": markers,
            "scheme": {"purelib": "lib", "platlib": "lib", "scripts": "bin", "include": "include", "data": ""},
        }))
        .unwrap()
    }

    fn linux() -> Value {
        json!({
            "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
            "platform_machine": "x86_64", "platform_python_implementation": "CPython",
            "platform_release": "6.1", "platform_system": "Linux", "platform_version": "#1 SMP",
            "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
        })
    }

    #[test]
    fn what_is_meant_for_others_is_parted_off() {
        let list = requirements_file::parse(
            "a==1 ; sys_platform == 'win32'\nb==1 ; python_version >= '3.9'\nb==2 ; python_version < '3.9'\nc==1\n",
        )
        .unwrap();
        let (meant, others) = applying(&list, &base(&linux()));
        assert_eq!(meant.lines(), ["b==1; python_version >= '3.9'", "c==1"]);
        let others: Vec<String> = others.iter().map(Pin::requirement).collect();
        assert_eq!(others, ["a==1; sys_platform == 'win32'", "b==2; python_version < '3.9'"]);
        assert_eq!(applying(&list, &base(&json!({}))).1, [], "nothing is known of such an interpreter");
    }
}
