//! `ip-address`: an IPv4 or IPv6 address of a host: not unspecified, loopback, broadcast or a
//! netmask.
//!
//! <https://www.rfc-editor.org/rfc/rfc4291#section-2.2>

use core::net::IpAddr;

use super::Verdict;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let parsed = std::str::from_utf8(secret).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let is_somebodys = match parsed {
        Some(IpAddr::V4(address)) => {
            // Netmasks begin with ones, and no network has addresses in 255.x.
            address.octets()[0] != 255 && !address.is_unspecified() && !address.is_loopback()
        }
        // `fa::de` is a path in code more often than an address.
        Some(IpAddr::V6(address)) => {
            !address.is_unspecified()
                && !address.is_loopback()
                && secret.iter().any(u8::is_ascii_digit)
        }
        None => false,
    };
    if is_somebodys { Verdict::Confirmed } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_somebody_are_told_from_the_rest() {
        for address in
            ["192.0.2.7", "10.1.2.3", "2001:db8::8a2e:370:7334", "fe80::1", "::ffff:192.0.2.1"]
        {
            assert_eq!(judge(address.as_bytes()), Verdict::Confirmed, "{address}");
        }
        for other in [
            "0.0.0.0",
            "127.0.0.1",
            "255.255.255.0",
            "::1",
            "::",
            "12:34:56",
            "fa::de",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
        ] {
            assert_eq!(judge(other.as_bytes()), Verdict::Refuted, "{other}");
        }
    }
}
