//! What was typed. What it means is [`super::settings`]' business; nothing below sees clap.

use std::path::PathBuf;

use clap::{ArgAction, Args as Flags, Parser, Subcommand, builder::PossibleValuesParser};

use crate::{frame::Format, rules::import::Form};

/// The choices of `--color`.
pub(super) const COLORS: [&str; 3] = ["auto", "always", "never"];

/// The choices of `--on-error`.
pub(super) const ON_ERROR: [&str; 3] = ["mask", "drop", "stop"];

/// The choices of `--format`.
pub(super) const FORMATS: [&str; 10] = {
    let mut names = [""; 10];
    let mut at = 0;
    while at < names.len() {
        names[at] = Format::ALL[at].name();
        at += 1;
    }
    names
};

/// The choices of `--summary`.
pub(super) const SUMMARIES: [&str; 4] = ["auto", "human", "json", "none"];

const EXAMPLES: &str = "\
Examples:
  app 2>&1 | logscrub >> app.log                scrub what a program says
  logscrub --style mask --style email=partial   choose how findings are replaced
  kubectl logs -f api | logscrub --hold 0.2     a record that was cut waits less for its rest
  logscrub --format csv < usage.csv             the columns' names say what is secret
  logscrub --dry-run --summary human < app.log  count by rule, write nothing
  logscrub explain app.log                      show each record with a finding
  logscrub rules show jwt                       tell all about a rule

Exit codes: 0 done, 1 findings under --fail-on-findings, 2 usage or configuration, 3 something could not be examined,
70 internal fault under --on-error stop, 74 the output could not be written.";

const COST_EXAMPLES: &str = "\
Examples:
  logscrub rules cost app.log                       the rules in force
  logscrub -r acme.toml rules cost app.log          and rules of your own, before they ship
  logscrub --only 'acme-*' -r acme.toml rules cost < app.log";

/// Scrubs email addresses, credentials and credential-bearing URLs from logs: standard input to
/// standard output.
///
/// Without a verb logscrub is a filter: it reads standard input and writes standard output,
/// replacing what the rules find. Each line leaves as soon as it came. SIGTERM drains what can be
/// read and ends well, a second one quits at once; a reader that closes ends it by SIGPIPE. SIGHUP
/// reads rules and configuration anew and reopens the file of --output; with neither a file to read
/// nor one to reopen it drains. SIGUSR1 prints the summary so far.
#[derive(Clone, Debug, Parser)]
#[command(name = "logscrub", disable_version_flag = true, disable_help_subcommand = true, after_help = EXAMPLES, max_term_width = 120)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    // Help shows the headings in this order: what most people look for comes first.
    #[command(flatten)]
    pub(super) filter: Filter,
    #[command(flatten)]
    pub(super) common: Common,
    /// Print version, number of rules and CPU level
    ///
    /// The rules counted are the embedded ones that are on by default; no configuration is read.
    #[arg(short = 'V', long, help_heading = "Other")]
    pub(super) version: bool,
}

/// Flags that every verb takes.
#[derive(Clone, Debug, Default, Flags)]
pub(super) struct Common {
    /// Read this configuration file; `none` reads none of the user's
    ///
    /// Instead of $XDG_CONFIG_HOME/logscrub/config.toml. /etc/logscrub/config.toml is read in any
    /// case, below it. Nothing is ever read from the working directory.
    #[arg(
        short,
        long,
        value_name = "FILE|none",
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) config: Option<PathBuf>,
    /// Add the rules of a file, or of every *.toml in a folder
    ///
    /// They come beside the embedded ones. May be given several times. docs/RULES.md has the
    /// format, `rules lint` checks it.
    #[arg(
        short,
        long,
        value_name = "FILE|DIR",
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) rules: Vec<PathBuf>,
    /// Use nothing but these rules
    ///
    /// Ids, classes (email, credential, credential-url, personal) or globs over ids; separated by
    /// commas, or several times.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) only: Vec<String>,
    /// Leave these rules out
    ///
    /// Ids, classes or globs over ids; separated by commas, or several times.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) except: Vec<String>,
    /// Use these rules too, though they are off by default
    ///
    /// The class `personal` is off by default: --also personal.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) also: Vec<String>,
    /// What the records of the input are written in
    ///
    /// auto: told at each record's start; csv and tsv are not, since any line could be a row.
    /// Records that a container runtime or journald has cut into parts are searched as one, and
    /// each part stays where it is. line and logfmt: a record a line, whatever stands in it.
    /// [default: auto]
    #[arg(short, long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(FORMATS), global = true, help_heading = "Rules and settings")]
    pub(super) format: Option<String>,
    /// Leave email addresses at this domain, and below it, alone
    ///
    /// Separated by commas, or several times. The summary counts what stays. Other exceptions stand
    /// in the configuration file, under `allow`.
    #[arg(
        long,
        value_name = "DOMAIN",
        value_delimiter = ',',
        global = true,
        help_heading = "Rules and settings"
    )]
    pub(super) own_domain: Vec<String>,
    /// How findings are replaced: label, mask, partial, keep-domain or fixed; CLASS=STYLE or
    /// RULE=STYLE for some
    ///
    /// label: REDACTED- and the rule's id. mask: as many * as there were characters. partial: as
    /// mask, but for at most the last four characters and never more than a quarter. keep-domain:
    /// of an email address its part before the @ alone, as label; the same as label for everything
    /// else. fixed: the text of --placeholder. May be given several times.
    #[arg(long, value_name = "[CLASS|RULE=]STYLE", global = true, help_heading = "Replacement")]
    pub(super) style: Vec<String>,
    /// The text that stands in place of every finding
    ///
    /// Letters, digits, '-', '.', '_' and '~' only, so that it is safe in JSON, URLs, CSV and shell
    /// alike.
    #[arg(long, value_name = "TEXT", global = true, help_heading = "Replacement")]
    pub(super) placeholder: Option<String>,
    /// When to use colour
    ///
    /// auto: on a terminal, unless NO_COLOR is set or TERM is dumb. Standard output and error are
    /// judged apart.
    #[arg(long, value_name = "WHEN", value_parser = PossibleValuesParser::new(COLORS), global = true, help_heading = "Other")]
    pub(super) color: Option<String>,
    /// Say less: no summary; twice: no errors either
    ///
    /// The exit code tells what happened all the same.
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Other")]
    pub(super) quiet: u8,
    /// Say more: the summary at the end
    ///
    /// The same as --summary human, unless --summary says otherwise.
    #[arg(short, long, global = true, help_heading = "Other")]
    pub(super) verbose: bool,
}

/// Flags of the filter.
#[derive(Clone, Debug, Default, Flags)]
pub(super) struct Filter {
    /// Only count: write nothing to the output
    ///
    /// A flag only, never a setting: a configuration file must not be able to swallow a log.
    #[arg(long, help_heading = "Filter")]
    pub(super) dry_run: bool,
    /// Longest record that is held whole, as 1MiB or 1048576; at least 256KiB
    ///
    /// A longer one is worked through in overlapping windows of this size, in bounded memory.
    /// [default: 1MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Filter")]
    pub(super) max_record: Option<String>,
    /// How many seconds a record that was cut waits for its rest
    ///
    /// Counted while nothing else comes either; the records behind it wait with it, at most
    /// --max-record bytes together. Then it is scrubbed as it is, with what could be the beginning
    /// of a secret masked. [default: 1]
    #[arg(long, value_name = "SECONDS", help_heading = "Filter")]
    pub(super) hold: Option<f64>,
    /// Re-read each record that changed before it is written; the default
    ///
    /// It must be one line still, with the same head; JSON must parse with the same members, URLs
    /// must parse. What fails is masked as a whole and counted, with exit code 3. Records over
    /// --max-record are not re-read.
    #[arg(long, overrides_with = "no_verify", help_heading = "Filter")]
    pub(super) verify: bool,
    /// Do not re-read what changed
    ///
    /// Saves a few per cent where most records hold findings.
    #[arg(long, help_heading = "Filter")]
    pub(super) no_verify: bool,
    /// What becomes of a record that cannot be examined
    ///
    /// mask: it becomes REDACTED-record. drop: it is left out. stop: the stream ends before it,
    /// with exit code 70. There is no way to pass it. [default: mask]
    #[arg(long, value_name = "ACTION", value_parser = PossibleValuesParser::new(ON_ERROR), help_heading = "Filter")]
    pub(super) on_error: Option<String>,
    /// How many threads scrub; 0 chooses
    ///
    /// 0: one where standard input is a pipe or a terminal, as many as there are cores where it is
    /// a regular file. The output is the same with any number. [default: 0]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Filter")]
    pub(super) threads: Option<u32>,
    /// Append to this file instead of writing to standard output
    ///
    /// It is made when it is not there, readable by its owner and group only. SIGHUP opens it anew,
    /// so that it can be moved away.
    #[arg(long, value_name = "FILE", help_heading = "Filter")]
    pub(super) output: Option<PathBuf>,
    /// The form of the summary at the end, on standard error
    ///
    /// auto: for people, when --verbose is given or records were withheld. [default: auto]
    #[arg(long, value_name = "FORM", value_parser = PossibleValuesParser::new(SUMMARIES), help_heading = "Filter")]
    pub(super) summary: Option<String>,
    /// End with exit code 1 when something was found
    ///
    /// Without it findings do not change the exit code. Records that could not be examined go
    /// before: exit code 3.
    #[arg(long, help_heading = "Filter")]
    pub(super) fail_on_findings: bool,
    /// How many seconds reading may go on after SIGTERM
    ///
    /// What can be read at once is read, scrubbed and written first. [default: 5]
    #[arg(long, value_name = "SECONDS", help_heading = "Filter")]
    pub(super) grace: Option<f64>,
}

/// What to do instead of filtering.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Show each record with a finding, before and after, with the rule under it
    ///
    /// The secrets are masked unless --show-secrets is typed on a terminal.
    Explain {
        /// Files to read; `-` or none for standard input
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// One JSON object a finding, never the value
        ///
        /// Its members: file, record (counted from 1), offset and length (bytes within the record),
        /// rule, class, style.
        #[arg(long, help_heading = "Report")]
        json: bool,
        /// Tell as well what refuted each candidate that is no finding
        ///
        /// A candidate is an anchor of a rule where it stands. Of the record nothing is shown but
        /// the anchor. With --json each is an object with file, record, offset, length, anchor, by
        /// (the rule, or the recogniser that rules share) and refuted.
        #[arg(long, help_heading = "Report")]
        why: bool,
        /// Show the secrets themselves; only on a terminal
        ///
        /// Refused when standard output is a file or a pipe, and together with --json.
        #[arg(long, help_heading = "Report")]
        show_secrets: bool,
    },
    /// Scrub files, trees and archives, in the formats they came in
    ///
    /// Text, gzip, zstd, xz, bzip2, lz4, snappy, tar, zip and jar, nested, told by their content.
    /// What cannot be examined (binary data, encrypted entries, unknown formats, corrupt files) is
    /// not in the output, is listed with its reason and gives exit code 3. A manifest says what was
    /// done with each file.
    ///
    /// Metadata inside archives is scrubbed like text: entry names, link targets, owners, comments,
    /// attributes and extra fields. An entry whose name holds a finding is renamed, with a number
    /// where two would get one name, and links follow it. A binary field of unknown layout is left
    /// out (in place: kept) and listed like any other thing that cannot be examined. Names of files
    /// on the disk are not changed.
    ///
    /// Finished files are committed to the manifest every second. SIGINT and SIGTERM end the run
    /// after that, with exit code 130 or 143; a second one ends it at once. Run the same command
    /// again to go on.
    #[command(after_help = BATCH_EXAMPLES)]
    Batch(Box<Batch>),
    /// A hop for Fluent Bit, Fluentd and Docker: takes messages of the Forward protocol and passes
    /// them on scrubbed
    ///
    /// A message is acknowledged to its sender only when the next hop has acknowledged it, or when
    /// it stands synced in the spool or the output file. All modes of the protocol, gzip and zstd;
    /// keys, tags, metadata and the attributes of groups are scrubbed like values, and what is
    /// clean keeps its bytes.
    #[cfg(feature = "forward")]
    #[command(after_help = super::forward::EXAMPLES)]
    Forward(Box<super::forward::Forward>),
    /// List, show, lint, measure and test rules
    #[command(subcommand)]
    Rules(Rules),
    /// Show and check the configuration
    #[command(subcommand)]
    Config(Config),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (troff)
    Man,
}

const BATCH_EXAMPLES: &str = "\
Examples:
  logscrub batch /var/log/old -o /srv/clean           mirror a tree, in the formats it came in
  logscrub batch --in-place --backup .orig app.tar.gz rewrite one archive, keep the original beside it
  logscrub batch logs -o clean --include '*.gz' --since 2026-01-01
  logscrub batch logs --dry-run --summary json        count only
  logscrub batch --verify-manifest clean              check every digest, and that nothing is found any more

Exit codes: 0 done, 2 usage or configuration, 3 something could not be examined and is not in the output (in place: stayed
as it was), 4 --verify-manifest failed or the guard withheld an output, 74 the output could not be written, 130 SIGINT,
143 SIGTERM (run again to go on).";

/// Flags of `batch`.
#[derive(Clone, Debug, Default, Flags)]
pub(super) struct Batch {
    /// Files and folders to scrub; hidden files only with --hidden, links are never followed
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Mirror into this folder; the manifest lies there too
    ///
    /// One folder's files go there by their path below it; with several PATHs each keeps its own
    /// name in front. Files that an earlier run did under the same rules are passed over, so a run
    /// that was killed goes on where it was. DIR must not be or lie in a PATH. It may hold one, as
    /// long as no output lands among the inputs.
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    /// Replace each original, when something in it changed
    ///
    /// The new file is written without a name, made safe on the disk and renamed over the original;
    /// mode, owner, times and extended attributes are kept. What cannot be examined stays as it
    /// was, entries of archives too.
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub(super) in_place: bool,
    /// Keep each original that is replaced under its name and this suffix
    ///
    /// A backup that is there already stays: it is the older one.
    #[arg(long, value_name = "SUFFIX", requires = "in_place", help_heading = "Output")]
    pub(super) backup: Option<String>,
    /// Where the manifest of --in-place lies
    ///
    /// Files outside its folder stand in it by their whole path. [default: logscrub-manifest.jsonl
    /// in the first PATH, or beside it when it is a file]
    #[arg(long, value_name = "FILE", requires = "in_place", help_heading = "Output")]
    pub(super) manifest: Option<PathBuf>,
    /// Copy what cannot be examined as it is
    ///
    /// For those who know that nothing is in it. It is told all the same, and the exit code is 3.
    #[arg(long, help_heading = "Output")]
    pub(super) copy_unexamined: bool,
    /// Write compressed files in this format and level, as zstd:9
    ///
    /// gzip, zstd, xz, bzip2, lz4 or snappy. File names stay as they are. [default: as they came,
    /// about the same level]
    #[arg(long, value_name = "FORMAT[:LEVEL]", help_heading = "Output")]
    pub(super) recompress: Option<String>,
    /// Only count: write nothing
    ///
    /// Neither files nor a manifest.
    #[arg(long, conflicts_with_all = ["output", "in_place"], help_heading = "Output")]
    pub(super) dry_run: bool,
    /// Check a folder against its manifest: digests, and that nothing is found any more
    ///
    /// Ends with exit code 4 when a file is missing, differs, holds what the rules in force find,
    /// or is not in the manifest. Metadata of archives is looked at too. The manifest's own path
    /// may be given instead of its folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["paths", "output", "in_place", "dry_run"], help_heading = "Output")]
    pub(super) verify_manifest: Option<PathBuf>,
    /// Take only files whose path below PATH, or whose name, matches one of these globs
    ///
    /// May be given several times.
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub(super) include: Vec<String>,
    /// Leave files out that match one of these globs
    ///
    /// May be given several times; goes before --include.
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub(super) exclude: Vec<String>,
    /// Only files changed at or after this time: 2026-01-31, 2026-01-31T12:00:00Z or an age such as
    /// 7d
    ///
    /// Times are in UTC. Ages in s, m, h, d or w.
    #[arg(long, value_name = "TIME", help_heading = "Files")]
    pub(super) since: Option<String>,
    /// Only files changed before this time
    ///
    /// In the forms of --since.
    #[arg(long, value_name = "TIME", help_heading = "Files")]
    pub(super) until: Option<String>,
    /// Hidden files and folders too
    ///
    /// Those whose name begins with a dot.
    #[arg(long, help_heading = "Files")]
    pub(super) hidden: bool,
    /// Read more PATHs from this file, one a line; `-` for standard input
    ///
    /// Lines end with a line feed, or with NUL when one is in the file.
    #[arg(long, value_name = "FILE|-", help_heading = "Files")]
    pub(super) files_from: Option<PathBuf>,
    /// How deep archives may lie in archives
    ///
    /// What lies deeper cannot be examined. A compressed tar is one archive. [default: 3]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) depth: Option<u32>,
    /// How much memory all threads may take together, about
    ///
    /// Fewer threads run where it is not enough for all; at least 64MiB. [default: 512MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(super) memory: Option<String>,
    /// How large a file may become unpacked: a number of times its size, or a size with a unit
    ///
    /// May be given twice, once for each. 64MiB are always allowed by the ratio. [default: 1000 and
    /// 1024GiB]
    #[arg(long, value_name = "RATIO|SIZE", help_heading = "Limits")]
    pub(super) max_expansion: Vec<String>,
    /// Longest record that is held whole, as 1MiB or 1048576; at least 256KiB
    ///
    /// As for the filter. [default: 1MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    pub(super) max_record: Option<String>,
    /// How many threads work; 0: as many as there are cores
    ///
    /// The output is the same with any number. [default: 0]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Limits")]
    pub(super) threads: Option<u32>,
    /// What becomes of a record that cannot be examined
    ///
    /// As for the filter. [default: mask]
    #[arg(long, value_name = "ACTION", value_parser = PossibleValuesParser::new(ON_ERROR), help_heading = "Limits")]
    pub(super) on_error: Option<String>,
    /// The form of the summary at the end: human on standard error, json on standard output
    ///
    /// auto: for people, unless --quiet is given. [default: auto]
    #[arg(long, value_name = "FORM", value_parser = PossibleValuesParser::new(SUMMARIES), help_heading = "Report")]
    pub(super) summary: Option<String>,
    /// Write a report as one HTML file
    ///
    /// It needs no network, has a light and a dark face and can be printed. It holds counts, by
    /// rule, file and day, names of files and reasons, and nothing that was found.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(super) report: Option<PathBuf>,
    /// No progress, neither as a bar nor as lines
    ///
    /// Errors and the summary are told all the same.
    #[arg(long, help_heading = "Report")]
    pub(super) no_progress: bool,
    /// End with exit code 1 when something was found
    ///
    /// Files that could not be examined go before: exit code 3.
    #[arg(long, help_heading = "Report")]
    pub(super) fail_on_findings: bool,
}

impl Batch {
    /// What the filter has flags for too.
    pub(super) fn as_filter(&self) -> Filter {
        Filter {
            dry_run: self.dry_run,
            max_record: self.max_record.clone(),
            on_error: self.on_error.clone(),
            threads: self.threads,
            summary: self.summary.clone(),
            fail_on_findings: self.fail_on_findings,
            ..Filter::default()
        }
    }
}

/// What to do with rules.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Rules {
    /// The rules in force: id, class, severity, title
    List {
        /// As JSON
        ///
        /// The same as the text has, for programs.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
    /// All about one rule
    Show {
        /// The rule's id
        id: String,
        /// As JSON
        ///
        /// The same as the text has, for programs.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
    /// Check rule files, or the rules in force: anchors proved, examples to the byte, style
    Lint {
        /// Rule files or folders
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Let warnings fail too
        ///
        /// A warning says that a rule works and has a fault, such as that it is expensive. Without
        /// this flag it does not change the exit code.
        #[arg(long, help_heading = "Report")]
        strict: bool,
        /// As JSON
        ///
        /// The same as the text has, for programs.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
    /// What each rule costs on a log of yours, dearest first
    ///
    /// Scans the log as the filter does and tells for each rule its candidates (anchors that were
    /// handed to its recogniser), confirmations (how often a pattern was tried or a value judged),
    /// findings, and nanoseconds for each megabyte of log. Rules that share a recogniser share its
    /// work: candidates, confirmations and time go to the rule whose anchor it was (of several the
    /// first), findings to the rule they are named for. Rules without a candidate are counted, not
    /// listed. Nothing of the log is shown.
    #[command(after_help = COST_EXAMPLES)]
    Cost {
        /// The log; `-` or none for standard input
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// As JSON
        ///
        /// The same as the text has, for programs; with the rules that had no candidate.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
    /// Turn the rules of another scanner into a rule file, and say what could not be carried over
    Import {
        /// Whose rules: gitleaks, betterleaks, kingfisher or noseyparker
        #[arg(value_name = "FORM", value_parser = PossibleValuesParser::new(Form::NAMES))]
        form: String,
        /// Its files, or folders of them
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Write the rules to this file instead of standard output
        ///
        /// The file is written whole or not at all. What could not be carried over is said on
        /// standard error either way.
        #[arg(long, value_name = "FILE", help_heading = "Report")]
        output: Option<PathBuf>,
    },
    /// Run every rule's examples through the scanner
    Test {
        /// As JSON
        ///
        /// The same as the text has, for programs.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
}

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Config {
    /// What is in force, and where it was said
    Show {
        /// As JSON
        ///
        /// The same as the text has, for programs.
        #[arg(long, help_heading = "Report")]
        json: bool,
    },
    /// Check a configuration file
    Check {
        /// The file
        file: PathBuf,
    },
    /// The files that are read, lowest first
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound_and_every_flag_explained() {
        let command = Args::command();
        command.clone().debug_assert();
        explained(&command);
    }

    /// Every argument has a help, every flag a heading and a long help too.
    fn explained(command: &clap::Command) {
        for arg in command.get_arguments() {
            let name = format!("{} {}", command.get_name(), arg.get_id());
            assert!(arg.get_help().is_some(), "{name} has no help");
            if !arg.is_positional() {
                assert!(arg.get_help_heading().is_some(), "{name} has no heading");
                assert!(arg.get_long_help().is_some(), "{name} has no long help");
            }
        }
        command.get_subcommands().for_each(explained);
    }

    #[test]
    fn flags_are_taken_before_and_behind_a_verb() {
        let args = Args::try_parse_from([
            "logscrub",
            "--only",
            "email,jwt",
            "rules",
            "list",
            "--except",
            "a",
            "-qq",
        ]);
        let args = args.expect("it parses");
        assert_eq!(
            (args.common.only.len(), args.common.except.len(), args.common.quiet),
            (2, 1, 2)
        );
        assert!(matches!(args.verb, Some(Verb::Rules(Rules::List { json: false }))));
    }

    #[test]
    fn every_flag_of_the_filter_is_taken() {
        let typed = "logscrub -c none -r a.toml -r b --only x --except y --also z --style mask --style email=label --placeholder P \
            --color never -q -v --dry-run --max-record 1MiB --on-error drop -j 2 --output o --summary json --fail-on-findings --grace 2 \
            -f cri --hold 0.5 --verify --no-verify";
        let args = Args::try_parse_from(typed.split_ascii_whitespace()).expect("it parses");
        assert_eq!(
            (args.common.rules.len(), args.common.style.len(), args.filter.grace),
            (2, 2, Some(2.0))
        );
        assert_eq!(args.filter.threads, Some(2));
        assert!(args.filter.dry_run && args.filter.fail_on_findings && args.common.verbose);
    }

    #[test]
    fn words_that_are_no_choice_are_refused() {
        for typed in [
            "--color red",
            "--on-error pass",
            "--summary xml",
            "--format xml",
            "--hold long",
            "completions tcsh",
            "--grace soon",
            "--threads many",
            "-j -1",
        ] {
            let args = std::iter::once("logscrub").chain(typed.split_ascii_whitespace());
            assert_eq!(Args::try_parse_from(args).expect_err(typed).exit_code(), 2, "{typed}");
        }
    }

    #[test]
    fn every_flag_of_the_verbs_is_taken() {
        for typed in [
            "explain --json",
            "explain --why a",
            "explain --show-secrets a b -",
            "rules list --json",
            "rules show jwt --json",
            "rules lint a.toml --json --strict",
            "rules cost",
            "rules cost app.log --json",
            "rules test --json",
            "config show --json",
            "config check a.toml",
            "config path",
            "completions zsh",
            "man",
            "--version",
        ] {
            let args = std::iter::once("logscrub").chain(typed.split_ascii_whitespace());
            Args::try_parse_from(args).expect(typed);
        }
    }
}
