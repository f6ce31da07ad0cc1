//! What can be asked from outside: `/metrics` for Prometheus, `/healthz` (it runs) and `/readyz`
//! (it takes messages and the next hop can be reached). Plain HTTP/1.1, one request a connection.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::connection::Desk;

/// A request that is longer or takes longer is none of ours.
const LONGEST: usize = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers requests until the program ends.
pub(crate) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            // Requests come seldom and are short; one at a time is enough, and no crowd of them can
            // take memory.
            Ok((stream, _)) => drop(timeout(PATIENCE, answer(stream, &desk)).await),
            Err(error) => {
                tracing::warn!(%error, "a request to the admin endpoint could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, desk: &Desk) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if request.len() > LONGEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut words = request.split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", desk.metrics.text()),
        (b"GET" | b"HEAD", b"/healthz") => ("200 OK", "ok\n".to_owned()),
        (b"GET" | b"HEAD", b"/readyz") => readiness(desk),
        (b"GET" | b"HEAD", _) => {
            ("404 Not Found", "one of /metrics, /healthz, /readyz\n".to_owned())
        }
        _ => ("405 Method Not Allowed", String::new()),
    };
    let kind = if path == b"/metrics" {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain"
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    if method != b"HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

fn readiness(desk: &Desk) -> (&'static str, String) {
    if desk.shutdown.is_draining() {
        return ("503 Service Unavailable", "draining\n".to_owned());
    }
    if !desk.next.is_reached() {
        return ("503 Service Unavailable", "the next hop is not reached\n".to_owned());
    }
    ("200 OK", "ready\n".to_owned())
}
