//! Settings of the Forward hop, as the command line resolves them.

use std::{path::PathBuf, time::Duration};

use super::{
    address::{Address, Target},
    handshake::{ClientAuth, ServerAuth},
};

/// Settings of one hop.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: Vec<Address>,
    pub(crate) to: Vec<Target>,
    pub(crate) server_auth: Option<ServerAuth>,
    pub(crate) client_auth: Option<ClientAuth>,
    pub(crate) tls: TlsFiles,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) spool_max: u64,
    pub(crate) max_connections: usize,
    /// How long a connection may be idle; `None` means forever.
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_chunk: usize,
    pub(crate) max_pending: usize,
    pub(crate) strip_metadata: bool,
    pub(crate) ack_timeout: Duration,
    pub(crate) admin: Option<String>,
    /// How long to wait for outstanding acknowledgements after SIGTERM.
    pub(crate) grace: Duration,
    /// Worker threads; 0 means one per core.
    pub(crate) threads: usize,
}

/// Paths of PEM files.
#[derive(Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) cert: Option<(PathBuf, PathBuf)>,
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) to_ca: Option<PathBuf>,
    pub(crate) to_cert: Option<(PathBuf, PathBuf)>,
}
