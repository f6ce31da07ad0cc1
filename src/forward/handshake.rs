//! The handshake of the Forward protocol: both sides show that they know a shared key, and the
//! client may have to name a user.
//!
//! `HELO` (server), `PING` (client), `PONG` (server). Keys and passwords travel as SHA-512 digests
//! over nonces only. Fields may be str or bin; they are compared as bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha512};
use tokio::io::AsyncWriteExt as _;

use super::{net::Writer, reader::Inbox};
use crate::msgpack::{
    tokens::{Text, Token, Walk},
    write_text,
};

/// What the listening side asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    pub(crate) shared_key: Vec<u8>,
    /// User and password; when there are any, a client must be one of them.
    pub(crate) users: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) hostname: String,
}

/// What the sending side shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Badge {
    pub(crate) shared_key: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) hostname: String,
}

/// Why a handshake failed, in words that name no key.
pub(crate) type Failure = &'static str;

/// Sixteen bytes that nobody can foresee.
fn salt() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| "the system gives no random bytes")?;
    Ok(bytes)
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Compares without telling by the time how much was alike.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// Appends a text.
fn push(out: &mut Vec<u8>, text: &[u8]) {
    write_text(Text::Str, text, out).expect(SHORT);
}

fn push_bin(out: &mut Vec<u8>, bytes: &[u8]) {
    write_text(Text::Bin, bytes, out).expect(SHORT);
}

/// What is written in a handshake is a name, a nonce, a digest or a message of ours, or the content
/// of a flag.
const SHORT: &str = "a field is far shorter than 4 GiB";

async fn next(inbox: &mut Inbox) -> Result<Bytes, Failure> {
    match inbox.frame().await {
        Ok(Some((frame, _))) => Ok(frame),
        Ok(None) => Err("the connection was closed during the handshake"),
        Err(_) => Err("the handshake cannot be read"),
    }
}

async fn send(wtr: &mut Writer, bytes: &[u8]) -> Result<(), Failure> {
    let written = async {
        wtr.write_all(bytes).await?;
        wtr.flush().await
    };
    written.await.map_err(|_| "the handshake cannot be written")
}

/// Reads the head of an array whose first member is the text `name`.
fn open<'b>(frame: &'b [u8], name: &[u8], n_members: usize) -> Option<Walk<'b>> {
    let mut walk = Walk::new(frame);
    let length = walk.array().ok()?;
    let is_it = length >= n_members && walk.string().ok()?.of(frame) == name;
    is_it.then_some(walk)
}

fn field<'b>(walk: &mut Walk<'b>) -> Option<&'b [u8]> {
    let bytes = walk.bytes;
    walk.string().ok().map(|span| span.of(bytes))
}

/// The server's side.
pub(crate) async fn receive(
    inbox: &mut Inbox,
    wtr: &mut Writer,
    guard: &Guard,
) -> Result<(), Failure> {
    let (nonce, auth) = (salt()?, salt()?);
    let auth: &[u8] = if guard.users.is_empty() { &[] } else { &auth };
    let mut helo = vec![0x92];
    push(&mut helo, b"HELO");
    helo.push(0x83);
    push(&mut helo, b"nonce");
    push_bin(&mut helo, &nonce);
    push(&mut helo, b"auth");
    push_bin(&mut helo, auth);
    push(&mut helo, b"keepalive");
    helo.push(0xc3);
    send(wtr, &helo).await?;
    let frame = next(inbox).await?;
    let ping = open(&frame, b"PING", 6).and_then(|mut walk| {
        let mut fields: [&[u8]; 5] = [&[]; 5];
        for slot in &mut fields {
            *slot = field(&mut walk)?;
        }
        Some(fields)
    });
    let ping = ping.ok_or("the peer does not answer HELO with PING")?;
    let verdict = judge(&ping, &nonce, auth, guard);
    let mut pong = vec![0x95];
    push(&mut pong, b"PONG");
    pong.push(if verdict.is_ok() { 0xc3 } else { 0xc2 });
    push(&mut pong, verdict.err().unwrap_or_default().as_bytes());
    push(&mut pong, guard.hostname.as_bytes());
    let proof = digest(&[ping[1], guard.hostname.as_bytes(), &nonce, &guard.shared_key]);
    // Who does not know the key is shown nothing that was made with it.
    push(&mut pong, if verdict.is_ok() { &proof } else { b"" });
    send(wtr, &pong).await?;
    verdict
}

fn judge(ping: &[&[u8]; 5], nonce: &[u8], auth: &[u8], guard: &Guard) -> Result<(), Failure> {
    let [hostname, salt, key, user, password] = ping;
    if !is_same(key, &digest(&[salt, hostname, nonce, &guard.shared_key])) {
        return Err("shared key mismatch");
    }
    if guard.users.is_empty() {
        return Ok(());
    }
    // An unknown user costs what a known one does.
    let known = guard.users.get(*user);
    let expected = digest(&[auth, user, known.map_or(&[][..], Vec::as_slice)]);
    if is_same(password, &expected) && known.is_some() {
        Ok(())
    } else {
        Err("username/password mismatch")
    }
}

/// The client's side.
pub(crate) async fn offer(
    inbox: &mut Inbox,
    wtr: &mut Writer,
    badge: &Badge,
) -> Result<(), Failure> {
    let frame = next(inbox).await?;
    let (nonce, auth) =
        helo(&frame).ok_or("the next hop does not begin with HELO, though a key is set for it")?;
    let salt = digest(&[&salt()?]);
    let salt = &salt[..32];
    let hostname = badge.hostname.as_bytes();
    let mut ping = vec![0x96];
    push(&mut ping, b"PING");
    push(&mut ping, hostname);
    push(&mut ping, salt);
    push(&mut ping, &digest(&[salt, hostname, nonce, &badge.shared_key]));
    let is_asked = !auth.is_empty();
    push(&mut ping, if is_asked { &badge.user } else { b"" });
    push(
        &mut ping,
        &if is_asked { digest(&[auth, &badge.user, &badge.password]) } else { Vec::new() },
    );
    send(wtr, &ping).await?;
    let frame = next(inbox).await?;
    let mut walk = open(&frame, b"PONG", 5).ok_or("the next hop does not answer PING with PONG")?;
    if walk.token() != Ok(Token::Bool(true)) {
        return Err("the next hop refuses the key or the user");
    }
    let fields = field(&mut walk).and_then(|_| Some((field(&mut walk)?, field(&mut walk)?)));
    let (server, proof) = fields.ok_or("the next hop's PONG cannot be read")?;
    let expected = digest(&[salt, server, nonce, &badge.shared_key]);
    if is_same(proof, &expected) { Ok(()) } else { Err("the next hop does not know the key") }
}

fn helo(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut walk = open(frame, b"HELO", 2)?;
    let Ok(Token::Map(n_pairs)) = walk.token() else { return None };
    let (mut nonce, mut auth): (&[u8], &[u8]) = (&[], &[]);
    for _ in 0..n_pairs {
        match field(&mut walk)? {
            b"nonce" => nonce = field(&mut walk)?,
            b"auth" => auth = field(&mut walk)?,
            _ => walk.skip().ok()?,
        }
    }
    Some((nonce, auth))
}
