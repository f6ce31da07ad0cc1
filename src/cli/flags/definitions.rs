//! The declarations, in the order of `config show` and of the table of `docs/CONFIG.md`.

use super::{
    BuiltIn::{EmptyList, Number, Switch, Text},
    Effect, Flag, Sources, Verbs,
    kind::Kind,
};
use crate::{
    cli::settings::{Color, Summary},
    frame::Format,
    policy::OnError,
};

/// Every flag. Help shows the headings in the order of their first flag.
pub(crate) const FLAGS: &[Flag] = &[
    CONFIG,
    RULES,
    ONLY,
    EXCEPT,
    ALSO,
    ALLOW,
    OWN_DOMAIN,
    STYLE,
    PLACEHOLDER,
    FORMAT,
    HOLD,
    VERIFY,
    MAX_RECORD,
    ON_ERROR,
    DRY_RUN,
    THREADS,
    OUTPUT,
    SUMMARY,
    FAIL_ON_FINDINGS,
    GRACE,
    IDLE_TIMEOUT,
    COLOR,
    QUIET,
    VERBOSE,
    VERSION,
];

const RULES_HEADING: &str = "Rules and configuration";
const REPLACEMENT: &str = "Replacement";
const INPUT: &str = "Input";
const OUTPUT_HEADING: &str = "Output";
const REPORT: &str = "Report";

/// The names of the formats, in the order of the table of formats.
const FORMATS: [&str; Format::ALL.len()] = {
    let mut names = [""; Format::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Format::ALL[at].name();
        at += 1;
    }
    names
};

const CONFIG: Flag = Flag {
    name: "config",
    short: Some('c'),
    value_name: "FILE|none",
    sources: Sources::FlagOnly { reason: "it names the configuration file" },
    heading: RULES_HEADING,
    help: "Read this configuration file instead of your own; none skips your own\n\n\
           Your own is $XDG_CONFIG_HOME/logscrub/config.toml. /etc/logscrub/config.toml is read \
           first in any case. Nothing is ever read from the working directory.",
    ..Flag::BASE
};

const RULES: Flag = Flag {
    name: "rules",
    short: Some('r'),
    value_name: "FILE|DIR",
    kind: Kind::Paths(|settings, paths| settings.selection.rules = paths),
    built_in: EmptyList,
    heading: RULES_HEADING,
    help: "Add the rules of a file, or of every *.toml file in a folder\n\n\
           They are used in addition to the built-in rules. May be repeated. docs/RULES.md \
           describes the format; `logscrub rules lint` checks a file.",
    ..Flag::BASE
};

const ONLY: Flag = Flag {
    name: "only",
    value_name: "RULE",
    kind: Kind::List(|settings, rules| settings.selection.only = rules),
    built_in: EmptyList,
    heading: RULES_HEADING,
    help: "Use only these rules\n\n\
           RULE is a rule id, a class (email, credential, credential-url, personal) or a glob over \
           ids such as 'github-*'. Separate several with commas, or repeat the flag.",
    ..Flag::BASE
};

const EXCEPT: Flag = Flag {
    name: "except",
    value_name: "RULE",
    kind: Kind::List(|settings, rules| settings.selection.except = rules),
    built_in: EmptyList,
    heading: RULES_HEADING,
    help: "Do not use these rules\n\n\
           Rule ids, classes or globs over ids. Separate several with commas, or repeat the flag.",
    ..Flag::BASE
};

const ALSO: Flag = Flag {
    name: "also",
    value_name: "RULE",
    kind: Kind::List(|settings, rules| settings.selection.also = rules),
    built_in: EmptyList,
    heading: RULES_HEADING,
    help: "Use these rules too, although they are off by default\n\n\
           The rules of the class personal are off by default: --also personal turns them on.",
    ..Flag::BASE
};

const ALLOW: Flag = Flag {
    name: "allow",
    kind: Kind::Allowances,
    built_in: EmptyList,
    sources: Sources::FileOnly,
    help: "Values and fields that are not secrets",
    ..Flag::BASE
};

const OWN_DOMAIN: Flag = Flag {
    name: "own-domain",
    value_name: "DOMAIN",
    kind: Kind::List(|settings, domains| settings.own_domains = domains),
    built_in: EmptyList,
    heading: RULES_HEADING,
    help: "Keep email addresses at this domain and its subdomains\n\n\
           Separate several with commas, or repeat the flag. The summary counts the addresses that \
           were kept. Other exceptions are configured under `allow` in the configuration file.",
    ..Flag::BASE
};

const STYLE: Flag = Flag {
    name: "style",
    value_name: "[CLASS|RULE=]STYLE",
    kind: Kind::Styles,
    built_in: Text("label"),
    heading: REPLACEMENT,
    help: "How to replace: label, mask, partial, keep-domain or fixed\n\n\
           label: REDACTED- and the rule id. mask: one * per character. partial: as mask, but \
           keeps up to four characters at the end, and never more than a quarter. keep-domain: \
           replaces the part of an email address before the @; other findings as label. fixed: the \
           text of --placeholder. CLASS=STYLE or RULE=STYLE sets the style of some rules. May be \
           repeated.",
    ..Flag::BASE
};

const PLACEHOLDER: Flag = Flag {
    name: "placeholder",
    value_name: "TEXT",
    kind: Kind::Text(|settings, text| {
        settings.placeholder = (!text.is_empty()).then(|| text.to_owned());
    }),
    built_in: Text(""),
    heading: REPLACEMENT,
    help: "Replace every finding with this text\n\n\
           Letters, digits, '-', '.', '_' and '~' only, so that the text is safe in JSON, URLs, CSV \
           and shell alike. Findings with a --style of their own keep it.",
    ..Flag::BASE
};

const FORMAT: Flag = Flag {
    name: "format",
    short: Some('f'),
    value_name: "FORMAT",
    kind: Kind::Choice(&FORMATS, |settings, name| {
        settings.format = Format::named(name).unwrap_or(settings.format);
    }),
    built_in: Text("auto"),
    heading: INPUT,
    help: "The format of the input's records\n\n\
           auto recognises the format of each record, except csv and tsv, which must be named. \
           Records that a container runtime or journald has split are searched as one; each part \
           stays on its own line. line and logfmt: one record per line, whatever it contains.",
    ..Flag::BASE
};

const HOLD: Flag = Flag {
    name: "hold",
    value_name: "SECONDS",
    kind: Kind::Seconds(|settings, hold| settings.hold = hold),
    built_in: Number(1),
    verbs: Verbs::FilterAnd(&[]),
    heading: INPUT,
    help: "How long to wait for the rest of a split record\n\n\
           The timer runs only while the input is idle. Later records wait too, up to --max-record \
           bytes in total. When the time is over or that many bytes wait, the record is scrubbed \
           without its rest, and anything that could be the beginning of a secret is masked.",
    ..Flag::BASE
};

const VERIFY: Flag = Flag {
    name: "verify",
    kind: Kind::Toggle("no-verify", |settings, is_on| settings.verify = is_on),
    built_in: Switch(true),
    verbs: Verbs::FilterAnd(&[]),
    heading: OUTPUT_HEADING,
    help: "Read each changed record again before writing it (the default)\n\n\
           It must still be one line with the same header, JSON must parse with the same members, \
           and URLs must parse. A record that fails is masked as a whole and counted, and the exit \
           code is 3. --no-verify saves a few per cent of time when most records have findings.",
    ..Flag::BASE
};

const MAX_RECORD: Flag = Flag {
    name: "max-record",
    value_name: "SIZE",
    kind: Kind::RecordSize(|settings, size| settings.max_record = size),
    built_in: Text("1MiB"),
    verbs: Verbs::FilterAnd(&["batch"]),
    heading: INPUT,
    help: "The longest record to hold in memory, at least 256KiB\n\n\
           A longer record is scrubbed in overlapping windows of this size, so memory stays \
           bounded. Write a size as 1MiB or 1048576.",
    ..Flag::BASE
};

const ON_ERROR: Flag = Flag {
    name: "on-error",
    value_name: "ACTION",
    kind: Kind::Choice(&["mask", "drop", "stop"], |settings, action| {
        settings.on_error = match action {
            "drop" => OnError::Drop,
            "stop" => OnError::Stop,
            _ => OnError::Mask,
        };
    }),
    built_in: Text("mask"),
    verbs: Verbs::FilterAnd(&["batch"]),
    heading: OUTPUT_HEADING,
    help: "What to do with a record that cannot be examined\n\n\
           mask replaces it with REDACTED-record, drop removes it, stop ends the output before it \
           with exit code 70. No choice passes it unexamined.",
    ..Flag::BASE
};

const DRY_RUN: Flag = Flag {
    name: "dry-run",
    kind: Kind::Switch(|settings, is_on| settings.dry_run = is_on),
    sources: Sources::FlagOnly { reason: "a configuration file must not discard a log" },
    verbs: Verbs::FilterAnd(&["batch"]),
    heading: OUTPUT_HEADING,
    help: "Count findings, but write nothing\n\n\
           Add --summary human to print the counts. This is a flag only, because a configuration \
           file must not be able to discard a log.",
    ..Flag::BASE
};

const THREADS: Flag = Flag {
    name: "threads",
    short: Some('j'),
    value_name: "N",
    kind: Kind::Threads(|settings, number| settings.threads = number),
    built_in: Number(0),
    verbs: Verbs::FilterAnd(&["batch"]),
    effect: Effect::Other,
    heading: INPUT,
    help: "The number of threads\n\n\
           0 means one per core for files, and one thread when the filter reads a pipe or a \
           terminal. The output is the same with any number.",
    ..Flag::BASE
};

const OUTPUT: Flag = Flag {
    name: "output",
    value_name: "FILE",
    kind: Kind::Path(|settings, path| {
        settings.output = (!path.as_os_str().is_empty()).then_some(path);
    }),
    built_in: Text(""),
    verbs: Verbs::FilterAnd(&[]),
    effect: Effect::Other,
    heading: OUTPUT_HEADING,
    help: "Append to this file instead of writing to standard output\n\n\
           A new file is readable by its owner and group only. SIGHUP reopens it, so that logrotate \
           can move it away.",
    ..Flag::BASE
};

const SUMMARY: Flag = Flag {
    name: "summary",
    value_name: "FORM",
    kind: Kind::Choice(&["auto", "human", "json", "none"], |settings, form| {
        settings.summary = match form {
            "human" => Summary::Human,
            "json" => Summary::Json,
            "none" => Summary::None,
            _ => Summary::Auto,
        };
    }),
    built_in: Text("auto"),
    verbs: Verbs::FilterAnd(&["batch"]),
    effect: Effect::Other,
    heading: REPORT,
    help: "Print a summary at the end\n\n\
           The filter prints it on standard error; auto prints it for people if --verbose is given \
           or records were masked. batch prints JSON on standard output and text on standard error; \
           auto prints text unless --quiet is given.",
    ..Flag::BASE
};

const FAIL_ON_FINDINGS: Flag = Flag {
    name: "fail-on-findings",
    kind: Kind::Switch(|settings, is_on| settings.fail_on_findings = is_on),
    built_in: Switch(false),
    verbs: Verbs::FilterAnd(&["batch"]),
    effect: Effect::Other,
    heading: REPORT,
    help: "Exit with code 1 if something was found\n\n\
           Without it, findings do not change the exit code. Exit code 3, for input that could not \
           be examined, takes precedence.",
    ..Flag::BASE
};

const GRACE: Flag = Flag {
    name: "grace",
    value_name: "SECONDS",
    kind: Kind::Seconds(|settings, grace| settings.grace = grace),
    built_in: Number(5),
    verbs: Verbs::FilterAnd(&[]),
    effect: Effect::Other,
    heading: INPUT,
    help: "How long to go on reading after SIGTERM\n\n\
           What can be read without waiting is read, scrubbed and written before logscrub exits.",
    ..Flag::BASE
};

const IDLE_TIMEOUT: Flag = Flag {
    name: "idle-timeout",
    value_name: "SECONDS",
    kind: Kind::Seconds(|settings, limit| settings.idle_timeout = limit),
    built_in: Number(300),
    verbs: Verbs::Only("forward"),
    effect: Effect::Other,
    heading: "Connections",
    help: "Close a connection after this time without a message; 0 means never\n\n\
           A connection is idle while it waits for no acknowledgement and sends neither a complete \
           message nor 1KiB of a longer one. The sender connects again when it has something to \
           send. A handshake may take 10 seconds in any case. When --max-connections are open and \
           another one comes, the connection that has been idle longest is closed at once. Fluent \
           Bit closes idle connections after 30 seconds (net.keepalive_idle_timeout): use a longer \
           time here.",
    ..Flag::BASE
};

const COLOR: Flag = Flag {
    name: "color",
    value_name: "WHEN",
    kind: Kind::Choice(&["auto", "always", "never"], |settings, when| {
        settings.color = match when {
            "always" => Color::Always,
            "never" => Color::Never,
            _ => Color::Auto,
        };
    }),
    built_in: Text("auto"),
    effect: Effect::Other,
    heading: REPORT,
    help: "When to use colour\n\n\
           auto uses colour on a terminal, unless NO_COLOR is set or TERM is dumb. Standard output \
           and standard error are decided separately.",
    ..Flag::BASE
};

const QUIET: Flag = Flag {
    name: "quiet",
    short: Some('q'),
    kind: Kind::Count(|settings, times| settings.quiet = times),
    sources: Sources::FlagOnly { reason: "a configuration file must not hide errors" },
    effect: Effect::Other,
    heading: REPORT,
    help: "Print less; repeat to hide errors too\n\n\
           Once: no summary. Twice: no errors either. The exit code is the same.",
    ..Flag::BASE
};

const VERBOSE: Flag = Flag {
    name: "verbose",
    short: Some('v'),
    kind: Kind::Switch(|settings, is_on| settings.verbose = is_on),
    sources: Sources::FlagOnly { reason: "the key `summary` does the same" },
    effect: Effect::Other,
    heading: REPORT,
    help: "Print more: the summary at the end\n\n\
           The same as --summary human, unless --summary is given.",
    ..Flag::BASE
};

const VERSION: Flag = Flag {
    name: "version",
    short: Some('V'),
    kind: Kind::Switch(|_, _| {}),
    sources: Sources::FlagOnly { reason: "it replaces all work" },
    verbs: Verbs::FilterAnd(&[]),
    effect: Effect::Other,
    heading: REPORT,
    help: "Print the version, the number of rules and the CPU level\n\n\
           The number counts the built-in rules that are on by default; no configuration is read.",
    ..Flag::BASE
};
