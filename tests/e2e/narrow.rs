//! What a narrow terminal shows: prose ends where the terminal does, and a long value goes on below its beginning.

use venvkeep_testkit::{Context, Maker, Who};

use crate::VENVKEEP;
use crate::scan::without_escapes;

#[test]
fn lines_end_where_the_terminal_does() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    // The longest lines that the command printed on a terminal of so many columns, without what is one word.
    let shown = |columns: usize, command: &str| -> Vec<String> {
        let script = "stty rows 40 cols \"$1\" && shift && exec \"$@\"";
        let shell = ctx.program(Who::User, "sh").args(["-c", script, "sh", &columns.to_string()]);
        let run =
            shell.arg(ctx.venvkeep([""; 0]).program()).args(["--color", "never", command]).arg(env.path());
        let output = run.run_typing(&[]);
        let lines: Vec<String> =
            output.stdout.split(['\r', '\n']).map(without_escapes).filter(|line| !line.is_empty()).collect();
        let of_words = lines.iter().filter(|line| !line.contains("/venvkeep-test-"));
        assert!(of_words.clone().all(|line| line.chars().count() <= columns), "{columns}: {output}");
        lines
    };
    let narrow = shown(60, "check");
    assert!(narrow.iter().any(|line| line.starts_with("    ") && line.chars().count() > 45), "{narrow:?}");
    // Never wider than can be read, however wide the terminal.
    let wide = shown(200, "check");
    assert!(wide.iter().all(|line| line.chars().count() <= 100), "{wide:?}");
    let healed = shown(60, "heal");
    let was = healed.iter().position(|line| line.starts_with("  was ")).expect("the report");
    assert!(healed[was + 1].starts_with(&" ".repeat(14)), "{healed:?}");
    // A command stays on one line, so that it can be copied.
    let undo = format!("venvkeep undo {}", env.str());
    assert!(healed.iter().any(|line| line.ends_with(&undo)), "{healed:?}");
}
