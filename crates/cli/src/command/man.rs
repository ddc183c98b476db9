//! `dodge man`

use anyhow::Result;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::command;
use crate::failure::usage;

/// Runs the command.
pub(crate) fn run(wanted: Option<&str>) -> Result<()> {
    let mut page = Vec::new();
    Man::new(described(wanted)?).render(&mut page)?;
    command::print(&String::from_utf8(page)?)
}

/// The program, or one of its commands.
fn described(wanted: Option<&str>) -> Result<clap::Command> {
    let mut program = Arguments::command();
    // Else the pages do not know the options that all commands have.
    program.build();
    let Some(wanted) = wanted else { return Ok(program) };
    let mut found = program.get_subcommands().filter(|command| command.get_name() != "help");
    match found.find(|command| command.get_name() == wanted) {
        // Built with the program, it is called as it is typed.
        Some(command) => Ok(command.clone()),
        None => {
            let names: Vec<&str> =
                program.get_subcommands().map(clap::Command::get_name).filter(|it| *it != "help").collect();
            Err(usage(format!("there is no command {wanted}: expected one of {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_options() {
        let page = |wanted| {
            let mut page = Vec::new();
            Man::new(described(wanted).unwrap()).render(&mut page).unwrap();
            String::from_utf8(page).unwrap()
        };
        assert!(page(None).contains("dodge\\-enhance(1)") && page(None).starts_with(".ie"), "{}", page(None));
        let program = Arguments::command();
        for command in program.get_subcommands() {
            let name = command.get_name();
            let page = page(Some(name));
            assert!(page.contains(&format!(".TH dodge-{name} 1")), "{page}");
        }
        assert!(page(Some("enhance")).contains("\\-\\-consistent"));
        assert!(described(Some("paint")).unwrap_err().to_string().contains("expected one of train, "));
    }
}
