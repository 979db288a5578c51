//! What a heal does to the machine, as the kernel saw it.

use std::path::Path;

use venvkeep_testkit::{Context, Maker, Need, Who, require, tools};

use crate::VENVKEEP;
use crate::support::{INSTALLERS, names_in};

/// Calls that start a program, open for writing or change a directory.
const WATCHED: &str = "trace=execve,open,openat,openat2,creat,mkdir,mkdirat,unlink,unlinkat,rmdir,rename,renameat,\
                       renameat2,link,linkat,symlink,symlinkat,chmod,fchmodat,truncate";

/// Nothing of the old environment is started, and until the trees change places nothing is written but the stage, the
/// journal and what is kept for the user.
#[test]
fn nothing_is_started_from_the_old_environment_and_nothing_written_outside_the_stage() {
    if !require(&[Need::Program("strace"), Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let [pip, uv] = INSTALLERS;
    for (from, (installer, with_installer)) in [("env", pip), ("index", pip), ("index", uv)] {
        let project = ctx.project(&format!("{installer}-{from}"));
        let env = project.venv_by_root(Maker::Venv).packages(["with-scripts", "pure-one"]).build();
        let trace = ctx.home(Who::User).join(format!("trace-{installer}-{from}"));
        let strace = ctx.program(Who::User, tools::system_program("strace").expect("it is required"));
        let strace =
            strace.args(["--follow-forks", "--decode-fds=path", "--string-limit=4096", "-e", WATCHED, "-o"]);
        let heal = project.venvkeep(["heal", "--from", from]);
        let heal = strace.arg(&trace).args(heal.words()).current_dir(project.path());
        with_installer(heal.wheels_only(ctx.wheels())).run().success();
        let text = std::fs::read_to_string(&trace).expect("strace wrote it");
        assert_only_the_stage(&text, env.path(), &ctx.home(Who::User));
        assert_eq!(names_in(project.path()).len(), 2);
    }
}

fn assert_only_the_stage(trace: &str, prefix: &Path, home: &Path) {
    let (prefix, home) = (prefix.display().to_string(), home.display().to_string());
    let inside = format!("{prefix}/");
    let may_write = [
        format!("{prefix}.venvkeep-stage-"),
        format!("{prefix}.venvkeep-journal"),
        format!("{home}/.local/state/venvkeep"),
        format!("{home}/.cache/"),
        "/dev/null".to_owned(),
        "/tmp/".to_owned(),
    ];
    let (mut started, mut written, mut exchanged) = (0, 0, false);
    for line in trace.lines() {
        let done = !line.contains(" = -1 ") && !line.contains("resumed>");
        exchanged |= done && line.contains("RENAME_EXCHANGE");
        if line.contains("execve(") && done {
            started += 1;
            let program = line.split('"').nth(1).unwrap_or_default();
            assert!(exchanged || !program.starts_with(&inside), "started from the old environment: {line}");
        }
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag))
            || ["mkdir", "unlink", "rmdir", "rename", "link", "chmod", "truncate"]
                .iter()
                .any(|call| line.split('(').next().is_some_and(|name| name.contains(call)));
        if !writes || !done || exchanged {
            continue;
        }
        written += 1;
        // The home is below /tmp in the tests: what lies in it has to be one of the places above by its whole path.
        let places: Vec<_> = places(line).into_iter().filter(|place| place.starts_with(&home)).collect();
        for place in places {
            let allowed = may_write[..4].iter().any(|start| place.starts_with(start.as_str()));
            let is_way = may_write[2..4].iter().any(|start| start.starts_with(place.as_str()));
            assert!(allowed || is_way, "written outside the stage: {place}: {line}");
        }
        assert!(places_elsewhere(line, &home, &may_write[4..]), "written elsewhere: {line}");
    }
    assert!(exchanged && started > 1 && written > 20, "the trace shows the heal: {started}, {written}");
}

/// The absolute paths that a call names: with the open directory's before a relative one.
fn places(line: &str) -> Vec<String> {
    let directory = line.split('<').nth(1).and_then(|rest| rest.split('>').next()).unwrap_or_default();
    let arguments = line.split(" = ").next().unwrap_or_default();
    // A link's text is no place that is written.
    let texts = arguments.split('"').skip(1).step_by(2).skip(usize::from(line.contains("symlink")));
    texts
        .map(|text| if text.starts_with('/') { text.to_owned() } else { format!("{directory}/{text}") })
        .collect()
}

/// Whether all that a call names outside of the home is temporary or the null device.
fn places_elsewhere(line: &str, home: &str, may: &[String]) -> bool {
    places(line)
        .iter()
        .filter(|place| !place.starts_with(home))
        .all(|place| may.iter().any(|start| place.starts_with(start.as_str())))
}
