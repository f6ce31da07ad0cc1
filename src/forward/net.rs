//! Sockets: listen, accept and connect over TCP, TLS and Unix sockets behind one type.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::address::Address;
use crate::error::Error;

/// A connected byte stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(crate) type Socket = Box<dyn Stream>;
pub(crate) type Reader = ReadHalf<Socket>;
pub(crate) type Writer = WriteHalf<Socket>;

/// The reading and the writing half of a connection.
pub(crate) fn halves(socket: Socket) -> (Reader, Writer) {
    split(socket)
}

/// A listening socket.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, TlsAcceptor),
    Unix(UnixListener),
}

/// An accepted connection before its TLS handshake.
pub(crate) enum Incoming {
    Plain(Socket),
    Tls(TcpStream, TlsAcceptor),
}

impl Listener {
    pub(crate) async fn bind(
        address: &Address,
        tls: Option<&TlsAcceptor>,
    ) -> Result<Listener, Error> {
        let bound = match address {
            Address::Tcp(host) => TcpListener::bind(host).await.map(Listener::Tcp),
            Address::Tls(host) => {
                let Some(tls) = tls else {
                    return Err(Error::usage(format!("--listen {address}: no certificate"))
                        .hint("set --tls-cert and --tls-key"));
                };
                TcpListener::bind(host).await.map(|socket| Listener::Tls(socket, tls.clone()))
            }
            Address::Unix(path) => bind_unix(path).map(Listener::Unix),
        };
        bound.map_err(|error| {
            Error::usage(format!("--listen {address}: cannot listen")).because(error)
        })
    }

    /// The address for the log, with the port that the system chose.
    pub(crate) fn display(&self, address: &Address) -> String {
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

    pub(crate) async fn accept(&self) -> io::Result<Incoming> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Incoming::Plain(Box::new(stream)))
            }
            Listener::Tls(listener, acceptor) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Incoming::Tls(stream, acceptor.clone()))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Incoming::Plain(Box::new(stream)))
            }
        }
    }
}

impl Incoming {
    /// Completes the TLS handshake, if there is one.
    pub(crate) async fn handshake(self) -> io::Result<Socket> {
        match self {
            Incoming::Plain(socket) => Ok(socket),
            Incoming::Tls(stream, acceptor) => Ok(Box::new(acceptor.accept(stream).await?)),
        }
    }
}

/// Binds a Unix socket. Replaces the socket file of a dead process, but not one in use.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // Access is controlled by the directory: containers rarely run as the user of the hop.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// Connects to `address`, including the TLS handshake.
pub(crate) async fn connect(address: &Address, tls: Option<&TlsConnector>) -> io::Result<Socket> {
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Address::Tcp(host) => Ok(Box::new(connect_tcp(host).await?)),
        Address::Tls(host) => {
            let stream = connect_tcp(host).await?;
            let name = ServerName::try_from(address.host().to_owned()).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidInput, "not a host name for TLS")
            })?;
            let tls = tls.ok_or_else(|| io::Error::other("no certificate authority is set"))?;
            Ok(Box::new(tls.connect(name, stream).await?))
        }
    }
}

async fn connect_tcp(host: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
