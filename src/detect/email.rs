//! Email addresses: found from the `@` in both directions; the last label of the domain decides.
//!
//! The local part consists of the characters that RFC 5321 and 6531 allow and logs contain, at most
//! [`MAX_LOCAL`] bytes. The domain is labels between dots, or an address literal in brackets. Other
//! texts with an `@` are refused by the last label (a file suffix, a systemd unit, a number), by
//! the text before it (the user of a URL, `git@`), or as a Kerberos realm after a slash.
//!
//! Not found: addresses with comments or with white space in an unquoted local part.
//!
//! <https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2>

use super::{
    Candidate, Context, Detector, Located, Rejection, edge, url,
    words::{self, WordTable},
};
use crate::{
    finding::Finding,
    rules::{Recogniser, RuleId, RuleSet},
    text::{escape, span::Span, visits},
};

/// The maximum length of a local part. RFC 5321 allows 64 octets; some senders use more.
const MAX_LOCAL: usize = 128;

/// The maximum length between an address and the `@` of the next one in a chain.
const MAX_CHAIN: usize = 1024;

/// The maximum length of a domain: RFC 5321, section 4.5.3.1.2.
const MAX_DOMAIN: usize = 255;

/// U+FFFD, which replaces invalid bytes and is part of no address.
const REPLACEMENT: &[u8] = b"\xef\xbf\xbd";

/// Last labels that make no domain: suffixes of files, kinds of systemd unit, parts of code.
const NOT_A_DOMAIN: &str = "avif bak bin bmp bz2 cc cfg class conf cpp cs css csv dat db deb device dll doc docx exe gif go gz html htm ico img \
    ini iso jar java jpeg jpg js json jsx key lock log map mjs mount mp3 mp4 pdf pem php png properties rb rpm scope \
    service slice socket sql svg swap tar target timer tmp toml ts tsx ttf txt webp woff xml yaml yml";

/// The most frequent top-level domains, recognised without a search.
const COMMON: &str = "com net org edu gov mil int info biz name dev app cloud online shop de uk fr jp cn br ru nl it es eu io co us ca au in";

const NONE: u8 = 1;
const KNOWN: u8 = 2;

/// All top-level domains: lower case, sorted, one on a line after a line of comment.
/// `patterns/tlds/refresh` updates the list.
const TOP_LEVEL: &str = include_str!("../../patterns/tlds/list.txt");

/// The maximum length of a DNS label.
const MAX_LABEL: usize = 63;

static LABELS: WordTable<256> = WordTable::new(&[(NONE, NOT_A_DOMAIN), (KNOWN, COMMON)]);

/// Owners of SSH algorithms, which are named like addresses: `umac-64@openssh.com`.
const CIPHERS: [&str; 3] = ["openssh.com", "lysator.liu.se", "libssh.org"];

/// The detector of email addresses.
pub(crate) struct EmailDetector {
    rule: Option<RuleId>,
}

/// What is known of the text.
#[derive(Default)]
pub(super) struct Progress {
    /// Everything before this belongs to an address that was found.
    done: usize,
    /// The last label that was searched in the list of all top-level domains, packed into a number,
    /// and whether it is there. Most unknown domains of a log end alike, in `.internal` or
    /// `.local`.
    searched: Option<(u128, bool)>,
    /// How often a domain was found, so that the rest of the address was examined.
    pub(super) n_examined: u64,
}

impl EmailDetector {
    pub(super) fn new(rules: &RuleSet) -> EmailDetector {
        EmailDetector {
            rule: rules
                .iter()
                .find(|(_, rule)| matches!(rule.recogniser, Recogniser::Email))
                .map(|(id, _)| id),
        }
    }
}

impl Detector for EmailDetector {
    /// Most texts with an `@` are no addresses, and nearly all of those are refused by the two
    /// bytes around it or by the last label. So the domain comes first, which is short and never
    /// read twice. The local part and its surroundings are read only if the domain is possible.
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let rule = self.rule.ok_or(Rejection::RuleOff)?;
        let (hay, at) = (context.hay, candidate.span());
        let progress = &mut context.memory.email;
        if at.start < progress.done {
            return Err(Rejection::AlreadyExamined);
        }
        // No local part ends with a line end, so an `@` that begins its record is refused here too.
        let left =
            at.start.checked_sub(1).map(|before| hay[before]).ok_or(Rejection::NoLocalPart)?;
        if !is_local(left) && left != b'"' && at.start != progress.done {
            return Err(Rejection::NoLocalPart);
        }
        let domain = domain(hay, at.end, &mut progress.searched).ok_or(Rejection::NoDomain)?;
        progress.n_examined += 1;
        let located = &context.memory.records.locate(hay, at);
        let floor = located.record.start.max(progress.done);
        let start = local_start(hay, floor, at.start)
            .or_else(|| is_chained(located, floor).then_some(floor))
            .ok_or(Rejection::NoLocalPart)?;
        let local = &hay[start..at.start];
        if context.placeholders.is_whole(local) {
            return Err(Rejection::Placeholder);
        }
        // A domain with an unknown last label counts unless the local part is code.
        if domain.label == Label::Unknown && is_code(local)
            || is_other(located, start, domain.end, &mut context.memory.url)
        {
            return Err(Rejection::NotEmail);
        }
        context.findings.push(Finding::text(Span::new(start, domain.end), rule));
        progress.done = domain.end;
        Ok(())
    }
}

/// Whether only characters of a local part are between an address that ends at `floor` and the `@`.
/// A chain like `a@b.co@mail.example.com` is redacted as a whole: otherwise the placeholder of its
/// first half would be the local part of the rest in the next run.
fn is_chained(located: &Located<'_>, floor: usize) -> bool {
    let between = &located.hay[floor..located.anchor.start];
    visits::add(between.len().min(MAX_CHAIN));
    floor > located.record.start
        && between.len() <= MAX_CHAIN
        && between.iter().rev().all(|byte| is_local(*byte))
}

/// The start of the local part that ends at `end`.
fn local_start(hay: &[u8], floor: usize, end: usize) -> Option<usize> {
    let floor = floor.max(end.saturating_sub(MAX_LOCAL));
    if hay[end - 1] == b'"' {
        return quoted_start(hay, floor, end - 1);
    }
    let length = hay[floor..end].iter().rev().take_while(|byte| is_local(**byte)).count();
    visits::add(3 * length);
    let mut start = end - length;
    // An escape counts as its character, not as the letters it is written with. Its first byte
    // comes before those letters and is not of a local part itself, except the percent sign.
    let before = &hay[floor..start];
    if matches!(before.last(), Some(b'\\' | b'#' | b'[' | b';'))
        || memchr::memchr(b'%', &hay[start..end]).is_some()
    {
        start = (start + 1..=end)
            .rev()
            .find(|at| edge::escape_before(&hay[floor..*at]).is_some())
            .unwrap_or(start);
    }
    let has_replacement = memchr::memchr(REPLACEMENT[0], &hay[start..end]).is_some();
    if let Some(at) =
        has_replacement.then(|| memchr::memmem::rfind(&hay[start..end], REPLACEMENT)).flatten()
    {
        start += at + REPLACEMENT.len();
    }
    let edges = hay[start..end].iter().take_while(|byte| b"'.`".contains(byte)).count();
    start += edges;
    (start < end).then_some(start)
}

/// The start of the quoted local part with its closing quote at `close`. The opening quote has as
/// many backslashes before it.
///
/// A quoted local part must begin with a letter, perhaps an escaped one. Otherwise the two quotes
/// may be the ends of two JSON strings: `"key":"@example.com"`.
fn quoted_start(hay: &[u8], floor: usize, close: usize) -> Option<usize> {
    let depth = escape::backslashes_before(hay, floor, close);
    let mut at = close - depth;
    while let Some(open) = memchr::memrchr(b'"', &hay[floor..at]).map(|open| floor + open) {
        if escape::backslashes_before(hay, floor, open) == depth {
            let start = open - depth;
            let inside = hay[open + 1..].strip_prefix(b"\\").unwrap_or(&hay[open + 1..]);
            return is_local(inside[0]).then_some(start);
        }
        at = open;
    }
    None
}

/// A domain that may belong to an address.
struct Domain {
    end: usize,
    label: Label,
}

/// What the last label tells about a domain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// It is a top-level domain, or the domain is an address literal.
    Known,
    /// It could be a top-level domain.
    Unknown,
}

/// The domain that begins at `start`, if there is one. It contains no line end, so the record need
/// not be known.
fn domain(hay: &[u8], start: usize, searched: &mut Option<(u128, bool)>) -> Option<Domain> {
    let rest = &hay[start..hay.len().min(start + MAX_DOMAIN)];
    if rest.first() == Some(&b'[') {
        return literal(rest).map(|length| Domain { end: start + length, label: Label::Known });
    }
    let domain = &rest[..labels_length(rest)?];
    let dot = memchr::memrchr(b'.', domain).filter(|dot| *dot > 0)?;
    let label = label(&domain[dot + 1..], searched)?;
    (!is_version(domain)).then_some(Domain { end: start + domain.len(), label })
}

/// The length of the labels at the beginning of `rest`; `None` without a dot.
fn labels_length(rest: &[u8]) -> Option<usize> {
    let mut dot = None;
    let mut length = rest.len();
    for (at, byte) in rest.iter().enumerate() {
        match CLASS[usize::from(*byte)] & (LABEL | DOT) {
            0 => {
                length = at;
                break;
            }
            DOT if at > 0 && dot == Some(at - 1) => {
                length = at - 1;
                break;
            }
            DOT => dot = Some(at),
            _ => {}
        }
    }
    visits::add(length);
    dot?;
    length -= rest[..length].iter().rev().take_while(|byte| b".-_".contains(byte)).count();
    Some(length)
}

/// The length of an address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
fn literal(rest: &[u8]) -> Option<usize> {
    let close = memchr::memchr(b']', &rest[..rest.len().min(64)])?;
    let inner = &rest[1..close];
    let is_v6 = inner.len() > 5 && inner[..5].eq_ignore_ascii_case(b"ipv6:");
    let is_v4 = inner.split(|byte| *byte == b'.').count() == 4
        && inner.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    (is_v4
        || is_v6 && inner[5..].iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)))
    .then_some(close + 1)
}

const LOCAL: u8 = 1;
const LABEL: u8 = 2;
const DOT: u8 = 4;

/// The parts of an address in which each byte may occur.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte >= 0x80 || (byte as u8).is_ascii_alphanumeric();
        class[byte] = match byte as u8 {
            _ if letter => LOCAL | LABEL,
            b'.' => LOCAL | DOT,
            b'-' | b'_' => LOCAL | LABEL,
            b'%' | b'+' | b'\'' | b'~' | b'!' | b'$' | b'^' | b'`' => LOCAL,
            _ => 0,
        };
        byte += 1;
    }
    class
};

/// Whether a byte may occur in a local part.
fn is_local(byte: u8) -> bool {
    CLASS[usize::from(byte)] & LOCAL != 0
}

/// Judges the last label of a domain: two or more letters, or letters of other scripts, but no
/// suffix of files, units or code.
fn label(label: &[u8], searched: &mut Option<(u128, bool)>) -> Option<Label> {
    if label.len() < 2 || !label.iter().all(u8::is_ascii_alphabetic) {
        let is_punycode = label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--");
        let is_wide = label.iter().any(|byte| *byte >= 0x80);
        let known = if is_punycode && is_top_level(label) { Label::Known } else { Label::Unknown };
        return (is_punycode || is_wide).then_some(known);
    }
    match LABELS.lists(label) {
        NONE => None,
        KNOWN => Some(Label::Known),
        _ => {
            let word = words::pack(label);
            let is_known = match *searched {
                Some((known, is_known)) if Some(known) == word => is_known,
                _ => is_top_level(label),
            };
            *searched = word.map(|word| (word, is_known));
            Some(if is_known { Label::Known } else { Label::Unknown })
        }
    }
}

/// Whether IANA's list holds `label`, ignoring case.
fn is_top_level(label: &[u8]) -> bool {
    let mut lower = [0; MAX_LABEL];
    let Some(lower) = lower.get_mut(..label.len()) else { return false };
    lower.copy_from_slice(label);
    lower.make_ascii_lowercase();
    // Most are one of a few, which need no search.
    if matches!(&*lower, b"com" | b"net" | b"org" | b"io" | b"de" | b"uk") {
        return true;
    }
    let list = TOP_LEVEL.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            memchr::memrchr(b'\n', &list[low..middle]).map_or(low, |newline| low + newline + 1);
        let end = memchr::memchr(b'\n', &list[start..high]).map_or(high, |length| start + length);
        match list[start..end].cmp(lower) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = (end + 1).min(high),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

/// Whether the first two labels begin with digits, as in the versions `4.5.6` and `18.2.0-rc`.
fn is_version(domain: &[u8]) -> bool {
    let mut labels = domain.split(|byte| *byte == b'.');
    let first = labels.next().unwrap_or_default();
    !first.is_empty()
        && first.iter().all(u8::is_ascii_digit)
        && labels.next().is_some_and(|label| label.first().is_some_and(u8::is_ascii_digit))
}

/// Whether `local` is a name in code: a capital after a small letter, twice, or once in a name with
/// two dots.
fn is_code(local: &[u8]) -> bool {
    let humps = local
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    let dots = local.iter().filter(|byte| **byte == b'.').count();
    humps >= 2 || dots >= 2 && humps >= 1
}

/// Whether the text is written like an address and is something else.
fn is_other(located: &Located<'_>, start: usize, end: usize, urls: &mut url::Progress) -> bool {
    let hay = located.hay;
    let local = &hay[start..located.anchor.start];
    let before = hay[located.record.start..start].last();
    let domain = &hay[located.anchor.end..end];
    let is_realm = before == Some(&b'/') && !domain.iter().any(u8::is_ascii_lowercase);
    let is_code = before == Some(&b'@') || local.eq_ignore_ascii_case(b"git");
    let is_cipher = CIPHERS.iter().any(|owner| domain == owner.as_bytes()) && local.contains(&b'-');
    is_cipher || is_realm || is_code || url::is_userinfo_end(located, urls)
}

#[cfg(test)]
mod tests {
    use crate::{Policy, RuleSet, Scrubber};

    fn scrub(text: &str) -> String {
        let mut rules = RuleSet::embedded();
        rules = RuleSet::new(
            rules.rules().iter().filter(|rule| rule.id() == "email").cloned().collect(),
        );
        let mut scrubber = Scrubber::new(&rules, &Policy::new()).expect("the policy is plain");
        let mut out = Vec::new();
        match scrubber.scrub_block(text.as_bytes(), &mut out) {
            crate::Outcome::Clean => text.to_owned(),
            _ => String::from_utf8(out).expect("text stays text"),
        }
    }

    #[test]
    fn every_top_level_domain_is_known_and_nothing_else() {
        let mut lines = super::TOP_LEVEL.lines();
        assert!(
            lines.next().is_some_and(|line| line.starts_with('#')),
            "the first line says of what date the list is"
        );
        let labels: Vec<&str> = lines.collect();
        assert!(labels.len() > 1000 && labels.is_sorted());
        for label in labels {
            assert!(
                super::is_top_level(label.as_bytes())
                    && super::is_top_level(label.to_uppercase().as_bytes()),
                "{label}"
            );
            assert!(!super::is_top_level(format!("{label}-").as_bytes()), "{label}-");
        }
        for label in ["", "#", "qq", "zzzz", "local", &"a".repeat(64)] {
            assert!(!super::is_top_level(label.as_bytes()), "{label}");
        }
    }

    #[test]
    fn addresses_go() {
        for (text, clean) in [
            ("to=<alice@example.com>,", "to=<REDACTED-email>,"),
            ("a%40b.co&x", "REDACTED-email&x"),
            (r#"{"m":"x\nalice@example.com\n"}"#, r#"{"m":"x\nREDACTED-email\n"}"#),
            (r"\u003calice\u0040example.com\u003e", r"\u003cREDACTED-email\u003e"),
            ("q%3Dalice%40example.com%26x", "q%3DREDACTED-email%26x"),
            ("#012bob@corp.local.", "#012REDACTED-email."),
            ("\u{1b}[31mbob@corp.local\u{1b}[0m", "\u{1b}[31mREDACTED-email\u{1b}[0m"),
            (r#""john doe"@example.com"#, "REDACTED-email"),
            (r#"to=<"\j"@example.com>"#, "to=<REDACTED-email>"),
            ("a@[192.0.2.1] b@[IPv6:2001:db8::1]", "REDACTED-email REDACTED-email"),
            ("jörg@müller.example o'neil+x@mail.example.museum", "REDACTED-email REDACTED-email"),
            ("https://alice@example.com:pw@host/", "https://REDACTED-email:pw@host/"),
            ("a@b.co@mail.example.com a@b.co.@mail.example.com", "REDACTED-email REDACTED-email"),
        ] {
            assert_eq!(scrub(text), clean);
            assert_eq!(scrub(clean), clean);
        }
    }

    #[test]
    fn what_only_looks_so_stays() {
        for text in [
            "react@18.2.0",
            "image@sha256:0a1b",
            "icon@2x.png",
            "java.lang.Object@1b2c3d4",
            "getty@tty1.service",
            "root@192.168.1.1",
            "user@host",
            "@mention x",
            "host/svc@REALM.EXAMPLE",
            "1.2.3@4.5.6",
            "git@github.com:org/repo",
            "ssh://git@host.example/x",
            "@scope/pkg@1.2.3",
            "a @ b.com",
            "@example.com",
            "x@.com",
            "x@a..com",
            r#"{"":"@example.com","a":["b","@example.com"], "c" :"@example.com"}"#,
        ] {
            assert_eq!(scrub(text), text);
        }
    }
}
