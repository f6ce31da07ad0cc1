//! The handshake of the Forward protocol: both sides prove that they know the shared key, and the
//! client may have to authenticate as a user.
//!
//! `HELO` (server), `PING` (client), `PONG` (server). Keys and passwords are only sent as SHA-512
//! digests with nonces. Peers send fields as str or bin; they are compared as bytes. Failures name
//! no key, no user and no password.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha512};
use tokio::io::AsyncWriteExt as _;

use super::{net::Writer, reader::MessageReader};
use crate::msgpack::{
    encode::write_string,
    tokens::{StringKind, Token, TokenReader},
};

/// What the server requires of clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerAuth {
    pub(crate) shared_key: Vec<u8>,
    /// Passwords by user. If there are any, a client must authenticate as one of them.
    pub(crate) users: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) hostname: String,
}

/// The credentials that the client presents to the next hop.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientAuth {
    pub(crate) shared_key: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) hostname: String,
}

/// Why a handshake failed.
pub(crate) type HandshakeError = &'static str;

/// The first fields of a PING message.
struct Ping<'m> {
    hostname: &'m [u8],
    salt: &'m [u8],
    key_digest: &'m [u8],
    user: &'m [u8],
    password_digest: &'m [u8],
}

/// Authenticates a client.
pub(crate) async fn authenticate_client(
    reader: &mut MessageReader,
    writer: &mut Writer,
    auth: &ServerAuth,
) -> Result<(), HandshakeError> {
    let (nonce, user_nonce) = (random_bytes()?, random_bytes()?);
    let user_nonce: &[u8] = if auth.users.is_empty() { &[] } else { &user_nonce };
    send(writer, &helo_message(&nonce, user_nonce)).await?;
    let message = receive(reader).await?;
    let ping = read_ping(&message).ok_or("the peer does not answer HELO with PING")?;
    let verdict = verify_client(&ping, &nonce, user_nonce, auth);
    let mut pong = vec![0x95];
    push_str(&mut pong, b"PONG");
    pong.push(if verdict.is_ok() { 0xc3 } else { 0xc2 });
    push_str(&mut pong, verdict.err().unwrap_or_default().as_bytes());
    push_str(&mut pong, auth.hostname.as_bytes());
    let proof = digest(&[ping.salt, auth.hostname.as_bytes(), &nonce, &auth.shared_key]);
    // A client that does not know the key gets nothing that was derived from it.
    push_str(&mut pong, if verdict.is_ok() { &proof } else { b"" });
    send(writer, &pong).await?;
    verdict
}

fn helo_message(nonce: &[u8], user_nonce: &[u8]) -> Vec<u8> {
    let mut helo = vec![0x92];
    push_str(&mut helo, b"HELO");
    helo.push(0x83);
    push_str(&mut helo, b"nonce");
    push_bin(&mut helo, nonce);
    push_str(&mut helo, b"auth");
    push_bin(&mut helo, user_nonce);
    push_str(&mut helo, b"keepalive");
    helo.push(0xc3);
    helo
}

fn read_ping(message: &[u8]) -> Option<Ping<'_>> {
    let mut tokens = open(message, b"PING", 6)?;
    Some(Ping {
        hostname: field(&mut tokens)?,
        salt: field(&mut tokens)?,
        key_digest: field(&mut tokens)?,
        user: field(&mut tokens)?,
        password_digest: field(&mut tokens)?,
    })
}

fn verify_client(
    ping: &Ping<'_>,
    nonce: &[u8],
    user_nonce: &[u8],
    auth: &ServerAuth,
) -> Result<(), HandshakeError> {
    let expected = digest(&[ping.salt, ping.hostname, nonce, &auth.shared_key]);
    if !constant_time_eq(ping.key_digest, &expected) {
        return Err("shared key mismatch");
    }
    if auth.users.is_empty() {
        return Ok(());
    }
    // The digest is computed for unknown users too, so that the time does not reveal them.
    let password = auth.users.get(ping.user);
    let expected = digest(&[user_nonce, ping.user, password.map_or(&[][..], Vec::as_slice)]);
    if constant_time_eq(ping.password_digest, &expected) && password.is_some() {
        Ok(())
    } else {
        Err("username/password mismatch")
    }
}

/// Authenticates to the next hop, and verifies that it knows the shared key.
pub(crate) async fn authenticate_to_server(
    reader: &mut MessageReader,
    writer: &mut Writer,
    auth: &ClientAuth,
) -> Result<(), HandshakeError> {
    let message = receive(reader).await?;
    let (nonce, user_nonce) = read_helo(&message)
        .ok_or("the next hop does not start with HELO, although a shared key is set for it")?;
    let salt = digest(&[&random_bytes()?]);
    let salt = &salt[..32];
    send(writer, &ping_message(auth, salt, nonce, user_nonce)).await?;
    let message = receive(reader).await?;
    let mut tokens =
        open(&message, b"PONG", 5).ok_or("the next hop does not answer PING with PONG")?;
    if tokens.token() != Ok(Token::Bool(true)) {
        return Err("the next hop refuses the key or the user");
    }
    let (server, proof) = read_proof(&mut tokens).ok_or("the PONG of the next hop is malformed")?;
    let expected = digest(&[salt, server, nonce, &auth.shared_key]);
    if constant_time_eq(proof, &expected) {
        Ok(())
    } else {
        Err("the next hop does not know the shared key")
    }
}

fn ping_message(auth: &ClientAuth, salt: &[u8], nonce: &[u8], user_nonce: &[u8]) -> Vec<u8> {
    let hostname = auth.hostname.as_bytes();
    let mut ping = vec![0x96];
    push_str(&mut ping, b"PING");
    push_str(&mut ping, hostname);
    push_str(&mut ping, salt);
    push_str(&mut ping, &digest(&[salt, hostname, nonce, &auth.shared_key]));
    if user_nonce.is_empty() {
        push_str(&mut ping, b"");
        push_str(&mut ping, b"");
    } else {
        push_str(&mut ping, &auth.user);
        push_str(&mut ping, &digest(&[user_nonce, &auth.user, &auth.password]));
    }
    ping
}

/// The nonces of a HELO message: for the shared key, and for the password (empty if none is asked
/// for).
fn read_helo(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut tokens = open(message, b"HELO", 2)?;
    let Ok(Token::Map(n_pairs)) = tokens.token() else { return None };
    let (mut nonce, mut user_nonce): (&[u8], &[u8]) = (&[], &[]);
    for _ in 0..n_pairs {
        match field(&mut tokens)? {
            b"nonce" => nonce = field(&mut tokens)?,
            b"auth" => user_nonce = field(&mut tokens)?,
            _ => tokens.skip().ok()?,
        }
    }
    Some((nonce, user_nonce))
}

/// The server's hostname and digest, which follow the reason in a PONG message.
fn read_proof<'m>(tokens: &mut TokenReader<'m>) -> Option<(&'m [u8], &'m [u8])> {
    field(tokens)?;
    Some((field(tokens)?, field(tokens)?))
}

/// Opens an array of at least `n_members` whose first member is the string `name`.
fn open<'m>(message: &'m [u8], name: &[u8], n_members: usize) -> Option<TokenReader<'m>> {
    let mut tokens = TokenReader::new(message);
    let length = tokens.array().ok()?;
    let is_named = length >= n_members && tokens.string().ok()?.of(message) == name;
    is_named.then_some(tokens)
}

fn field<'m>(tokens: &mut TokenReader<'m>) -> Option<&'m [u8]> {
    let bytes = tokens.bytes;
    tokens.string().ok().map(|span| span.of(bytes))
}

/// Fields are names, nonces, digests, our own messages and values of flags.
const SHORT: &str = "a field is far shorter than 4 GiB";

fn push_str(out: &mut Vec<u8>, text: &[u8]) {
    write_string(StringKind::Str, text, out).expect(SHORT);
}

fn push_bin(out: &mut Vec<u8>, bytes: &[u8]) {
    write_string(StringKind::Bin, bytes, out).expect(SHORT);
}

fn random_bytes() -> Result<[u8; 16], HandshakeError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| "the system provides no random bytes")?;
    Ok(bytes)
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Compares in a time that depends only on the lengths.
fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

async fn receive(reader: &mut MessageReader) -> Result<Bytes, HandshakeError> {
    match reader.next().await {
        Ok(Some((message, _))) => Ok(message),
        Ok(None) => Err("the connection was closed during the handshake"),
        Err(_) => Err("the handshake cannot be read"),
    }
}

async fn send(writer: &mut Writer, bytes: &[u8]) -> Result<(), HandshakeError> {
    let written = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    written.await.map_err(|_| "the handshake cannot be written")
}
