//! Addresses of `--listen` and `--to`.
//!
//! An address holds no credentials: `user:password@host` is refused, and messages about a wrong
//! address replace that part with `***`.

use std::path::PathBuf;

use crate::error::Error;

/// A socket address to listen on or to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(String),
    Tls(String),
    Unix(PathBuf),
}

/// A destination for scrubbed messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    NextHop(Address),
    Stdout,
    File(PathBuf),
}

impl Address {
    /// Reads `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:///PATH`.
    pub(crate) fn parse(flag: &str, text: &str) -> Result<Address, Error> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(invalid(flag, text, "no address"));
        };
        match scheme {
            "tcp" => host_and_port(flag, text, rest).map(Address::Tcp),
            "tls" => host_and_port(flag, text, rest).map(Address::Tls),
            "unix" if rest.starts_with('/') => Ok(Address::Unix(rest.into())),
            "unix" => Err(invalid(flag, text, "the path is not absolute")),
            _ => Err(invalid(flag, text, "unknown scheme")),
        }
    }

    /// The host name of the address, without the port and the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        match self {
            Address::Tcp(host) | Address::Tls(host) => {
                let host = host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host);
                host.trim_start_matches('[').trim_end_matches(']')
            }
            Address::Unix(_) => "localhost",
        }
    }
}

fn invalid(flag: &str, text: &str, why: &str) -> Error {
    Error::usage(format!("{flag} {}: {why}", without_user(text)))
        .hint("use tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH")
}

/// Checks that `rest`, the part of `text` behind the scheme, is `HOST:PORT`.
fn host_and_port(flag: &str, text: &str, rest: &str) -> Result<String, Error> {
    if rest.contains('@') {
        return Err(invalid(flag, text, "an address cannot contain a user and a password")
            .hint("put them into a file and name it with --users-file or --to-user-file"));
    }
    let (host, port) = rest.rsplit_once(':').ok_or_else(|| invalid(flag, text, "no port"))?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(invalid(flag, text, "not a host and a port"));
    }
    Ok(rest.to_owned())
}

/// An address that is safe to print: everything before the last `@` may be a user and a password.
pub(super) fn without_user(text: &str) -> String {
    let Some((user, host)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = user.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}***@{host}")
}

impl Target {
    /// Reads an address, `stdout` or `file:///PATH`.
    pub(crate) fn parse(text: &str) -> Result<Target, Error> {
        match text.strip_prefix("file://") {
            _ if text == "stdout" => Ok(Target::Stdout),
            Some(path) if path.starts_with('/') => Ok(Target::File(path.into())),
            Some(_) => {
                Err(Error::usage(format!("--to {}: the path is not absolute", without_user(text)))
                    .hint("use file:///PATH"))
            }
            None => Address::parse("--to", text).map(Target::NextHop),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp(host) => write!(f, "tcp://{host}"),
            Address::Tls(host) => write!(f, "tls://{host}"),
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_display_as_they_were_written() {
        for text in [
            "tcp://127.0.0.1:24224",
            "tls://logs.example:24284",
            "unix:///run/fluent.sock",
            "tcp://[::1]:24224",
        ] {
            assert_eq!(Address::parse("--to", text).expect(text).to_string(), text);
        }
        assert_eq!(Address::Tcp("[::1]:24224".to_owned()).host(), "::1");
        assert_eq!(Target::parse("stdout").expect("a target"), Target::Stdout);
        assert_eq!(Target::parse("file:///a/b").expect("a target"), Target::File("/a/b".into()));
    }

    #[test]
    fn users_and_passwords_are_refused_and_not_printed() {
        for text in [
            "tcp://u:Zq7xK29v@h:1",
            "tcp://u:Zq7xK29v@h",
            "tls://u:Zq7@xK29v@h:1",
            "u:Zq7xK29v@h:1",
            "http://Zq7xK29v@h",
            "file://u:Zq7xK29v@h",
        ] {
            let message = Target::parse(text).expect_err(text).to_string();
            assert!(!message.contains("Zq7") && message.contains("***@h"), "{message}");
        }
        assert!(Target::parse("unix:///run/a@b").is_ok());
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "localhost:24224",
            "tcp://localhost",
            "tcp://:1",
            "tcp://a:70000",
            "unix://a",
            "http://a:1",
            "file://a",
            "",
        ] {
            assert_eq!(Target::parse(text).expect_err(text).exit_code(), 2);
        }
    }
}
