//! What can be typed: the filter's files and the verbs. Flags that are settings are declared in
//! [`super::flags`] and added here; flags of a verb alone are declared in the file of the verb.

use std::path::PathBuf;

use clap::{Command, CommandFactory as _, Parser, Subcommand};

#[cfg(feature = "forward")]
use super::forward::Forward;
use super::{batch::Batch, config::Config, explain::Explain, flags, rules::Rules};

const USAGE: &str = "\
logscrub [OPTIONS] [FILE]...
       logscrub [OPTIONS] COMMAND ...";

const EXAMPLES: &str = "\
Examples:
  logscrub app.log > clean.log               scrub a file
  app 2>&1 | logscrub >> app.log             scrub the output of a program
  kubectl logs -f api | logscrub --hold 0.2  wait less for split records
  logscrub --style mask --style email=partial app.log
  logscrub --format csv usage.csv            columns named like secrets are secret
  logscrub --dry-run --summary human *.log   count findings, write nothing
  logscrub explain app.log                   show what would be replaced
  logscrub batch /var/log/old -o /srv/clean  scrub folders and archives

A FILE with the name of a command is written ./batch.

Exit codes:
   0  done
   1  something was found, with --fail-on-findings
   2  usage or configuration error; nothing was read
   3  some input could not be read or examined; the rest is done
  70  a record could not be examined, with --on-error stop
  74  the output could not be written";

/// Remove email addresses, credentials and credential-bearing URLs from logs
///
/// Reads FILEs, or standard input, and writes them to standard output with every finding replaced.
/// All other bytes stay as they are. Each line is written as soon as it has been read.
///
/// SIGTERM: logscrub reads what is available, writes it and exits; a second SIGTERM ends it at
/// once. SIGHUP: it reloads rules and configuration and reopens the --output file; with nothing to
/// reload, it exits as after SIGTERM. SIGUSR1: it prints the summary so far.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "logscrub",
    disable_version_flag = true,
    disable_help_subcommand = true,
    override_usage = USAGE,
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// Files to scrub, in order; `-` or none for standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// What to do instead of filtering.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    Explain(Explain),
    Batch(Box<Batch>),
    #[cfg(feature = "forward")]
    Forward(Box<Forward>),
    /// List, show, check, measure, import and test rules
    #[command(subcommand)]
    Rules(Rules),
    /// Show and check the configuration
    #[command(subcommand)]
    Config(Config),
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page in troff format
    #[command(after_help = MAN_EXAMPLES)]
    Man,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  logscrub completions bash > /etc/bash_completion.d/logscrub
  logscrub completions zsh > ~/.zfunc/_logscrub";

const MAN_EXAMPLES: &str = "\
Examples:
  logscrub man | man -l -
  logscrub man > /usr/local/share/man/man1/logscrub.1";

/// The program with every verb and flag.
pub(super) fn command() -> Command {
    let mut command = Args::command().args(flags::arguments(None));
    for verb in ["batch", "forward"] {
        let flags = flags::arguments(Some(verb));
        if command.find_subcommand(verb).is_some() {
            command = command.mut_subcommand(verb, |command| command.args(flags));
        }
    }
    command
}

#[cfg(test)]
mod tests;
