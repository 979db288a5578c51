//! One line that tells what is going on, on a terminal and nowhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use venvkeep_core::progress::{Event, Stage};

use super::Screen;
use super::size::grouped;
use venvkeep_core::model::printable::printable;

/// Of a terminal that does not tell.
const USUAL_COLUMNS: usize = 80;

/// The line, on stderr; in a pipe, on a terminal that cannot take a line back (`TERM=dumb`), with `--quiet` and with `--json` it does not exist.
pub(crate) struct Spinner {
    bar: ProgressBar,
}

impl Spinner {
    /// A line that begins with what it is about.
    pub(crate) fn new(screen: &Screen, about: &str) -> Self {
        let wanted = !screen.quiet && !screen.json;
        // Hidden by indicatif itself where stderr is no terminal.
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(shortened(about, super::columns_of_stderr().unwrap_or(USUAL_COLUMNS) / 2));
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar }
    }

    /// Shows what begins, or what the installer says.
    pub(crate) fn show(&self, event: Event<'_>) {
        match event {
            Event::Begin(stage) => self.bar.set_message(words(stage)),
            Event::Copied { bytes, of } => {
                let megabytes = |bytes: u64| bytes / 1_000_000;
                self.bar.set_message(format!("copying, {} of {} MB", megabytes(bytes), megabytes(of)));
            }
            Event::Scanned { entries } => {
                let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
                #[expect(clippy::cast_precision_loss, reason = "it is shown in thousands")]
                let thousands = entries as f64 / seconds / 1000.0;
                self.bar.set_message(format!(
                    "{} files seen, {thousands:.0} thousand a second",
                    grouped(entries)
                ));
            }
            Event::Installer(line) => self.bar.set_message(printable(line.trim())),
        }
    }

    /// Shows which of several is at work.
    pub(crate) fn count(&self, (number, of): (usize, usize), what: &str) {
        self.bar.set_message(format!("{number} of {of}: {what}"));
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The end of a long text, which is what tells places apart. indicatif makes the rest of the line fit, but not this.
fn shortened(text: &str, columns: usize) -> String {
    // No character takes more than two columns.
    let width = |character: char| if character.is_ascii() { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(width('\u{2026}'));
    let fits = |character: &char| left.checked_sub(width(*character)).inspect(|rest| left = *rest).is_some();
    let mut end: Vec<char> = text.chars().rev().take_while(fits).collect();
    end.push('\u{2026}');
    end.into_iter().rev().collect()
}

fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::Inspect => "looking at it",
        Stage::Plan => "choosing Python and sources",
        Stage::Rebuild => "building the new one beside it",
        Stage::Install => "installing",
        Stage::Verify => "checking the new one",
        Stage::Swap => "putting it in place",
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_end_of_a_long_place_is_shown() {
        assert_eq!(shortened("/p/.venv", 8), "/p/.venv");
        assert_eq!(shortened("/home/ana/p/.venv", 10), "\u{2026}/p/.venv");
        assert_eq!(shortened("/\u{e9}\u{e9}\u{e9}", 6), "\u{2026}\u{e9}\u{e9}");
        assert_eq!(shortened("/long", 0), "\u{2026}");
    }
}
