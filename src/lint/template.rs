//! Examples of rules: `{alnum:36}` and similar placeholders are filled from a fixed seed, and `«»`
//! marks the part that is replaced.
//!
//! So the repository contains no realistic tokens, and every run uses the same bytes. Unknown
//! names, and braces around anything else, are plain text.

use crate::text::span::Span;

/// An example with its placeholders filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The text without marks.
    pub text: Vec<u8>,
    /// The marked spans.
    pub spans: Vec<Span>,
}

const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Fills in `template`.
#[must_use]
pub fn expand(template: &str) -> Example {
    let mut example = Example { text: Vec::new(), spans: Vec::new() };
    let mut random = Random::new(template);
    let mut opened = None;
    // The text of the last placeholder, for `{crc32}`.
    let mut last = 0;
    let mut rest = template;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        if let Some((name, length, tail)) = placeholder(rest) {
            if name == "crc32" {
                let checksum = crate::detect::validators::checksum_of(&example.text[last..]);
                example.text.extend_from_slice(&checksum);
            } else {
                last = example.text.len();
                random.fill(name, length, &mut example.text);
            }
            rest = tail;
            continue;
        }
        match letter {
            '«' => opened = Some(example.text.len()),
            '»' => example
                .spans
                .extend(opened.take().map(|start| Span::new(start, example.text.len()))),
            _ => example.text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after;
    }
    example
}

/// `{name:length}` or `{name}` at the start of `text`, if the name is known.
fn placeholder(text: &str) -> Option<(&str, usize, &str)> {
    let (inner, tail) = text.strip_prefix('{')?.split_once('}')?;
    let (name, length) = match inner.split_once(':') {
        Some((name, length)) => (name, length.parse().ok()?),
        None => (inner, 0),
    };
    let is_plain = matches!(name, "uuid" | "crc32");
    (if is_plain { inner == name } else { length > 0 && alphabet(name).is_some() })
        .then_some((name, length, tail))
}

fn alphabet(name: &str) -> Option<Vec<u8>> {
    Some(match name {
        "alnum" => [DIGITS, UPPER, LOWER].concat(),
        "alpha" => [UPPER, LOWER].concat(),
        "lower" => LOWER.to_vec(),
        "upper" => UPPER.to_vec(),
        "digits" => DIGITS.to_vec(),
        "hex" => [DIGITS, &LOWER[..6]].concat(),
        "HEX" => [DIGITS, &UPPER[..6]].concat(),
        "base32" => [UPPER, &DIGITS[2..8]].concat(),
        "base36" => [DIGITS, LOWER].concat(),
        "BASE36" => [DIGITS, UPPER].concat(),
        "base58" => [DIGITS, UPPER, LOWER]
            .concat()
            .into_iter()
            .filter(|byte| !b"0OIl".contains(byte))
            .collect(),
        "bech32" => b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".to_vec(),
        "base64" => [DIGITS, UPPER, LOWER, b"+/"].concat(),
        "base64url" => [DIGITS, UPPER, LOWER, b"-_"].concat(),
        _ => return None,
    })
}

/// A random generator seeded from the template, so that no two examples get the same text.
struct Random(u64);

impl Random {
    fn new(template: &str) -> Random {
        Random(u64::from(crc32fast::hash(template.as_bytes())) | 1 << 40)
    }

    /// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn fill(&mut self, name: &str, length: usize, text: &mut Vec<u8>) {
        if name == "uuid" {
            for (index, part) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                text.extend((index > 0).then_some(b'-'));
                self.fill("hex", part, text);
            }
            return;
        }
        let alphabet = alphabet(name).expect("only known names are filled");
        // The first and last characters are letters or digits, so that no word boundary depends on
        // chance.
        let inner = |byte: &u8| byte.is_ascii_alphanumeric();
        let edges: Vec<u8> = alphabet.iter().copied().filter(inner).collect();
        for index in 0..length {
            let from = if index == 0 || index + 1 == length { &edges } else { &alphabet };
            let pick = usize::try_from(self.next() >> 33).expect("31 bits fit");
            text.push(from[pick % from.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_marks_taken_out() {
        let example = expand("a «x_{alnum:4}»b {\"k\":1} {nothing:3}");
        assert_eq!(example.spans, [Span::new(2, 8)]);
        let text = String::from_utf8(example.text).expect("text");
        assert!(text.starts_with("a x_") && text.ends_with("b {\"k\":1} {nothing:3}"), "{text}");
        assert_eq!(expand("«{hex:8}»"), expand("«{hex:8}»"));
        assert_ne!(expand("{hex:8}").text, expand("{hex:8} ").text[..8]);
        assert_eq!(expand("{uuid}").text.len(), 36);
    }

    #[test]
    fn a_checksum_is_that_of_the_placeholder_before_it() {
        let text = expand("ghp_{alnum:30}{crc32}").text;
        assert_eq!(text.len(), 40);
        assert_eq!(crate::detect::validators::checksum_of(&text[4..34]), text[34..]);
    }
}
