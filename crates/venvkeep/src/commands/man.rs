//! `venvkeep man`: the man pages, for those who package the program. Made from the same definition as `--help`.

#![expect(
    clippy::disallowed_methods,
    reason = "pages are written where a packager wants them, in no environment"
)]

use std::io;
use std::path::Path;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::ManArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help;
use venvkeep_core::model::printable::printable;

/// What a user may want to know behind each page.
const EXIT_STATUS: &str = "0 done, or healthy; 1 findings remain; 2 the command was not understood; 3 failed, and the \
                           environment is untouched or restored; 4 needs your attention, as the report says; 130 \
                           interrupted.";

/// The same for `run`, which becomes another program.
const EXIT_STATUS_OF_RUN: &str = "that of the command; 127 there is no such command; 126 it could not be started; 2 the \
                                  command line was not understood; 3 or 4 the environment is not one to start it in, and \
                                  nothing was started.";

/// Writes one page for each command into the directory.
pub(crate) fn run(wish: &ManArguments) -> Result<Exit, Failure> {
    let could_not = |error: io::Error| {
        Failure::new(Exit::Failed, format!("could not write the pages to {}: {error}", printable(&wish.out)))
    };
    std::fs::create_dir_all(&wish.out).map_err(could_not)?;
    let mut definition = without_help(help::definition());
    definition.build();
    write(&definition, "", &wish.out).map_err(could_not)?;
    Ok(Exit::Done)
}

/// `venvkeep help` has no page of its own, so none names one.
fn without_help(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

fn write(command: &clap::Command, above: &str, out: &Path) -> io::Result<()> {
    let is_page = |inner: &&clap::Command| !inner.is_hide_set();
    let full = format!("{above}{}", command.get_name());
    for inner in command.get_subcommands().filter(is_page) {
        write(inner, &format!("{full} "), out)?;
    }
    std::fs::write(out.join(format!("{}.1", full.replace(' ', "-"))), page(command, &full)?)
}

fn page(command: &clap::Command, full: &str) -> io::Result<Vec<u8>> {
    let name = full.replace(' ', "-");
    let man = Man::new(command.clone().display_name(name.clone()))
        .title(name.to_uppercase())
        .section("1")
        .manual("venvkeep")
        .source(concat!("venvkeep ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let has_commands = command.get_subcommands().any(|inner| !inner.is_hide_set());
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    let words = full.strip_prefix("venvkeep ").unwrap_or_default();
    if let Some(examples) = help::examples(words) {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []).to_writer(&mut text)?;
    }
    let mut end = Roff::new();
    let status = if words == "run" { EXIT_STATUS_OF_RUN } else { EXIT_STATUS };
    end.control("SH", ["EXIT STATUS"]).text([roman(status)]);
    if !words.is_empty() {
        end.control("SH", ["SEE ALSO"]).text([roman("venvkeep(1)")]);
    }
    end.to_writer(&mut text)?;
    Ok(text)
}
