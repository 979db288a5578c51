//! Environments made by the real tools: `python -m venv`, `virtualenv` and `uv venv`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::as_str;
use crate::{Context, Invocation, OrFail, Who, tools};

/// Some hundred megabytes over a slow line.
const DOWNLOAD_TIME_LIMIT: Duration = Duration::from_secs(900);

/// The tool that makes an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// `python -m venv`, with pip.
    Venv,
    /// `python -m venv --without-pip`: made in a tenth of the time; packages are installed by the test tools' pip.
    VenvWithoutPip,
    /// `virtualenv`, with pip. Needs [`Need::Virtualenv`](crate::Need::Virtualenv).
    Virtualenv,
    /// `virtualenv` before version 20, with pip, on [`tools::LEGACY_PYTHON`] whatever Python is asked for. Needs
    /// [`Need::LegacyVirtualenv`](crate::Need::LegacyVirtualenv).
    LegacyVirtualenv,
    /// `uv venv`, without pip; packages are installed by uv. Needs [`Need::Uv`](crate::Need::Uv).
    Uv,
}

/// An environment that is about to be made.
#[derive(Debug)]
#[must_use = "nothing happens before `build`"]
pub struct EnvironmentBuilder<'c> {
    context: &'c Context,
    who: Who,
    maker: Maker,
    path: PathBuf,
    python: PathBuf,
    umask: u32,
    create_args: Vec<OsString>,
    packages: Vec<OsString>,
}

impl<'c> EnvironmentBuilder<'c> {
    pub(crate) fn new(context: &'c Context, directory: &Path, who: Who, maker: Maker) -> Self {
        Self {
            context,
            who,
            maker,
            path: directory.join(".venv"),
            python: tools::system_python(),
            umask: 0o022,
            create_args: Vec::new(),
            packages: Vec::new(),
        }
    }

    /// Under another name than `.venv`; relative to the project, or absolute.
    pub fn at(mut self, name: impl AsRef<Path>) -> Self {
        self.path = self.path.with_file_name(".").join(name);
        self
    }

    /// On another base interpreter than `/usr/bin/python3`, see [`tools::python`].
    pub fn python(mut self, interpreter: impl Into<PathBuf>) -> Self {
        self.python = interpreter.into();
        self
    }

    /// Made and filled under this umask instead of 022.
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    /// More arguments for the maker, for example `--system-site-packages`.
    pub fn create_args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.create_args.extend(args.into_iter().map(Into::into));
        self
    }

    /// What to install, in the words of `pip install`: names of the kit's wheels, files,
    /// `-e` and a directory.
    pub fn packages<A: Into<OsString>>(mut self, packages: impl IntoIterator<Item = A>) -> Self {
        self.packages.extend(packages.into_iter().map(Into::into));
        self
    }

    /// Makes it.
    pub fn build(self) -> Environment<'c> {
        let context = self.context;
        let maker = match self.maker {
            Maker::Venv => context.program(self.who, &self.python).args(["-m", "venv"]),
            Maker::VenvWithoutPip => {
                context.program(self.who, &self.python).args(["-m", "venv", "--without-pip"])
            }
            Maker::Virtualenv => context
                .program(self.who, tools::virtualenv())
                .args(["--no-download", "--python"])
                .arg(&self.python),
            Maker::LegacyVirtualenv => legacy_virtualenv(context, self.who),
            Maker::Uv => context
                .program(self.who, tools::uv())
                .args(["venv", "--quiet", "--offline", "--python"])
                .arg(&self.python),
        };
        let made = maker.args(&self.create_args).arg(&self.path).umask(self.umask).run();
        made.success();
        let environment =
            Environment { context, maker: self.maker, who: self.who, umask: self.umask, path: self.path };
        if !self.packages.is_empty() {
            environment.install(&self.packages);
        }
        environment
    }
}

fn legacy_virtualenv(context: &Context, who: Who) -> Invocation {
    let python = tools::python(tools::LEGACY_PYTHON).unwrap_or_default();
    let run = context.program(who, &python).arg(tools::legacy_virtualenv());
    run.args(["--no-download", "--no-setuptools", "--no-wheel"]).env(LIBRARY_PATH, legacy_library())
}

/// Where the interpreter that [`Maker::LegacyVirtualenv`] copies into an environment finds its library: the prepared
/// Pythons look beside themselves, where the copy has none.
fn legacy_library() -> PathBuf {
    tools::directory().join("python").join(tools::LEGACY_PYTHON).join("lib")
}

const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// An environment on the disk, healthy until a test damages it.
#[derive(Debug)]
pub struct Environment<'c> {
    context: &'c Context,
    maker: Maker,
    who: Who,
    umask: u32,
    pub(crate) path: PathBuf,
}

impl<'c> Environment<'c> {
    /// One that came about in another way than by being built; `maker` made what it is a copy of, and `who` it.
    pub fn at(context: &'c Context, path: PathBuf, maker: Maker, who: Who) -> Self {
        Self { context, maker, who, umask: 0o022, path }
    }
}

impl Environment<'_> {
    /// Its prefix.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its prefix, for lists of arguments.
    pub fn str(&self) -> &str {
        as_str(&self.path)
    }

    /// `bin/NAME`; it need not exist.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.path.join("bin").join(name)
    }

    /// Its only `lib/pythonX.Y/site-packages`.
    pub fn site_packages(&self) -> PathBuf {
        let lib = self.path.join("lib");
        let versions = fs::read_dir(&lib).or_fail("list", &lib);
        versions
            .map(|entry| entry.or_fail("list", &lib).path().join("site-packages"))
            .find(|path| path.is_dir())
            .unwrap_or_else(|| panic!("{} has no site-packages", self.path.display()))
    }

    /// The only `*.dist-info` of a distribution whose escaped name is `stem`, as in `pure_one`.
    pub fn dist_info(&self, stem: &str) -> PathBuf {
        let site_packages = self.site_packages();
        let is_wanted = |name: &OsStr| {
            let name = name.to_str().and_then(|name| name.strip_suffix(".dist-info"));
            name.and_then(|name| name.rsplit_once('-')).is_some_and(|(name, _)| name == stem)
        };
        let found = fs::read_dir(&site_packages)
            .or_fail("list", &site_packages)
            .map(|entry| entry.or_fail("list", &site_packages))
            .find(|entry| is_wanted(&entry.file_name()));
        found.unwrap_or_else(|| panic!("{} has no {stem}", self.path.display())).path()
    }

    /// Installs more, by who made it, under the same umask, from the kit's wheels alone.
    pub fn install<A: AsRef<OsStr>>(&self, packages: impl IntoIterator<Item = A>) {
        let wheels = self.context.wheels();
        let install = self.installer(self.who).args(["install", "--quiet", "--no-index"]);
        let installed = install.wheels_only(wheels).args(packages).umask(self.umask).run();
        installed.success();
    }

    /// The same from the machine's package index: only for the suite that needs it.
    pub fn install_from_index<A: AsRef<OsStr>>(&self, packages: impl IntoIterator<Item = A>) {
        let install = self.installer(self.who).args(["install", "--quiet"]);
        let install = install.index_of_the_machine().time_limit(DOWNLOAD_TIME_LIMIT);
        install.args(packages).umask(self.umask).run().success();
    }

    /// What `pip freeze --local` prints, line by line: PyPy's standard library brings distributions of
    /// its own, which are not the environment's. Starts its interpreter: for healthy ones only.
    pub fn freeze(&self) -> Vec<String> {
        self.frozen_lines(&[])
    }

    /// What `pip freeze --local --all` prints: pip itself too, and setuptools.
    pub fn freeze_all(&self) -> Vec<String> {
        self.frozen_lines(&["--all"])
    }

    fn frozen_lines(&self, args: &[&str]) -> Vec<String> {
        let pip = match self.maker {
            Maker::Venv | Maker::Virtualenv | Maker::LegacyVirtualenv => self.installer(self.who),
            // uv's own list has another form.
            Maker::VenvWithoutPip | Maker::Uv => self.pip_from_outside(self.who),
        };
        // Looking changes nothing: root's bytecode in a user's environment would be one more finding.
        let frozen =
            pip.args(["freeze", "--local"]).args(args).env("PYTHONDONTWRITEBYTECODE", "1").run().success();
        frozen.stdout.lines().map(str::to_owned).collect()
    }

    /// From now on, [`Self::install`] works under this umask.
    #[must_use = "only the returned environment installs under this umask"]
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    fn pip_from_outside(&self, who: Who) -> Invocation {
        self.context.program(who, tools::pip()).arg("--python").arg(self.bin("python"))
    }

    /// The environment's `pip`, `uv pip` where uv made it, or one from outside where it has none, about to run as
    /// `who`.
    pub fn installer(&self, who: Who) -> Invocation {
        if self.maker == Maker::Uv {
            // uv takes the environment from VIRTUAL_ENV for each of its pip commands.
            let uv = self.context.program(who, tools::uv()).arg("pip");
            return uv.env("VIRTUAL_ENV", &self.path);
        }
        if self.maker == Maker::VenvWithoutPip {
            return self.pip_from_outside(who);
        }
        let pip = self.context.program(who, self.bin("python")).args(["-m", "pip"]);
        if self.maker == Maker::LegacyVirtualenv { pip.env(LIBRARY_PATH, legacy_library()) } else { pip }
    }
}
