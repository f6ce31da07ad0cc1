//! The admin endpoint: `/metrics` for Prometheus, `/healthz` (the process runs) and `/readyz` (it
//! accepts messages and the next hop is reachable). Plain HTTP/1.1, one request per connection.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{address, shared::Shared};
use crate::error::Error;

/// Larger requests are dropped.
const MAX_REQUEST: usize = 8 << 10;

/// Slower requests are dropped.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Listens on the address of `--admin`.
pub(crate) async fn bind(address: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::usage(format!("--admin {}: cannot listen", address::without_user(address)))
            .because(error)
    })?;
    let local =
        listener.local_addr().map_or_else(|_| address.to_owned(), |local| local.to_string());
    tracing::info!(address = local, "admin endpoint");
    Ok(listener)
}

/// Answers requests until it is cancelled. One request at a time bounds memory.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(timeout(REQUEST_TIMEOUT, answer(stream, &shared)).await),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admin endpoint");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if request.len() > MAX_REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut words = request.split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", shared.metrics.text()),
        (b"GET" | b"HEAD", b"/healthz") => ("200 OK", "ok\n".to_owned()),
        (b"GET" | b"HEAD", b"/readyz") => readiness(shared),
        (b"GET" | b"HEAD", _) => {
            ("404 Not Found", "use /metrics, /healthz or /readyz\n".to_owned())
        }
        _ => ("405 Method Not Allowed", String::new()),
    };
    let content_type = if path == b"/metrics" {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain"
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    if method != b"HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

fn readiness(shared: &Shared) -> (&'static str, String) {
    if shared.shutdown.is_started() {
        return ("503 Service Unavailable", "draining\n".to_owned());
    }
    if !shared.destination.is_reachable() {
        return ("503 Service Unavailable", "the next hop is not reachable\n".to_owned());
    }
    ("200 OK", "ready\n".to_owned())
}
