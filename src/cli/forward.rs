//! `logscrub forward`: the flags of the hop, and what they mean.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, builder::PossibleValuesParser};

use super::{
    flags::kind::parse_size,
    mask::masked,
    resolve::{self, Environment, Typed},
    settings::Settings,
    terminal::UNEXAMINED,
};
use crate::{
    error::Error,
    forward::{self, Address, ClientAuth, Options, ServerAuth, Target, TlsFiles},
    sink,
};

/// The choices of `--log-format`.
const FORMATS: [&str; 2] = ["text", "json"];

/// A smaller spool could not hold a segment beside the one that is being written.
const LEAST_SPOOL: u64 = 64 << 20;

/// The largest message, and the most that may be pending.
const LARGEST: u64 = 1 << 30;

const EXAMPLES: &str = "\
Examples:
  Between Fluent Bit (Require_ack_response true) and the next hop:
    logscrub forward --listen tcp://127.0.0.1:24224 --to tcp://logs.example:24224
  For Docker's fluentd driver, with two next hops and a spool:
    logscrub forward --listen unix:///var/run/fluent.sock \\
      --to tcp://a:24224 --to tcp://b:24224 --spool /var/spool/logscrub
  With TLS and a shared key, writing lines of JSON:
    logscrub forward --listen tls://0.0.0.0:24284 --tls-cert c.pem \\
      --tls-key k.pem --shared-key-file key --to stdout
  Flags of the filter come before the command:
    logscrub --also personal --grace 20 forward --listen tcp://127.0.0.1:24224 \\
      --to file:///var/log/clean.jsonl --admin 127.0.0.1:9464

SIGTERM: no new messages are read, and those in flight have --grace seconds to be
acknowledged. SIGHUP: configuration and rules are reloaded, and the file of --to is
reopened; if something is wrong, the old ones stay.

A message that is not valid, or cannot be decompressed, is withheld: it is not
forwarded, but counted, logged and acknowledged, so that it is not sent again. Bytes
that are not msgpack close the connection. With --on-error stop, such a message ends
the program.

Exit codes:
   0  ended by a signal, and everything could be examined
   2  usage or configuration error
   3  something was withheld or masked because it could not be examined
  70  a message could not be examined, with --on-error stop
  74  messages were not acknowledged within --grace, or the output failed";

/// Receive messages of the Fluent Forward protocol, scrub and forward them
///
/// For Fluent Bit, Fluentd and Docker. A message is acknowledged to its sender only when the next
/// hop has acknowledged it, or when it has been synced to the spool or the output file. All modes
/// of the protocol, gzip and zstd; keys, tags, metadata and group attributes are scrubbed like
/// values, and clean messages keep their bytes.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Forward {
    /// Listen here; may be repeated
    ///
    /// tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH. Anyone who can connect can send, unless
    /// --shared-key-file or --tls-client-ca is given. A Unix socket can be used by anyone who may
    /// enter its folder.
    #[arg(long, value_name = "URL", required = true, help_heading = "Connections")]
    listen: Vec<String>,
    /// Forward to here; may be repeated
    ///
    /// As for --listen, or stdout, or file:///PATH. Several next hops are used in turn, connection
    /// by connection; if one fails, the next one takes over. stdout and file receive one JSON
    /// object per record, and cannot be combined with another --to.
    #[arg(long, value_name = "URL", required = true, help_heading = "Connections")]
    to: Vec<String>,
    /// Store messages in this folder until the next hop has them
    ///
    /// A message is acknowledged when it has been synced to the spool. Stored messages are
    /// forwarded in order, also after a crash. Without a spool, a message is acknowledged when the
    /// next hop has acknowledged it.
    #[arg(long, value_name = "DIR", help_heading = "Queue")]
    spool: Option<PathBuf>,
    /// The largest size of the spool; at least 64MiB
    ///
    /// When it is full, senders wait. [default: 1GiB]
    #[arg(long, value_name = "SIZE", requires = "spool", help_heading = "Queue")]
    spool_max: Option<String>,
    /// Remove the metadata of entries, and the marks of groups
    ///
    /// For Fluentd before 1.20, which refuses entries with metadata.
    #[arg(long, help_heading = "Queue")]
    strip_metadata: bool,
    /// The most connections that may be open
    ///
    /// When another one comes, the one that has been idle longest is closed. While all of them wait
    /// for acknowledgements, the new one waits. [default: 1024]
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1024,
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Connections"
    )]
    max_connections: u32,
    /// The longest message, compressed or not; at least 64KiB
    ///
    /// A longer message closes its connection. This is also the limit for decompressed entries; a
    /// message above it is withheld. [default: 16MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Queue")]
    max_chunk: Option<String>,
    /// Stop reading when this much is pending
    ///
    /// Back-pressure: senders wait while so many bytes of messages wait for the next hop. At least
    /// --max-chunk. Lines that continue in a later message may take a quarter of it in addition.
    /// [default: 64MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Queue")]
    max_pending: Option<String>,
    /// How long the next hop may take to acknowledge
    ///
    /// After that, the connection is closed, and what was not acknowledged is sent again over
    /// another one. [default: 30]
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        help_heading = "Queue"
    )]
    ack_timeout: u64,
    /// Serve /metrics, /healthz and /readyz here
    ///
    /// Plain HTTP, for 127.0.0.1 or a private network.
    #[arg(long, value_name = "HOST:PORT", help_heading = "Report")]
    admin: Option<String>,
    /// The format of the log on standard error: text or json
    ///
    /// The log never contains a value of a message. --quiet prints warnings only, -qq nothing.
    /// [default: text]
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        hide_default_value = true,
        value_parser = PossibleValuesParser::new(FORMATS),
        help_heading = "Report"
    )]
    log_format: String,
    /// Require the shared key in this file from senders
    ///
    /// The first line of the file. A key is never the value of a flag.
    #[arg(long, value_name = "FILE", help_heading = "Authentication of senders")]
    shared_key_file: Option<PathBuf>,
    /// Require a user and a password of this file from senders
    ///
    /// One USER:PASSWORD per line. Needs --shared-key-file.
    #[arg(
        long,
        value_name = "FILE",
        requires = "shared_key_file",
        help_heading = "Authentication of senders"
    )]
    users_file: Option<PathBuf>,
    /// The host name to give in handshakes
    ///
    /// [default: logscrub]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "logscrub",
        hide_default_value = true,
        help_heading = "Authentication of senders"
    )]
    hostname: String,
    /// The certificate chain for tls:// in --listen, in PEM
    ///
    /// Needs --tls-key.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Authentication of senders"
    )]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, in PEM
    ///
    /// Needs --tls-cert.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Authentication of senders"
    )]
    tls_key: Option<PathBuf>,
    /// Require a certificate of this authority from senders, in PEM
    ///
    /// Needs --tls-cert.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Authentication of senders"
    )]
    tls_client_ca: Option<PathBuf>,
    /// Send the shared key in this file to the next hop
    ///
    /// The first line of the file.
    #[arg(long, value_name = "FILE", help_heading = "Authentication to the next hop")]
    to_shared_key_file: Option<PathBuf>,
    /// Send the user and the password in this file to the next hop
    ///
    /// The first line of the file: USER:PASSWORD. Needs --to-shared-key-file.
    #[arg(
        long,
        value_name = "FILE",
        requires = "to_shared_key_file",
        help_heading = "Authentication to the next hop"
    )]
    to_user_file: Option<PathBuf>,
    /// The authority of the next hop's certificate, in PEM
    ///
    /// Required for tls:// in --to.
    #[arg(long, value_name = "FILE", help_heading = "Authentication to the next hop")]
    to_tls_ca: Option<PathBuf>,
    /// The certificate to send to the next hop, in PEM
    ///
    /// Needs --to-tls-key.
    #[arg(
        long,
        value_name = "FILE",
        requires = "to_tls_key",
        help_heading = "Authentication to the next hop"
    )]
    to_tls_cert: Option<PathBuf>,
    /// The private key of --to-tls-cert, in PEM
    ///
    /// Needs --to-tls-cert.
    #[arg(
        long,
        value_name = "FILE",
        requires = "to_tls_cert",
        help_heading = "Authentication to the next hop"
    )]
    to_tls_key: Option<PathBuf>,
}

pub(super) fn run(forward: &Forward, typed: &Typed, settings: &Settings) -> Result<u8, Error> {
    let options = options(forward, settings)?;
    if options.to.contains(&Target::Stdout) {
        sink::check_open()?;
    }
    let first = settings.chunk_scrubber()?;
    open_log(&forward.log_format, settings.quiet);
    let typed = typed.clone();
    let reload = move || resolve::resolve(&typed, &Environment::read()?)?.chunk_scrubber();
    let is_examined = forward::run(options, first, reload)?;
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
        return Err(Error::usage("--to: stdout and file cannot be combined with another --to"));
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

/// Parses a size between `least` and 1 GiB; a spool may be larger.
fn size(flag: &str, text: Option<&str>, default: u64, least: u64) -> Result<u64, Error> {
    let Some(text) = text else { return Ok(default) };
    let most = if flag == "--spool-max" { u64::MAX } else { LARGEST };
    match parse_size(text) {
        Some(size) if (least..=most).contains(&size) => Ok(size),
        _ => Err(Error::usage(format!("{flag} {text}: expected a size of at least {least} bytes"))
            .hint("write a size as 1MiB or 1048576")),
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
            return Err(Error::usage(format!(
                "--users-file {}: the file has no user",
                path.display()
            )));
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

/// Parses `USER:PASSWORD`. An error quotes neither of them.
fn user(flag: &str, path: &Path, line: usize, text: &str) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let wrong =
        || Error::usage(format!("{flag} {}:{line}: expected USER:PASSWORD", path.display()));
    let (user, password) = text.split_once(':').ok_or_else(wrong)?;
    Ok((user.as_bytes().to_vec(), password.as_bytes().to_vec()))
}

/// Standard error, where each message is scrubbed: a path or an address may contain a secret.
struct MaskedStderr;

impl io::Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => io::stderr().lock().write_all(masked(text).as_bytes())?,
            // The log is text. Anything else cannot be examined, so it is dropped.
            Err(_) => io::stderr().lock().write_all(b"\n")?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Sends the log of the hop to standard error.
fn open_log(format: &str, quiet: u8) {
    use tracing::level_filters::LevelFilter;
    let level = match quiet {
        0 => LevelFilter::INFO,
        1 => LevelFilter::WARN,
        _ => LevelFilter::OFF,
    };
    let log = tracing_subscriber::fmt()
        .with_writer(|| MaskedStderr)
        .with_max_level(level)
        .with_target(false);
    // `init` panics if there is a log already; this is the only place that opens one.
    if format == "json" {
        log.json().flatten_event(true).init();
    } else {
        log.with_ansi(false).init();
    }
}
