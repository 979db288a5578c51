//! Environments that the real virtualenvwrapper and pew made, taken in; and ours where they look for theirs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use venvkeep_testkit::{Context, Invocation, Output, Who};

use super::VENVKEEP;

/// The tools from PyPI, in an environment of their own.
struct Tools<'c> {
    ctx: &'c Context,
    bin: PathBuf,
    work: PathBuf,
}

impl<'c> Tools<'c> {
    fn install(ctx: &'c Context) -> Self {
        let place = ctx.project("tools").path().join("env");
        ctx.program(Who::User, "/usr/bin/python3").args(["-m", "venv"]).arg(&place).run().success();
        let pip = ctx.program(Who::User, place.join("bin/python"));
        // pew still imports pkg_resources.
        let pip = pip.args(["-m", "pip", "install", "--quiet", "virtualenvwrapper", "pew", "setuptools<81"]);
        pip.index_of_the_machine().time_limit(Duration::from_secs(600)).run().success();
        let work = ctx.home(Who::User).join(".virtualenvs");
        ctx.program(Who::User, "mkdir").arg(&work).run().success();
        Self { ctx, bin: place.join("bin"), work }
    }

    fn with(&self, invocation: Invocation) -> Invocation {
        let variables = invocation.env("WORKON_HOME", &self.work).env("SHELL", "/bin/bash");
        let python = variables.env("VIRTUALENVWRAPPER_PYTHON", self.bin.join("python"));
        python.path_first(&self.bin).time_limit(Duration::from_secs(120))
    }

    fn wrapper(&self, typed: &str) -> Output {
        let line = format!("source {}/virtualenvwrapper.sh; {typed}", self.bin.display());
        self.with(self.ctx.program(Who::User, "bash").args(["-c", &line])).run().success()
    }

    fn pew(&self, args: &[&str]) -> Output {
        self.with(self.ctx.program(Who::User, self.bin.join("pew")).args(args)).run().success()
    }
}

#[test]
fn what_virtualenvwrapper_and_pew_made_is_taken_in_and_they_find_ours() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let tools = Tools::install(&ctx);
    tools.wrapper("mkvirtualenv wrapped");
    tools.pew(&["new", "-d", "pewed"]);
    // Without the variable they are found where these tools have them by default.
    let list = ctx.venvkeep(["list", "--import"]).run().success();
    list.stderr_has("Taken in as wrapped").stderr_has("Taken in as pewed").stdout_has("virtualenvs/pewed");
    let prefix = |name: &str| format!("{}\n", tools.work.join(name).display());
    let shown = "import sys; print(sys.prefix)";
    for name in ["wrapped", "pewed"] {
        ctx.venvkeep(["check", name]).run().success();
        ctx.venvkeep(["run", name, "--", "python", "-c", shown]).run().success().stdout_is(&prefix(name));
    }
    let copy = ctx.home(Who::User).join("copy");
    ctx.venvkeep(["clone", "wrapped", copy.to_str().expect("text")]).run().success();
    ctx.program(Who::User, copy.join("bin/pip")).arg("--version").run().success().stdout_has(text(&copy));

    let new = ctx.venvkeep(["new", "--central", "--seed", "none", "ours"]).env("WORKON_HOME", &tools.work);
    new.run().success();
    tools.wrapper("workon ours; python -c 'import sys; print(sys.prefix)'").stdout_is(&prefix("ours"));
    tools.wrapper("lsvirtualenv -b").stdout_has("ours");
    tools.pew(&["in", "ours", "python", "-c", shown]).stdout_is(&prefix("ours"));
    // What is set aside is none of virtualenvwrapper's; pew takes hidden directories for environments, too.
    ctx.venvkeep(["remove", "ours"]).run().success();
    tools.wrapper("lsvirtualenv -b").stdout_lacks("ours").stdout_has("wrapped");
    ctx.venvkeep(["prune", "ours"]).run().success();
    tools.pew(&["ls"]).stdout_lacks("ours").stdout_has("wrapped");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the kit's paths are text")
}
