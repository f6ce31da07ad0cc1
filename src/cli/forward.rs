//! `logscrub forward`: the flags of the hop, and what they mean.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args as Flags, builder::PossibleValuesParser};

use super::{
    args::Args,
    filter::UNEXAMINED,
    host::scrubber,
    mask::masked,
    settings::{self, Environment, Settings, parse_size},
};
use crate::{
    error::Error,
    forward::{self, Address, ClientAuth, Options, ServerAuth, Target, TlsFiles},
    sink,
};

/// The choices of `--log-format`.
const FORMATS: [&str; 2] = ["text", "json"];

/// A spool with less room could not hold a segment beside the one that is written.
const LEAST_SPOOL: u64 = 64 << 20;

pub(super) const EXAMPLES: &str = "\
Examples:
  logscrub forward --listen tcp://127.0.0.1:24224 --to tcp://logs.example:24224
                                     between Fluent Bit (Require_ack_response true) and the next hop
  logscrub forward --listen unix:///var/run/fluent.sock --to tcp://a:24224 --to tcp://b:24224 --spool /var/spool/logscrub
                                     for Docker's fluentd driver, with two next hops and a spool
  logscrub forward --listen tls://0.0.0.0:24284 --tls-cert c.pem --tls-key k.pem --shared-key-file key --to stdout
                                     takes TLS and a shared key, writes lines of JSON
  logscrub --also personal forward --listen tcp://127.0.0.1:24224 --to file:///var/log/clean.jsonl --admin 127.0.0.1:9464

SIGTERM drains: nothing new is taken, and what is on its way has --grace (of the filter) to be acknowledged. SIGHUP reads configuration
and rules anew and opens the file of --to anew; when they are wrong, the old ones stay.

A message that is no message of the protocol, or cannot be decompressed, is withheld: it goes nowhere, is counted, said, and acknowledged, so that
it does not come again. Bytes that are no msgpack close the connection. With --on-error stop (of the filter) such a message ends the hop.

Exit: 0 when it was told to end and all that came could be examined; 3 when something was withheld or masked because it could not be, the rest is
done; 70 under --on-error stop; 74 when messages were not acknowledged within --grace, or the output failed.";

/// Flags of the hop.
#[derive(Clone, Debug, Flags)]
pub(super) struct Forward {
    /// Take messages here: tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH; several times for
    /// several
    ///
    /// Whoever can connect can send, unless --shared-key-file or --tls-client-ca asks for more. A
    /// Unix socket can be used by whoever may enter its folder.
    #[arg(long, value_name = "URL", required = true, help_heading = "Forward")]
    listen: Vec<String>,
    /// Pass them on here: as --listen, or stdout, or file:///PATH
    ///
    /// Several next hops take turns, connection by connection; when one fails the next takes over.
    /// stdout and file get one JSON object a record and stand alone.
    #[arg(long, value_name = "URL", required = true, help_heading = "Forward")]
    to: Vec<String>,
    /// Keep messages in this folder until the next hop has them
    ///
    /// A message is acknowledged when it stands synced there, and passed on in order, also after
    /// the hop was killed. Without it a message is acknowledged when the next hop has acknowledged
    /// it.
    #[arg(long, value_name = "DIR", help_heading = "Forward")]
    spool: Option<PathBuf>,
    /// How large the spool may become; at least 64MiB
    ///
    /// When it is full senders wait. [default: 1GiB]
    #[arg(long, value_name = "SIZE", requires = "spool", help_heading = "Forward")]
    spool_max: Option<String>,
    /// Leave the metadata of entries out, and the marks of groups
    ///
    /// For Fluentd before 1.20, which refuses entries that have some.
    #[arg(long, help_heading = "Forward")]
    strip_metadata: bool,
    /// How many connections may be open
    ///
    /// When one more comes, the one that has been idle longest is closed; while all wait for
    /// acknowledgements, it waits. [default: 1024]
    #[arg(long, value_name = "N", default_value_t = 1024, hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Forward")]
    max_connections: u32,
    /// How many seconds a connection may be idle; 0: for ever
    ///
    /// Idle is one that waits for no acknowledgement and gives no whole message and less than 1KiB
    /// of a longer one. It is closed, and its sender connects again when it has something to send.
    /// A handshake has 10 seconds in any case. When --max-connections are open and another one
    /// comes, the one that has been idle longest goes at once. Fluent Bit closes connections itself
    /// after 30 seconds (net.keepalive_idle_timeout): stay above that. [default: 300]
    #[arg(long, value_name = "SECONDS", help_heading = "Forward")]
    pub(super) idle_timeout: Option<f64>,
    /// The longest message, compressed or not; at least 64KiB
    ///
    /// The connection of a longer one is closed. It also bounds what compressed entries may become;
    /// beyond, the message is withheld. [default: 16MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Forward")]
    max_chunk: Option<String>,
    /// How many bytes of messages may be held at once
    ///
    /// When so many wait for the next hop, nobody is read from. At least --max-chunk. Lines that go
    /// on in a later message may take a quarter of it more. [default: 64MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Forward")]
    max_pending: Option<String>,
    /// How many seconds the next hop may take to acknowledge
    ///
    /// Then the connection is given up, and what was not acknowledged is sent over another one.
    /// [default: 30]
    #[arg(long, value_name = "SECONDS", default_value_t = 30, hide_default_value = true, value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Forward")]
    ack_timeout: u64,
    /// Answer /metrics, /healthz and /readyz here, as HOST:PORT
    ///
    /// Plain HTTP: for 127.0.0.1 or a network of your own.
    #[arg(long, value_name = "HOST:PORT", help_heading = "Forward")]
    admin: Option<String>,
    /// The form of the hop's own log, on standard error: text or json
    ///
    /// It never holds a value of a message. --quiet leaves warnings, -qq nothing. [default: text]
    #[arg(long, value_name = "FORM", default_value = "text", hide_default_value = true, value_parser = PossibleValuesParser::new(FORMATS), help_heading = "Forward")]
    log_format: String,
    /// Ask senders for the shared key in this file
    ///
    /// The first line, without its end. A key is never a flag's value.
    #[arg(long, value_name = "FILE", help_heading = "Who may send")]
    shared_key_file: Option<PathBuf>,
    /// Ask senders for a user and a password out of this file
    ///
    /// A line a user: USER:PASSWORD. Needs --shared-key-file.
    #[arg(long, value_name = "FILE", requires = "shared_key_file", help_heading = "Who may send")]
    users_file: Option<PathBuf>,
    /// The name that the hop shows in a handshake
    ///
    /// [default: logscrub]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "logscrub",
        hide_default_value = true,
        help_heading = "Who may send"
    )]
    hostname: String,
    /// The certificate for tls:// in --listen, in PEM, with those between it and its authority
    ///
    /// Needs --tls-key.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Who may send")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    ///
    /// Needs --tls-cert.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Who may send")]
    tls_key: Option<PathBuf>,
    /// Ask senders for a certificate of this authority, in PEM
    ///
    /// Needs --tls-cert.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Who may send")]
    tls_client_ca: Option<PathBuf>,
    /// Show the next hop the shared key in this file
    ///
    /// The first line, without its end.
    #[arg(long, value_name = "FILE", help_heading = "The next hop")]
    to_shared_key_file: Option<PathBuf>,
    /// Show the next hop the user and the password in this file
    ///
    /// The first line: USER:PASSWORD. Needs --to-shared-key-file.
    #[arg(
        long,
        value_name = "FILE",
        requires = "to_shared_key_file",
        help_heading = "The next hop"
    )]
    to_user_file: Option<PathBuf>,
    /// The authority of the next hop's certificate, in PEM
    ///
    /// Needed for tls:// in --to.
    #[arg(long, value_name = "FILE", help_heading = "The next hop")]
    to_tls_ca: Option<PathBuf>,
    /// A certificate to show to the next hop, in PEM
    ///
    /// Needs --to-tls-key.
    #[arg(long, value_name = "FILE", requires = "to_tls_key", help_heading = "The next hop")]
    to_tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    ///
    /// Needs --to-tls-cert.
    #[arg(long, value_name = "FILE", requires = "to_tls_cert", help_heading = "The next hop")]
    to_tls_key: Option<PathBuf>,
}

pub(super) fn run(args: &Args, forward: &Forward, settings: &Settings) -> Result<u8, Error> {
    let options = options(forward, settings)?;
    if options.to.contains(&Target::Stdout) {
        sink::check_open()?;
    }
    let first = scrubber(settings)?;
    open_log(&forward.log_format, settings.quiet);
    let args = args.clone();
    let again = move || scrubber(&settings::settle(&args, &Environment::read()?)?);
    let is_examined = forward::run(options, first, again)?;
    Ok(if is_examined { 0 } else { UNEXAMINED })
}

fn options(forward: &Forward, settings: &Settings) -> Result<Options, Error> {
    let listen: Vec<Address> = forward
        .listen
        .iter()
        .map(|text| Address::parse("--listen", text))
        .collect::<Result<_, _>>()?;
    let to: Vec<Target> =
        forward.to.iter().map(|text| Target::parse(text)).collect::<Result<_, _>>()?;
    let is_local = |target: &Target| matches!(target, Target::Stdout | Target::File(_));
    if to.len() > 1 && to.iter().any(is_local) {
        return Err(Error::usage("--to: stdout and file stand alone"));
    }
    let max_chunk = size("--max-chunk", forward.max_chunk.as_deref(), 16 << 20, 64 << 10)?;
    let max_pending =
        size("--max-pending", forward.max_pending.as_deref(), max_chunk.max(64 << 20), max_chunk)?;
    let pair = |one: &Option<PathBuf>, other: &Option<PathBuf>| one.clone().zip(other.clone());
    Ok(Options {
        listen,
        to,
        server_auth: server_auth(forward)?,
        client_auth: client_auth(forward)?,
        tls: TlsFiles {
            cert: pair(&forward.tls_cert, &forward.tls_key),
            client_ca: forward.tls_client_ca.clone(),
            to_ca: forward.to_tls_ca.clone(),
            to_cert: pair(&forward.to_tls_cert, &forward.to_tls_key),
        },
        spool: forward.spool.clone(),
        spool_max: size("--spool-max", forward.spool_max.as_deref(), 1 << 30, LEAST_SPOOL)?,
        max_connections: forward.max_connections as usize,
        idle_timeout: Some(settings.idle_timeout).filter(|limit| !limit.is_zero()),
        max_chunk: max_chunk as usize,
        max_pending: max_pending as usize,
        strip_metadata: forward.strip_metadata,
        ack_timeout: Duration::from_secs(forward.ack_timeout),
        admin: forward.admin.clone(),
        grace: settings.grace,
        threads: settings.threads,
    })
}

/// A size between `least` and 1 GiB (a spool may be larger).
fn size(flag: &str, text: Option<&str>, default: u64, least: u64) -> Result<u64, Error> {
    let Some(text) = text else { return Ok(default) };
    let most = if flag == "--spool-max" { u64::MAX } else { 1 << 30 };
    match parse_size(text) {
        Some(size) if (least..=most).contains(&size) => Ok(size),
        _ => Err(Error::usage(format!("{flag} {text}: not a size of at least {least} bytes"))
            .hint("a number of bytes, or one with KiB, MiB or GiB")),
    }
}

fn server_auth(forward: &Forward) -> Result<Option<ServerAuth>, Error> {
    let Some(path) = &forward.shared_key_file else { return Ok(None) };
    let mut users = BTreeMap::new();
    if let Some(path) = &forward.users_file {
        let text = read("--users-file", path)?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let (user, password) = user("--users-file", path, index + 1, line)?;
            users.insert(user, password);
        }
        if users.is_empty() {
            return Err(Error::usage(format!("--users-file {}: no user in it", path.display())));
        }
    }
    Ok(Some(ServerAuth {
        shared_key: first_line("--shared-key-file", path)?,
        users,
        hostname: forward.hostname.clone(),
    }))
}

fn client_auth(forward: &Forward) -> Result<Option<ClientAuth>, Error> {
    let Some(path) = &forward.to_shared_key_file else { return Ok(None) };
    let shared_key = first_line("--to-shared-key-file", path)?;
    let (user, password) = match &forward.to_user_file {
        Some(path) => {
            let text = read("--to-user-file", path)?;
            user("--to-user-file", path, 1, text.lines().next().unwrap_or_default())?
        }
        None => Default::default(),
    };
    Ok(Some(ClientAuth { shared_key, user, password, hostname: forward.hostname.clone() }))
}

fn read(flag: &str, path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("{flag} {}: cannot be read", path.display())).because(error)
    })
}

fn first_line(flag: &str, path: &Path) -> Result<Vec<u8>, Error> {
    let text = read(flag, path)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Error::usage(format!("{flag} {}: the first line is empty", path.display())));
    }
    Ok(line.as_bytes().to_vec())
}

/// `USER:PASSWORD`; the message of an error quotes neither.
fn user(flag: &str, path: &Path, line: usize, text: &str) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let wrong = || Error::usage(format!("{flag} {}:{line}: not USER:PASSWORD", path.display()));
    let (user, password) = text.split_once(':').ok_or_else(wrong)?;
    Ok((user.as_bytes().to_vec(), password.as_bytes().to_vec()))
}

/// Standard error, a message at a time, without what the rules find in it: a path or an address may
/// hold a secret.
struct Masking;

impl io::Write for Masking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => io::stderr().lock().write_all(masked(text).as_bytes())?,
            // The log is text; what is none cannot be examined.
            Err(_) => io::stderr().lock().write_all(b"\n")?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// The hop's own log goes to standard error.
fn open_log(format: &str, quiet: u8) {
    use tracing::level_filters::LevelFilter;
    let level = match quiet {
        0 => LevelFilter::INFO,
        1 => LevelFilter::WARN,
        _ => LevelFilter::OFF,
    };
    let log =
        tracing_subscriber::fmt().with_writer(|| Masking).with_max_level(level).with_target(false);
    // There is one log, and this is the one place that opens it.
    if format == "json" {
        log.json().flatten_event(true).init();
    } else {
        log.with_ansi(false).init();
    }
}
