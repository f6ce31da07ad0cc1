//! Where to listen and where to send: what stands behind `--listen` and `--to`.

use std::path::PathBuf;

use crate::error::Error;

/// A place to listen at, or to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(String),
    Tls(String),
    Unix(PathBuf),
}

/// A place to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Hop(Address),
    Stdout,
    File(PathBuf),
}

impl Address {
    /// Reads `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:///PATH`.
    pub(crate) fn parse(flag: &str, text: &str) -> Result<Address, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("{flag} {}: {why}", without_user(text)))
                .hint("one of tcp://HOST:PORT, tls://HOST:PORT and unix:///PATH")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("no address"))?;
        let host = || {
            if rest.contains('@') {
                return Err(wrong("a user and a password have no place in an address")
                    .hint("--users-file and --to-user-file name files that hold them"));
            }
            let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("no port"))?;
            if host.is_empty() || port.parse::<u16>().is_err() {
                return Err(wrong("not a host and a port"));
            }
            Ok(rest.to_owned())
        };
        match scheme {
            "tcp" => host().map(Address::Tcp),
            "tls" => host().map(Address::Tls),
            "unix" if rest.starts_with('/') => Ok(Address::Unix(rest.into())),
            "unix" => Err(wrong("the path is not absolute")),
            _ => Err(wrong("an unknown scheme")),
        }
    }

    /// The host of a TCP address, without its port and without the brackets of IPv6.
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

/// An address as it may be told: what stands before the last `@` may be a user and a password.
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
                    .hint("write file:///PATH"))
            }
            None => Address::parse("--to", text).map(Target::Hop),
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
    fn addresses_are_read_and_told_as_they_were_written() {
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
    fn users_and_passwords_are_refused_and_not_told() {
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
    fn what_is_no_address_is_refused() {
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
