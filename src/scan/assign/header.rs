//! HTTP headers whose value has a grammar of its own: `Authorization` and kin, `Cookie` and `Set-Cookie`.
//!
//! <https://www.rfc-editor.org/rfc/rfc9110#section-11.4>, <https://www.rfc-editor.org/rfc/rfc6265#section-4>

use super::{
    Report,
    key::{Key, is_closing, is_end_of_string, quote_at},
    place,
    seek::Seek,
};
use crate::{
    scan::{Hit, class, edge, value, words::WordTable},
    span::{Shape, Span},
};

/// Schemes behind which a credential stands, whatever it looks like.
const SCHEMES: &str = "basic bearer token apikey api-key negotiate ntlm hawk oauth oauth2 signature sso-key key geniekey ssws aws splunk jwt \
    digest aws4-hmac-sha256 sharedkey sharedkeylite bot discogs klaviyo-api-key pat private-token zoho-oauthtoken";

/// Parameters of a scheme that are secret.
const PARAMETERS: &str = "response signature credential oauth_token oauth_signature mac password token cnonce sig";

/// Attributes of a cookie, and the name under which a remote desktop sends the user's.
const ATTRIBUTES: &str = "path domain expires max-age samesite version priority comment mstshash";

const SCHEME: u8 = 1;
const PARAMETER: u8 = 2;
const ATTRIBUTE: u8 = 4;

static WORDS: WordTable<128> = WordTable::new(&[(SCHEME, SCHEMES), (PARAMETER, PARAMETERS), (ATTRIBUTE, ATTRIBUTES)]);

/// What was walked already, by a header whose name stands inside the value of another.
#[derive(Default)]
pub(super) struct Memo {
    /// The end of the last header's value.
    end: usize,
    /// Where the next credential ends.
    credential: Seek,
    /// Where the next bracket stands, which no credential has.
    bracket: Seek,
    /// The last parameters that were read.
    parameters: Span,
    /// The end of the last cookies that were read.
    cookies: usize,
    /// Where the next pair of cookies ends, where the next equals sign stands, and what ends a value.
    pair: Seek,
    equals: Seek,
    value: Seek,
}

impl Memo {
    /// Something that changes whenever a header was read.
    pub(super) fn effort(&self) -> u64 {
        self.end as u64
    }
}

/// A scheme and a credential: the scheme stays.
pub(super) fn credential(hit: &Hit<'_>, key: &Key, memo: &mut Memo, report: &mut Report<'_, '_>) {
    let Some(region) = region(hit, key, &mut memo.end) else { return };
    let text = region.of(hit.hay);
    let scheme = class::run(&text[..text.len().min(32)], class::ALNUM | class::UNDERSCORE | class::DASH);
    let spaces = text[scheme..].iter().take_while(|byte| matches!(byte, b' ' | b'+')).count();
    let is_known = WORDS.holds(SCHEME, &text[..scheme]);
    if is_known && has_parameters(&text[scheme + spaces..]) {
        return parameters(hit, Span::new(region.start + scheme + spaces, region.end), key, memo, report);
    }
    let start = if scheme > 0 && spaces > 0 { scheme + spaces } else { 0 };
    let until_stop = |from: usize, to: usize| {
        let length = class::until(&hit.hay[from..to], class::CREDENTIAL_STOP);
        (from + length < to).then_some(from + length)
    };
    let begin = region.start + start;
    let length = memo.credential.find(begin, region.end, until_stop).unwrap_or(region.end) - begin;
    let length = length - text[start..start + length].iter().rev().take_while(|byte| **byte == b'.').count();
    let secret = &text[start..start + length];
    if report.is_label(secret) {
        return;
    }
    let is_secret = if start == 0 {
        secret.len() >= 8 && (value::is_random(secret) || secret.len() == text.len() && is_mixed(secret))
    } else {
        is_known && is_credential(hit.hay, Span::new(begin, begin + length), &mut memo.bracket)
            || value::is_random(secret)
    };
    if is_secret && !value::is_template(secret) && !secret.is_empty() {
        report.push(Span::new(region.start + start, region.start + start + length), key.rule, Shape::Text);
    }
}

/// Letters and digits and nothing else, as the whole of a header: no word of prose is.
fn is_mixed(secret: &[u8]) -> bool {
    class::run(secret, class::ALNUM) == secret.len() && {
        let traits = class::Traits::of(secret);
        traits.any(class::DIGIT) && traits.any(class::ALPHA)
    }
}

/// Behind a known scheme: no word of prose, no expression.
fn is_credential(hay: &[u8], span: Span, bracket: &mut Seek) -> bool {
    let secret = span.of(hay);
    let until_bracket = |from: usize, to: usize| {
        let length = class::until(&hay[from..to], class::BRACKET);
        (from + length < to).then_some(from + length)
    };
    let is_word = || secret.len() <= 20 && class::run(secret, class::SMALL) == secret.len();
    secret.len() >= 3
        && !secret.starts_with(b"%")
        && !is_word()
        && bracket.find(span.start, span.end, until_bracket).is_none()
}

fn has_parameters(text: &[u8]) -> bool {
    let name = class::run(text, class::ALNUM | class::UNDERSCORE);
    name > 0
        && text.get(name) == Some(&b'=')
        && text.get(name + 1).is_some_and(|byte| *byte == b'"' || *byte == b'\\' || byte.is_ascii_alphanumeric())
}

/// `name="value", name=value`: the values of secret names go.
fn parameters(hit: &Hit<'_>, region: Span, key: &Key, memo: &mut Memo, report: &mut Report<'_, '_>) {
    let mut at = region.start;
    let walked = std::mem::replace(&mut memo.parameters, region);
    while at < region.end {
        // Nothing reaches across white space, so from here on both walks are one.
        if region.end == walked.end && walked.contains(at) && class::is(hit.hay[at - 1], class::WHITE) {
            return;
        }
        let rest = &hit.hay[at..region.end];
        let name = class::run(rest, class::ALNUM | class::UNDERSCORE);
        if name == 0 || rest.get(name) != Some(&b'=') {
            at += name.max(1);
            continue;
        }
        let quote = quote_at(hit.hay, at + name + 1, region.end);
        let start = quote.map_or(at + name + 1, |quote| quote.end);
        let value = &hit.hay[start..region.end];
        let length = value.iter().take_while(|byte| !byte.is_ascii_whitespace() && !b",;\"'\\".contains(byte)).count();
        let is_secret = WORDS.holds(PARAMETER, &rest[..name]);
        if is_secret && !value::is_template(&value[..length]) {
            report.push(Span::new(start, start + length), key.rule, Shape::Text);
        }
        at = start + length;
    }
}

/// `name=value; name=value; Path=/`: every value goes, names and attributes stay.
pub(super) fn cookies(hit: &Hit<'_>, key: &Key, memo: &mut Memo, report: &mut Report<'_, '_>) {
    let Some(region) = region(hit, key, &mut memo.end) else { return };
    let hay = hit.hay;
    let first = |byte: u8| move |from, to| memchr::memchr(byte, &hay[from..to]).map(|length: usize| from + length);
    let mut at = region.start;
    // Inside cookies that were read only the first one is cut in another way.
    let is_inside = std::mem::replace(&mut memo.cookies, region.end) == region.end;
    for index in 0.. {
        if at > region.end || is_inside && index > 0 {
            break;
        }
        let end = memo.pair.find(at, region.end, first(b';')).unwrap_or(region.end);
        let start = std::mem::replace(&mut at, end + 1);
        let Some(equals) = memo.equals.find(start, end, first(b'=')) else { continue };
        let name = hay[start..equals].trim_ascii();
        let value_end = memo.value.find(equals + 1, end, |from, to| {
            let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
            hay[from..to].iter().position(is_end).map(|length| from + length)
        });
        let value = &hay[equals + 1..value_end.unwrap_or(end)];
        let is_name = !name.is_empty() && name.len() <= 128 && !name.contains(&b' ');
        let is_attribute = WORDS.holds(ATTRIBUTE, name);
        if is_name && !is_attribute && value.len() >= 4 && !value::is_template(value) {
            report.push(Span::new(equals + 1, equals + 1 + value.len()), key.rule, Shape::Text);
        }
    }
}

/// Whether a JSON number, boolean or null begins here, which is no credential.
fn is_number(rest: &[u8]) -> bool {
    let rest = &rest[rest.iter().take(64).take_while(|byte| b"[ ".contains(byte)).count()..];
    let length = rest.iter().take(64).take_while(|byte| !b",}] \t".contains(byte)).count();
    let word = &rest[..length];
    place::is_scalar(word) || word == b"null"
}

/// The header's value: between quotes, or up to the end of the record, a quote or an escaped line end. `known` is the end of the
/// last one, which a name inside it shares.
fn region(hit: &Hit<'_>, key: &Key, known: &mut usize) -> Option<Span> {
    let hay = &hit.hay[..hit.record.end];
    let mut at = key.quote.map_or(key.name.end, |quote| quote.end);
    let skip = |at: &mut usize, bytes: &[u8], most: usize| {
        let count = hay[*at..].iter().take(most).take_while(|byte| bytes.contains(byte)).count();
        *at += count;
        count
    };
    skip(&mut at, b" ]", 8);
    let is_member = hay.get(at) == Some(&b',');
    if skip(&mut at, b":=,>", 3) == 0 {
        return None;
    }
    skip(&mut at, b" [(", 8);
    let open = quote_at(hay, at, hay.len());
    // `('Cookie', 'a=b')` is a pair; in `'Accept, Cookie, X-Id'` the name is one of several.
    if is_member && (key.quote.is_none() || open.is_none()) {
        return None;
    }
    if open.is_some_and(|open| is_closing(hay, key, open)) {
        return None;
    }
    if open.is_none() && key.quote.is_some() && is_number(&hay[at..]) {
        return None;
    }
    let start = open.map_or(at, |open| open.end);
    // `-H "Authorization: …"`: the quote before the name ends the value.
    let around = hay[hit.record.start..key.name.start].last().copied().filter(|byte| b"\"'`".contains(byte));
    if start < *known {
        return Some(Span::new(start, *known));
    }
    let ceiling = hay.len();
    let mut end = start;
    loop {
        end += class::until(&hay[end..ceiling], class::HEADER_STOP);
        if end == ceiling {
            break;
        }
        let byte = hay[end];
        let is_end = match (open, byte) {
            (Some(open), quote) if quote == hay[open.end - 1] => edge::backslashes_before(hay, start, end) < open.len(),
            (None, quote) if Some(quote) == around || quote == b'<' => true,
            (_, b'"') => {
                let depth = edge::backslashes_before(hay, start, end);
                is_end_of_string(hay, Span::new(end - depth, end + 1))
            }
            (_, b'\\') => matches!(hay.get(end + 1), Some(b'n' | b'r')),
            _ => false,
        };
        if is_end {
            break;
        }
        end += 1;
    }
    end -= edge::backslashes_before(hay, start, end);
    *known = end;
    (start < end).then(|| Span::new(start, end))
}
