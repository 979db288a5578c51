//! The `venvkeep` command: arguments as typed ([`args`]), what they mean here ([`request`]), one module per command
//! ([`commands`]), and what is shown ([`render`]). All the work is done by `venvkeep-core`.

mod args;
mod commands;
mod elsewhere;
mod exit;
mod failure;
mod help;
mod hints;
mod mistakes;
mod render;
mod request;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use args::{Arguments, ColorWhen, Command, OutputArguments};
use exit::Exit;
use failure::Failure;
use render::Screen;
use request::Session;
use venvkeep_core::heal::Original;

fn main() -> ExitCode {
    say_bugs_plainly();
    let arguments =
        match help::definition().try_get_matches().and_then(|found| Arguments::from_arg_matches(&found)) {
            Ok(arguments) => arguments,
            Err(help_or_error) => return show_clap(&help_or_error),
        };
    let screen = Screen::new(&arguments.output);
    let exit = run(&arguments, &screen).unwrap_or_else(|failure| {
        screen.failure(&failure, arguments.command.name());
        failure.exit
    });
    exit.into()
}

fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::begin(arguments.command.name(), screen)?;
    if !arguments.command.has_own_word_on_settings() {
        session.note_settings();
    }
    match &arguments.command {
        Command::New(wish) => commands::new::run(wish, &session),
        Command::Check(wish) => commands::check::run(wish, &session),
        Command::Freeze(wish) => commands::freeze::run(wish, &session),
        Command::Heal(wish) => commands::heal::run(wish, &session),
        Command::Scan(wish) => commands::scan::run(wish, &session),
        Command::Undo(wish) => commands::undo::run(wish, &session),
        Command::Prune(wish) => commands::prune::run(wish, &session),
        Command::List(wish) => commands::list::run(wish, &session),
        Command::Run(wish) => Err(commands::run::run(wish, &session)),
        Command::Clone(wish) => commands::copy::run(wish, Original::Stays, &session),
        Command::Move(wish) => commands::copy::run(wish, Original::SetAside, &session),
        Command::Rename(wish) => commands::rename::run(wish, &session),
        Command::Remove(wish) => commands::remove::run(wish, &session),
        Command::Doctor(wish) => commands::doctor::run(wish, &session),
        Command::Pythons => commands::pythons::run(&session),
        Command::Shims(wish) => commands::shims::run(wish, &session),
        Command::Default(wish) => commands::default::run(wish, &session),
        Command::Completions(wish) => commands::completions::print(wish, &session),
        Command::Complete(wish) => commands::completions::complete(wish, &session),
        Command::Trust(wish) => commands::trust::run(wish, &session),
        Command::Untrust(wish) => commands::trust::take_back(wish, &session),
        Command::Activate(wish) => commands::activate::run(wish, &session),
        Command::Deactivate => Err(commands::activate::needs_shims("deactivate", &session)),
        Command::Man(wish) => commands::man::run(wish),
        Command::Notice(wish) => Ok(commands::activate::notice(wish, &session)),
    }
}

/// Help and version go to stdout with code 0, mistakes in the arguments to stderr with code 2.
fn show_clap(message: &clap::Error) -> ExitCode {
    if !message.use_stderr() || message.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nowhere to say it when even this cannot be written.
        let _ = message.print();
        return if message.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
    }
    let typed: Vec<_> = std::env::args_os().collect();
    let json = typed.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let output = OutputArguments { quiet: false, verbose: false, json, color: ColorWhen::Auto };
    Screen::new(&output).failure(&mistakes::explain(message, &typed), "");
    Exit::Usage.into()
}

/// A bug of ours is said in words; a backtrace helps no user.
fn say_bugs_plainly() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        render::to_stderr(&format!(
            "venvkeep: this is a bug in venvkeep, not your mistake ({place}).\n\
             The environment is as it was, or an interrupted heal that the next `venvkeep heal` settles.\n\
             Please report it together with the command you typed.\n"
        ));
    }));
}
