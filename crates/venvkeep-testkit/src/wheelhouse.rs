//! The distributions that the tests install: few, small, and each with a trait that went wrong
//! somewhere in the field.
//!
//! | name | trait |
//! |---|---|
//! | `pure-one` 1.0 | a package with a data file |
//! | `with-scripts` 1.2 | console and GUI entry points, `.data` scripts, header and data files |
//! | `with-deps` 2.0 | needs `pure-one`; `extra-dep` with its extra `more`; one whose marker never holds |
//! | `extra-dep` 0.1 | one module |
//! | `Odd.Name_x` 1.0 | a name that is normalised; file names with space, comma, umlaut |
//! | `ns-part` 1.0, `ns-other` 1.0 | share the namespace `kitns` (PEP 420) |
//! | `sdist-one` 1.0 | a source distribution with a backend of its own |

use std::fs;
use std::path::Path;

use crate::wheel::{escape, write_zip};
use crate::{OrFail, Wheel};

/// Lies in the source tree (PEP 517 `backend-path`) and needs nothing: building works offline.
const BACKEND: &str = include_str!("backend/kit_backend.py");

/// Writes all of the above into `directory`.
pub fn write_wheelhouse(directory: &Path) {
    for wheel in wheels() {
        wheel.write(directory);
    }
    let members: Vec<_> = source_files("sdist-one", "1.0")
        .into_iter()
        .map(|(name, content)| (format!("sdist_one-1.0/{name}"), content.into_bytes()))
        .collect();
    write_zip(&directory.join("sdist_one-1.0.zip"), &members);
}

/// Writes the source tree of a distribution, see [`Project::source`](crate::Project::source).
pub(crate) fn write_source(directory: &Path, name: &str, version: &str) {
    for (file, content) in source_files(name, version) {
        let path = directory.join(file);
        let parent = path.parent().unwrap_or(directory);
        fs::create_dir_all(parent).or_fail("create", parent);
        fs::write(&path, content).or_fail("write", &path);
    }
}

fn source_files(name: &str, version: &str) -> [(String, String); 4] {
    let pyproject = format!(
        "[project]\nname = \"{name}\"\nversion = \"{version}\"\n\n\
         [build-system]\nrequires = []\nbuild-backend = \"kit_backend\"\nbackend-path = [\".\"]\n"
    );
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    [
        ("pyproject.toml".to_owned(), pyproject),
        ("PKG-INFO".to_owned(), metadata),
        ("kit_backend.py".to_owned(), BACKEND.to_owned()),
        (format!("src/{}.py", escape(name)), "WHERE = \"source\"\n".to_owned()),
    ]
}

fn wheels() -> [Wheel; 7] {
    [
        Wheel::new("pure-one", "1.0")
            .file("pure_one/__init__.py", "ONE = 1\n")
            .file("pure_one/data.txt", "one\n"),
        with_scripts(),
        Wheel::new("with-deps", "2.0")
            .header("Requires-Dist", "pure-one>=1")
            .header("Requires-Dist", "never-there; python_version < \"3\"")
            .header("Requires-Dist", "extra-dep; extra == \"more\"")
            .header("Provides-Extra", "more")
            .file("with_deps.py", "import pure_one\n"),
        Wheel::new("extra-dep", "0.1").file("extra_dep.py", "EXTRA = True\n"),
        Wheel::new("Odd.Name_x", "1.0")
            .file("odd_name_x/__init__.py", "")
            .file("odd_name_x/a,b.txt", "comma\n")
            .file("odd_name_x/größe und so.txt", "umlaut\n"),
        Wheel::new("ns-part", "1.0").file("kitns/part.py", "PART = 1\n"),
        Wheel::new("ns-other", "1.0").file("kitns/other/__init__.py", "OTHER = 1\n"),
    ]
}

fn with_scripts() -> Wheel {
    Wheel::new("with-scripts", "1.2")
        .file("with_scripts.py", "def main():\n    print('with-scripts works')\n")
        .entry_points(
            "[console_scripts]\nwith-scripts = with_scripts:main\n\n\
             [gui_scripts]\nwith-scripts-gui = with_scripts:main\n",
        )
        .data("scripts", "raw-python", "#!python\nimport with_scripts\nwith_scripts.main()\n")
        .data("scripts", "raw-shell", "#!/bin/sh\necho raw-shell works\n")
        .data("headers", "with_scripts.h", "#define WITH_SCRIPTS 1\n")
        .data("data", "share/with-scripts/readme.txt", "read me\n")
        .data("data", "etc/with-scripts.conf", "colour = green\n")
}
