//! Plain versions of the functions in `value`, and generated values on which both are compared.
//!
//! The fast versions read tables; these spell the rules out. The generated values consist of the
//! words and marks that the rules know, so every branch is reached.

use super::{
    byte_class::Traits,
    value::{self, ENDINGS, FILL_IN, FOLLOWS, LOOK, LOOKUPS, NAMES, STAND_INS},
};

fn is_template(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.len() > LOOK {
        return false;
    }
    value.is_empty()
        || value::is_expansion(value)
        || is_fill(value)
        || is_stand_in(value)
        || is_lookup(value)
}

fn is_fill(value: &[u8]) -> bool {
    if value == "\u{2026}".as_bytes()
        || is_repeated(value, "\u{2022}")
        || is_repeated(value, "\u{25cf}")
    {
        return true;
    }
    let fill = |byte: u8| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'#' | b'?');
    value.iter().all(|byte| fill(*byte)) && !matches!(value, [b'#' | b'?'])
}

fn is_filler(value: &[u8]) -> bool {
    let half = &value[value.len() / 2..];
    let mut plain = half.iter().filter(|byte| !b"-_.=%".contains(byte)).map(u8::to_ascii_lowercase);
    let first = plain.next();
    half.len() >= 4
        && first
            .is_none_or(|first| b"xabcf01*#?z".contains(&first) && plain.all(|byte| byte == first))
}

fn is_repeated(value: &[u8], piece: &str) -> bool {
    value.chunks(piece.len()).all(|chunk| chunk == piece.as_bytes())
}

fn is_stand_in(value: &[u8]) -> bool {
    // The word lists hold neither digits nor marks.
    let is_plain = value
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || is_separator(*byte) || *byte == b'\'');
    is_plain && (is_stand_in_word(value) || is_fill_in(value) || is_capital_name(value))
}

fn is_stand_in_word(value: &[u8]) -> bool {
    let mut letters = [0; 16];
    let mut n_letters = 0;
    for byte in value.iter().filter(|byte| !is_separator(**byte)) {
        let Some(letter) = letters.get_mut(n_letters) else { return false };
        *letter = byte.to_ascii_lowercase();
        n_letters += 1;
    }
    let letters = std::str::from_utf8(&letters[..n_letters]).unwrap_or_default();
    !letters.is_empty() && STAND_INS.split(' ').any(|word| word == letters)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b' ' | b'.' | b'/' | b'!')
}

fn is_fill_in(value: &[u8]) -> bool {
    let parts = || value.split(|byte| is_separator(*byte)).filter(|part| !part.is_empty());
    let begins = parts().next().is_some_and(|part| {
        FILL_IN.split(' ').any(|word| part.eq_ignore_ascii_case(word.as_bytes()))
            || part.len() > 4 && part[..4].eq_ignore_ascii_case(b"your")
    });
    let ends = parts().next_back().is_some_and(|part| {
        ENDINGS.split(' ').any(|word| part.eq_ignore_ascii_case(word.as_bytes()))
            || part == b"EXAMPLE"
    });
    let n_parts = parts().count();
    (begins || ends) && (n_parts > 1 || value.len() > 4 && value[..4].eq_ignore_ascii_case(b"your"))
}

fn is_capital_name(value: &[u8]) -> bool {
    value
        .split(|byte| matches!(byte, b'_' | b'-'))
        .all(|part| NAMES.split(' ').any(|name| part == name.as_bytes()))
}

fn is_lookup(value: &[u8]) -> bool {
    let name = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'.' | b'[' | b']' | b'(' | b')' | b'\'' | b'"' | b'\\')
    };
    LOOKUPS.iter().any(|lookup| {
        value.len() > lookup.len()
            && value[..lookup.len()].eq_ignore_ascii_case(lookup)
            && value[lookup.len()..].iter().all(name)
            && !is_random(&value[lookup.len()..])
    })
}

fn is_random(value: &[u8]) -> bool {
    let value = &value[..value.len().min(LOOK)];
    if value.len() < 8 || value.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0x0b) {
        return false;
    }
    if is_uuid(value) || runs(value).any(is_digest) {
        return true;
    }
    if is_address(value) {
        return false;
    }
    let bigram_score: u32 = runs(value).map(bigram_score).sum();
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let punctuation =
        value.iter().filter(|byte| matches!(byte, b'!' | b'^' | b'&' | b'*' | b'#' | b'$')).count();
    let bigram_score = bigram_score
        + if bigram_score > 0 { 4 * u32::try_from(punctuation.min(3)).unwrap_or(0) } else { 0 };
    bigram_score >= 20 && bigram_score >= length * 3 / 2
}

fn runs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b'%').enumerate().flat_map(|(index, part)| {
        let part = match part {
            [high, low, rest @ ..]
                if index > 0 && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest
            }
            _ => part,
        };
        part.split(|byte| !byte.is_ascii_alphanumeric())
    })
}

fn is_address(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").or_else(|| value.strip_prefix(b"0X"));
    digits.is_some_and(|digits| digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_digest(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let lower = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let upper = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    value.len() >= 16 && (lower || upper) && digits > 0 && (digits < value.len() || digits > 24)
}

fn bigram_score(run: &[u8]) -> u32 {
    let mut total = 0;
    for (index, pair) in run.windows(2).enumerate() {
        let [left, right] = [pair[0], pair[1]];
        total += match (kind(left), kind(right)) {
            (Kind::Digit, Kind::Digit) => 0,
            (Kind::Digit, _) => 6,
            (_, Kind::Digit) => 2,
            // A capital that begins a word (`parseJson`) is common, any other is not.
            (Kind::Lower, Kind::Upper) => match run.get(index + 2..index + 4) {
                Some(next) if next.iter().all(u8::is_ascii_lowercase) => 1,
                _ => 6,
            },
            (Kind::Upper, Kind::Lower) if index > 0 && kind(run[index - 1]) == Kind::Upper => 4,
            _ if follows(left, right) => 0,
            _ => 5,
        };
    }
    total
}

fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'A'..=b'Z' => Kind::Upper,
        _ => Kind::Lower,
    }
}

fn follows(left: u8, right: u8) -> bool {
    let index = usize::from(left.to_ascii_lowercase().wrapping_sub(b'a'));
    FOLLOWS.get(index).is_some_and(|letters| letters.contains(&right.to_ascii_lowercase()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digit,
    Lower,
    Upper,
}

/// A source of numbers that is the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A value of a few pieces: words of the lists, parts of templates, single bytes, runs of one
/// alphabet.
pub(super) fn generated(numbers: &mut Numbers) -> Vec<u8> {
    const PIECES: &str = "${ } { {{ }} $ $( ) < > [ ] % %s %( )s __ @@ @ <% %> #{ %3c %3e &lt; &gt; \\u003c \\u003e \\ %41 %4 0x :- := env: \
        REDACTED- /  / . _ - ! ' \" + = x xxxx XXX *** ... \u{2026} \u{2022} \u{25cf} é here EXAMPLE placeholder your yourx aB aBc ABc 123 0 00 \
        deadbeef DEADBEEF 0123456789abcdef";
    const ALPHABETS: [&[u8]; 6] = [
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        b"0123456789abcdef",
        b"0123456789ABCDEF-",
        b"etaoinshrdlu",
        b"aB1%$#! ./_-",
        b"xX-",
    ];
    let words: Vec<&str> = [PIECES, STAND_INS, FILL_IN, ENDINGS, NAMES]
        .iter()
        .flat_map(|list| list.split(' '))
        .collect();
    let mut value = Vec::new();
    for _ in 0..=numbers.below(5) {
        match numbers.below(6) {
            0 => {
                let alphabet = ALPHABETS[numbers.below(ALPHABETS.len())];
                let length = [3, 8, 20, 40, 300][numbers.below(5)];
                value.extend(
                    (0..numbers.below(length)).map(|_| alphabet[numbers.below(alphabet.len())]),
                );
            }
            1 => value.push(numbers.below(256) as u8),
            2 => value.extend_from_slice(LOOKUPS[numbers.below(LOOKUPS.len())]),
            3 => value.extend(
                words[numbers.below(words.len())].bytes().map(|byte| byte.to_ascii_uppercase()),
            ),
            _ => value.extend_from_slice(words[numbers.below(words.len())].as_bytes()),
        }
    }
    value
}

#[test]
fn tables_answer_what_plain_predicates_answer() {
    let mut numbers = Numbers(20_261_125);
    let mut counts = [0; 3];
    for _ in 0..60_000 {
        let value = generated(&mut numbers);
        let shown = || value.escape_ascii().to_string();
        let answers = [is_template(&value), is_random(&value), is_filler(&value)];
        assert_eq!(value::is_template(&value), answers[0], "{}", shown());
        assert_eq!(value::is_template_of(&value, Traits::of(&value)), answers[0], "{}", shown());
        assert_eq!(value::is_random(&value), answers[1], "{}", shown());
        assert_eq!(value::is_filler(&value), answers[2], "{}", shown());
        counts.iter_mut().zip(answers).for_each(|(count, answer)| *count += usize::from(answer));
    }
    assert!(counts.iter().all(|count| *count > 500), "the values are of every kind: {counts:?}");
}

#[test]
fn what_the_upper_bound_excludes_is_not_random() {
    let mut numbers = Numbers(7);
    let (mut n_calm, mut n_random) = (0, 0);
    for _ in 0..3000 {
        let text: Vec<u8> = (0..3).flat_map(|_| generated(&mut numbers)).collect();
        let mut bound = value::RandomnessUpperBound::default();
        let mut start = 0;
        while start < text.len() {
            let (is_calm, is_random) =
                (bound.excludes(&text, start, text.len()), is_random(&text[start..]));
            assert!(!is_calm || !is_random, "{} at {start}", text.escape_ascii());
            (n_calm, n_random) = (n_calm + usize::from(is_calm), n_random + usize::from(is_random));
            start += 1 + numbers.below(9);
        }
    }
    assert!(n_calm > 1000 && n_random > 1000, "{n_calm} calm, {n_random} random");
}
