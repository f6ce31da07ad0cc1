//! `logscrub completions` and `logscrub man`: generated from the command's definition.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

const INFALLIBLE: &str = "writing to a vector cannot fail";

/// The completions of a shell.
pub(super) fn completions(shell: Shell, mut command: Command) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "logscrub", &mut text);
    text
}

/// The manual page: the program, then each verb in a section of its own.
pub(super) fn page(command: Command) -> Vec<u8> {
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render_title(&mut text).expect(INFALLIBLE);
    page.render_name_section(&mut text).expect(INFALLIBLE);
    page.render_synopsis_section(&mut text).expect(INFALLIBLE);
    page.render_description_section(&mut text).expect(INFALLIBLE);
    page.render_options_section(&mut text).expect(INFALLIBLE);
    verbs(&command, "logscrub", &mut text);
    page.render_extra_section(&mut text).expect(INFALLIBLE);
    text
}

/// The verbs that do something, with their own flags. The flags of the program apply to them too
/// and are not repeated.
fn verbs(command: &Command, path: &str, text: &mut Vec<u8>) {
    for verb in command.get_subcommands() {
        let path = format!("{path} {}", verb.get_name());
        if verb.has_subcommands() {
            verbs(verb, &path, text);
            continue;
        }
        text.extend_from_slice(format!(".SH {}\n", path.to_uppercase()).as_bytes());
        let page = Man::new(verb.clone().bin_name(&path).disable_help_flag(true));
        let mut sections = Vec::new();
        page.render_synopsis_section(&mut sections).expect(INFALLIBLE);
        page.render_description_section(&mut sections).expect(INFALLIBLE);
        if verb.get_arguments().next().is_some() {
            page.render_options_section(&mut sections).expect(INFALLIBLE);
        }
        page.render_extra_section(&mut sections).expect(INFALLIBLE);
        let sections = String::from_utf8(sections).expect("help is text");
        text.extend_from_slice(sections.replace(".SH ", ".SS ").as_bytes());
    }
}
