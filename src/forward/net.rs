//! Sockets: listening, accepting and connecting, over TCP, TLS and Unix sockets alike.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::address::Address;
use crate::error::Error;

/// Both halves of a connection in one.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(crate) type Socket = Box<dyn Duplex>;
pub(crate) type Reader = ReadHalf<Socket>;
pub(crate) type Writer = WriteHalf<Socket>;

/// The two halves of a connection.
pub(crate) fn halves(socket: Socket) -> (Reader, Writer) {
    split(socket)
}

/// A place that connections come to.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, TlsAcceptor),
    Unix(UnixListener),
}

/// A connection that has come, before TLS.
pub(crate) enum Accepted {
    Plain(Socket),
    Tls(TcpStream, TlsAcceptor),
}

impl Listener {
    pub(crate) async fn bind(
        address: &Address,
        tls: Option<&TlsAcceptor>,
    ) -> Result<Listener, Error> {
        let failed = |error: io::Error| {
            Error::usage(format!("--listen {address}: cannot be listened at")).because(error)
        };
        match address {
            Address::Tcp(host) => TcpListener::bind(host).await.map(Listener::Tcp).map_err(failed),
            Address::Tls(host) => {
                let tls = tls.ok_or_else(|| {
                    Error::usage(format!("--listen {address}: no certificate"))
                        .hint("give --tls-cert and --tls-key")
                })?;
                let listener = TcpListener::bind(host).await.map_err(failed)?;
                Ok(Listener::Tls(listener, tls.clone()))
            }
            Address::Unix(path) => bind_unix(path).map(Listener::Unix).map_err(failed),
        }
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn name(&self, address: &Address) -> String {
        match (self, address) {
            (Listener::Tcp(listener), _) | (Listener::Tls(listener, _), _) => {
                let scheme = if matches!(self, Listener::Tcp(_)) { "tcp" } else { "tls" };
                listener
                    .local_addr()
                    .map_or_else(|_| address.to_string(), |local| format!("{scheme}://{local}"))
            }
            (Listener::Unix(_), address) => address.to_string(),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Plain(Box::new(stream)))
            }
            Listener::Tls(listener, acceptor) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tls(stream, acceptor.clone()))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted::Plain(Box::new(stream)))
            }
        }
    }
}

impl Accepted {
    pub(crate) async fn secured(self) -> io::Result<Socket> {
        match self {
            Accepted::Plain(socket) => Ok(socket),
            Accepted::Tls(stream, acceptor) => Ok(Box::new(acceptor.accept(stream).await?)),
        }
    }
}

/// Binds a Unix socket. One that a dead process left behind is taken away; one that somebody
/// listens at is not.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // Its folder says who may come in; containers seldom run as the user that the hop runs as.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

pub(crate) async fn connect(address: &Address, tls: Option<&TlsConnector>) -> io::Result<Socket> {
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Address::Tcp(host) => {
            let stream = TcpStream::connect(host).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Address::Tls(host) => {
            let stream = TcpStream::connect(host).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from(address.host().to_owned()).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidInput, "not a host name for TLS")
            })?;
            let tls = tls.ok_or_else(|| io::Error::other("no certificate authority is given"))?;
            Ok(Box::new(tls.connect(name, stream).await?))
        }
    }
}

/// For the acceptor and the connector alike: shared by all connections.
pub(crate) fn acceptor(config: rustls::ServerConfig) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) fn connector(config: rustls::ClientConfig) -> TlsConnector {
    TlsConnector::from(Arc::new(config))
}
