//! What one run starts from, again and again: a directory with a project and a home, laid out once and restored from
//! a copy; and what is found in it afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use venvkeep_testkit::{
    Context, Fingerprint, Invocation, Mount, Output, Project, SmallDisk, Who, fingerprint, tools,
};

/// What stands in names for work which is not settled.
const UNSETTLED: [&str; 4] =
    [".venvkeep-stage-", ".venvkeep-journal", ".venvkeep-nodot-stage-", ".venvkeep-nodot-journal"];

/// A directory of the user's that can be put back to how it was.
pub(crate) struct Ground<'c> {
    pub(crate) ctx: &'c Context,
    directory: PathBuf,
    copy: PathBuf,
    // Unmounted before what it shows.
    _without_exchange: Option<Mount>,
    _disk: SmallDisk<'c>,
}

/// What it lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Two names can be exchanged at once.
    Usual,
    /// They cannot.
    WithoutExchange,
}

/// One step of a recording run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) number: usize,
    /// What is done, as `rename`.
    pub(crate) what: String,
    pub(crate) path: PathBuf,
}

impl<'c> Ground<'c> {
    /// Lays it out, on a file system of its own, which is flushed at once whatever else the machine writes; `None`
    /// where none can be mounted.
    pub(crate) fn new(ctx: &'c Context, kind: Disk, lay_out: fn(&Self)) -> Option<Self> {
        let disk = ctx.small_disk("disk", 64 * 1024)?;
        let without_exchange = match kind {
            Disk::Usual => None,
            Disk::WithoutExchange => {
                Some(Mount::without_exchange(disk.path(), &ctx.home(Who::User).join("shown"))?)
            }
        };
        let top = without_exchange.as_ref().map_or(disk.path(), Mount::path);
        let (directory, copy) = (top.join("ground"), ctx.area().join("copy"));
        for made in [directory.clone(), directory.join("home"), directory.join("proj")] {
            ctx.project_at(made, Who::User);
        }
        let ground = Self { ctx, directory, copy, _without_exchange: without_exchange, _disk: disk };
        lay_out(&ground);
        copy_tree(&ground.directory, &ground.copy);
        Some(ground)
    }

    /// As it was laid out.
    pub(crate) fn restore(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        // What a killed run had started may have files open for a moment, which bindfs keeps under another name.
        while let Err(error) = fs::remove_dir_all(&self.directory) {
            assert!(Instant::now() < until, "{error}");
            std::thread::sleep(Duration::from_millis(10));
        }
        copy_tree(&self.copy, &self.directory);
    }

    pub(crate) fn project(&self) -> Project<'c> {
        self.ctx.project_at(self.directory.join("proj"), Who::User)
    }

    pub(crate) fn prefix(&self) -> PathBuf {
        self.directory.join("proj/.venv")
    }

    /// venvkeep as the user, in the project, with the home beside it; one thread, so that every run takes the same
    /// steps.
    pub(crate) fn venvkeep(&self, args: &[&str]) -> Invocation {
        let run = self.ctx.venvkeep(args).current_dir(self.directory.join("proj"));
        let uv = tools::uv();
        run.wheels_only(self.ctx.wheels())
            .path_first(uv.parent().expect("uv lies in a directory"))
            .env("HOME", self.directory.join("home"))
            .env("RAYON_NUM_THREADS", "1")
    }

    /// uv as the user, in the project.
    pub(crate) fn uv(&self, args: &[&str]) -> Invocation {
        let run = self.ctx.program(Who::User, tools::uv()).args(args).wheels_only(self.ctx.wheels());
        run.current_dir(self.directory.join("proj")).env("UV_NO_CACHE", "1")
    }

    /// The environment's site-packages.
    pub(crate) fn site(&self) -> PathBuf {
        let lib = fs::read_dir(self.prefix().join("lib")).expect("it has one").next().expect("of one Python");
        lib.expect("root may").path().join("site-packages")
    }

    /// Everybody can read all that is live, but for the mark that is its owner's.
    #[track_caller]
    pub(crate) fn assert_for_everybody(&self) {
        let find = self.ctx.program(Who::Root, "find").arg(self.prefix());
        let closed = find.args(["!", "-type", "l", "!", "-perm", "-o+r", "!", "-name", ".venvkeep"]).run();
        assert!(closed.stdout.is_empty(), "closed to others: {closed}");
        let configuration = fs::read_to_string(self.prefix().join("pyvenv.cfg")).expect("root may");
        assert!(configuration.contains("shared = everyone"), "{configuration}");
        // What is installed later is readable too, whatever the umask.
        let later = self.site().join("later.py");
        self.ctx.program(Who::User, "touch").arg(&later).umask(0o077).run().success();
        let mode = fs::metadata(&later).expect("root may").permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{mode:o}");
    }

    /// The same, failing as `fault` says; gives the steps that were announced.
    pub(crate) fn faulty(&self, args: &[&str], fault: &str) -> (Output, Vec<Step>) {
        let trace = self.directory.join("trace");
        let run = self.venvkeep(args).env("VENVKEEP_FAULT_TRACE", &trace).env("VENVKEEP_FAULT", fault).run();
        let text = fs::read_to_string(&trace).unwrap_or_default();
        // A restored ground has none, and a second faulty run begins a new one.
        fs::remove_file(&trace).ok();
        (run, text.lines().filter_map(Step::parse).collect())
    }

    /// Runs the command and does something else at the step with that number, before it is taken.
    pub(crate) fn meanwhile(&self, args: &[&str], step: usize, something: impl FnOnce()) -> Output {
        let mut something = Some(something);
        let mut once = || something.take().into_iter().for_each(|something| something());
        self.paused(args, &format!("pause@{step}"), &mut [(step, &mut once)])
    }

    /// Runs the command, which pauses as `fault` says, and does something else at each pause: when so many steps were
    /// announced since the one before.
    pub(crate) fn paused(
        &self,
        args: &[&str],
        fault: &str,
        pauses: &mut [(usize, &mut dyn FnMut())],
    ) -> Output {
        let trace = self.directory.join("trace");
        let run = self.venvkeep(args).env("VENVKEEP_FAULT_TRACE", &trace).env("VENVKEEP_FAULT", fault);
        std::thread::scope(|scope| {
            let run = scope.spawn(|| run.run());
            let passed = || fs::read_to_string(&trace).unwrap_or_default().lines().count();
            for (steps, something) in pauses {
                while passed() < *steps && !run.is_finished() {
                    std::thread::sleep(Duration::from_millis(10));
                }
                something();
                fs::remove_file(&trace).expect("the step was reached");
            }
            run.join().expect("the run is waited for")
        })
    }

    /// Starts the command and kills it after a while; whether it was still at work.
    pub(crate) fn killed_after(&self, args: &[&str], fault: &str, time: Duration) -> bool {
        let mut run = self.venvkeep(args).env("VENVKEEP_FAULT", fault).spawn();
        std::thread::sleep(time);
        // It may have ended by itself.
        run.kill().ok();
        run.wait().expect("it ends").code().is_none()
    }

    /// What lies in the project, hidden names included.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.directory.join("proj")).expect("root may");
        entries.map(|entry| entry.expect("root may").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Whether a stage or a journal lies in the project.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.names().iter().any(|name| UNSETTLED.iter().any(|part| name.contains(part)))
    }

    /// Whether one lies beside the environment of that name.
    pub(crate) fn is_unsettled_at(&self, environment: &str) -> bool {
        let unsettled =
            |name: &String| UNSETTLED.iter().any(|part| name.starts_with(&format!("{environment}{part}")));
        self.names().iter().any(unsettled)
    }

    /// The trees in the project that are environments, by their names.
    pub(crate) fn trees(&self) -> Vec<(String, Fingerprint)> {
        let directories = self.names().into_iter().map(|name| (self.prefix().with_file_name(&name), name));
        let directories = directories.filter(|(path, _)| path.is_dir());
        directories.map(|(path, name)| (name, fingerprint(path))).collect()
    }

    /// The live tree, if there is one.
    pub(crate) fn live(&self) -> Option<Fingerprint> {
        self.prefix().is_dir().then(|| fingerprint(self.prefix()))
    }
}

impl Step {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (number, rest) = line.split_once(' ')?;
        let (what, path) = rest.split_once(' ')?;
        Some(Self { number: number.parse().ok()?, what: what.to_owned(), path: path.into() })
    }

    /// Steps of one kind do the same to the same sort of place.
    pub(crate) fn kind(&self) -> String {
        let text = self.path.to_string_lossy();
        let place = [
            ("-journal", "the journal"),
            ("-stage-", "a stage"),
            ("-old-", "a kept tree"),
            ("/home/", "the home"),
            (".venv", "the environment"),
        ];
        let place = place.iter().find(|(mark, _)| text.contains(mark)).map_or("elsewhere", |(_, name)| name);
        let top =
            if self.path.parent().is_some_and(|parent| parent.ends_with("proj")) { " itself" } else { "" };
        format!("{} {place}{top}", self.what)
    }
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().expect("cp starts");
    assert!(status.success(), "cannot copy {}", from.display());
}
