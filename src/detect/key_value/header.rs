//! HTTP headers whose value has a grammar of its own: `Authorization` and kin, `Cookie` and
//! `Set-Cookie`.
//!
//! <https://www.rfc-editor.org/rfc/rfc9110#section-11.4>,
//! <https://www.rfc-editor.org/rfc/rfc6265#section-4>

use super::{
    super::search_memo::Seek,
    Report,
    name::{Key, is_closing, is_end_of_string, quote_at},
    value_location,
};
use crate::{
    detect::{Located, byte_class, edge, value, words::WordTable},
    finding::Shape,
    text::span::Span,
};

/// Schemes behind which a credential stands, whatever it looks like.
const SCHEMES: &str = "basic bearer token apikey api-key negotiate ntlm hawk oauth oauth2 signature sso-key key geniekey ssws aws splunk jwt \
    flyv1 digest aws4-hmac-sha256 sharedkey sharedkeylite bot discogs klaviyo-api-key pat private-token zoho-oauthtoken";

/// Parameters of a scheme that are secret.
const PARAMETERS: &str =
    "response signature credential oauth_token oauth_signature mac password token cnonce sig";

/// Attributes of a cookie, and the name under which a remote desktop sends the user's.
const ATTRIBUTES: &str = "path domain expires max-age samesite version priority comment mstshash";

/// The longest name of a cookie.
const MAX_COOKIE_NAME: usize = 128;

const SCHEME: u8 = 1;
const PARAMETER: u8 = 2;
const ATTRIBUTE: u8 = 4;

static WORDS: WordTable<128> =
    WordTable::new(&[(SCHEME, SCHEMES), (PARAMETER, PARAMETERS), (ATTRIBUTE, ATTRIBUTES)]);

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
    /// The end of the last array or object whose leaves were read.
    leaves: usize,
    /// The value of the last cookie.
    cookie: Span,
}

impl Memo {
    /// Something that changes whenever a header was read.
    pub(super) fn effort(&self) -> u64 {
        self.end as u64
    }
}

/// A scheme and a credential: the scheme stays. JSON may have several values in an array, or one in
/// an object.
pub(super) fn credential(
    hit: &Located<'_>,
    key: &Key,
    memo: &mut Memo,
    report: &mut Report<'_, '_>,
) {
    if let Some(region) = region(hit, key, &mut memo.end) {
        credential_in(hit, region, key, memo, report);
    }
    leaves(hit, key, memo, |leaf, memo| credential_in(hit, leaf, key, memo, report));
}

/// The strings of the array or object that the header's value is, behind the last value that was
/// read.
fn leaves(hit: &Located<'_>, key: &Key, memo: &mut Memo, mut value: impl FnMut(Span, &mut Memo)) {
    let Some(at) = value_location::structure(hit, key).filter(|at| *at >= memo.leaves) else {
        return;
    };
    let first = memo.end;
    let end = value_location::leaves(hit, key, at, |leaf| {
        if leaf.shape == Shape::Text && leaf.span.start >= first && !leaf.span.is_empty() {
            value(leaf.span, memo);
        }
    });
    memo.leaves = end;
}

fn credential_in(
    hit: &Located<'_>,
    region: Span,
    key: &Key,
    memo: &mut Memo,
    report: &mut Report<'_, '_>,
) {
    let text = region.of(hit.hay);
    let scheme = byte_class::run(
        &text[..text.len().min(32)],
        byte_class::ALNUM | byte_class::UNDERSCORE | byte_class::DASH,
    );
    let spaces = text[scheme..].iter().take_while(|byte| matches!(byte, b' ' | b'+')).count();
    let is_known = WORDS.holds(SCHEME, &text[..scheme]);
    if is_known && has_parameters(&text[scheme + spaces..]) {
        return parameters(
            hit,
            Span::new(region.start + scheme + spaces, region.end),
            key,
            memo,
            report,
        );
    }
    let start = if scheme > 0 && spaces > 0 { scheme + spaces } else { 0 };
    let until_stop = |from: usize, to: usize| {
        let length = byte_class::until(&hit.hay[from..to], byte_class::CREDENTIAL_STOP);
        (from + length < to).then_some(from + length)
    };
    let begin = region.start + start;
    let length = memo.credential.find(begin, region.end, until_stop).unwrap_or(region.end) - begin;
    let length =
        length - text[start..start + length].iter().rev().take_while(|byte| **byte == b'.').count();
    let secret = &text[start..start + length];
    if report.is_label(secret) {
        return;
    }
    let is_secret = if start == 0 {
        secret.len() >= 8
            && (value::is_random(secret) || secret.len() == text.len() && is_mixed(secret))
    } else {
        is_known && is_credential(hit.hay, Span::new(begin, begin + length), &mut memo.bracket)
            || value::is_random(secret)
    };
    if is_secret && !value::is_template(secret) && !secret.is_empty() {
        report.push(
            Span::new(region.start + start, region.start + start + length),
            key.rule,
            Shape::Text,
        );
    }
}

/// The length of a scheme and the white space behind it at the head of `text`: `Bearer x`.
pub(super) fn scheme_length(text: &[u8]) -> usize {
    let scheme = byte_class::run(
        &text[..text.len().min(32)],
        byte_class::ALNUM | byte_class::UNDERSCORE | byte_class::DASH,
    );
    let spaces = byte_class::run(&text[scheme..], byte_class::SPACE);
    if spaces > 0 && WORDS.holds(SCHEME, &text[..scheme]) { scheme + spaces } else { 0 }
}

/// Letters and digits and nothing else, as the whole of a header: no word of prose is.
fn is_mixed(secret: &[u8]) -> bool {
    byte_class::run(secret, byte_class::ALNUM) == secret.len() && {
        let traits = byte_class::Traits::of(secret);
        traits.any(byte_class::DIGIT) && traits.any(byte_class::ALPHA)
    }
}

/// Behind a known scheme: no word of prose, no expression.
fn is_credential(hay: &[u8], span: Span, bracket: &mut Seek) -> bool {
    let secret = span.of(hay);
    let until_bracket = |from: usize, to: usize| {
        let length = byte_class::until(&hay[from..to], byte_class::BRACKET);
        (from + length < to).then_some(from + length)
    };
    let is_word =
        || secret.len() <= 20 && byte_class::run(secret, byte_class::SMALL) == secret.len();
    secret.len() >= 3
        && !secret.starts_with(b"%")
        && !is_word()
        && bracket.find(span.start, span.end, until_bracket).is_none()
}

fn has_parameters(text: &[u8]) -> bool {
    let name = byte_class::run(text, byte_class::ALNUM | byte_class::UNDERSCORE);
    name > 0
        && text.get(name) == Some(&b'=')
        && text
            .get(name + 1)
            .is_some_and(|byte| *byte == b'"' || *byte == b'\\' || byte.is_ascii_alphanumeric())
}

/// `name="value", name=value`: the values of secret names go.
fn parameters(
    hit: &Located<'_>,
    region: Span,
    key: &Key,
    memo: &mut Memo,
    report: &mut Report<'_, '_>,
) {
    let mut at = region.start;
    let walked = std::mem::replace(&mut memo.parameters, region);
    while at < region.end {
        // Nothing reaches across white space, so from here on both walks are one.
        if region.end == walked.end
            && walked.contains(at)
            && byte_class::is(hit.hay[at - 1], byte_class::WHITE)
        {
            return;
        }
        let rest = &hit.hay[at..region.end];
        let name = byte_class::run(rest, byte_class::ALNUM | byte_class::UNDERSCORE);
        if name == 0 || rest.get(name) != Some(&b'=') {
            at += name.max(1);
            continue;
        }
        let quote = quote_at(hit.hay, at + name + 1, region.end);
        let start = quote.map_or(at + name + 1, |quote| quote.end);
        let value = &hit.hay[start..region.end];
        let length = value
            .iter()
            .take_while(|byte| !byte.is_ascii_whitespace() && !b",;\"'\\".contains(byte))
            .count();
        let is_secret = WORDS.holds(PARAMETER, &rest[..name]);
        if is_secret && !value::is_template(&value[..length]) {
            report.push(Span::new(start, start + length), key.rule, Shape::Text);
        }
        at = start + length;
    }
}

/// `name=value; name=value; Path=/`: every value goes, names and attributes stay. Programs join
/// several such headers by commas, by line ends that a string escapes, and in arrays.
pub(super) fn cookies(hit: &Located<'_>, key: &Key, memo: &mut Memo, report: &mut Report<'_, '_>) {
    if let Some(region) = region(hit, key, &mut memo.end) {
        cookies_in(hit, region, key, memo, report);
    }
    leaves(hit, key, memo, |leaf, memo| {
        let text = leaf.of(hit.hay);
        if memchr::memchr(b'=', text).is_some() {
            pairs(hit, leaf, key, memo, report);
        } else if value::is_random(text) {
            // An object has a member for each cookie, or for each attribute of one.
            report.push(leaf, key.rule, Shape::Text);
        }
    });
}

/// The cookies of `region` and of what goes on behind it.
fn cookies_in(
    hit: &Located<'_>,
    mut region: Span,
    key: &Key,
    memo: &mut Memo,
    report: &mut Report<'_, '_>,
) {
    // Inside cookies that were read only the first one is cut in another way.
    if region.end == memo.cookies {
        if let Some(Cookie { value, is_secret: true }) = cookie(hit.hay, region, memo) {
            report.push(value, key.rule, Shape::Text);
        }
        return;
    }
    let mut open = region
        .start
        .checked_sub(1)
        .filter(|open| byte_class::is(hit.hay[*open], byte_class::QUOTE));
    loop {
        pairs(hit, region, key, memo, report);
        memo.cookies = region.end;
        let Some(next) = open.and_then(|open| next_region(hit, open, region.end)) else { return };
        (open, region) = (Some(next.0), next.1);
        memo.end = region.end;
    }
}

/// The cookies of `region`.
fn pairs(hit: &Located<'_>, region: Span, key: &Key, memo: &mut Memo, report: &mut Report<'_, '_>) {
    let mut pair = region;
    loop {
        let cookie = cookie(hit.hay, pair, memo);
        if let Some(Cookie { value, is_secret: true }) = cookie {
            report.push(value, key.rule, Shape::Text);
        }
        let from = cookie.map_or(pair.start, |cookie| cookie.value.end);
        let Some(end) = pair_end(hit.hay, Span::new(from, region.end)) else { return };
        pair.start = end + 1;
    }
}

/// Where a pair ends: at a semicolon, or at a comma behind which the next cookie begins. In
/// `Expires=Wed, 21 Oct 2015 07:28:00 GMT` none does.
fn pair_end(hay: &[u8], rest: Span) -> Option<usize> {
    let mut marks = memchr::memchr2_iter(b';', b',', rest.of(hay)).map(|at| rest.start + at);
    marks.find(|at| hay[*at] == b';' || mark_behind_name(&hay[at + 1..rest.end]) == Some(b'='))
}

/// The byte behind the name that `text` begins with.
fn mark_behind_name(text: &[u8]) -> Option<u8> {
    let spaces = byte_class::run(&text[..text.len().min(8)], byte_class::SPACE);
    let text = &text[spaces..text.len().min(spaces + MAX_COOKIE_NAME + 1)];
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(is_name).count();
    (length > 0).then(|| text.get(length).copied()).flatten()
}

/// A cookie's value, and whether it is one to hide.
#[derive(Clone, Copy)]
struct Cookie {
    value: Span,
    is_secret: bool,
}

/// The cookie that `rest` begins with.
fn cookie(hay: &[u8], rest: Span, memo: &mut Memo) -> Option<Cookie> {
    let text = rest.of(hay);
    let head = &text[..text.len().min(MAX_COOKIE_NAME + 8)];
    let equals = memchr::memchr2(b'=', b';', head).filter(|at| head[*at] == b'=')?;
    let start = rest.start + equals + 1;
    // A value inside another one ends where that one ends.
    if !memo.cookie.contains(start) {
        let is_end = |at: &usize| match hay[*at] {
            b',' => {
                let behind = &hay[at + 1..rest.end];
                behind.first().is_none_or(u8::is_ascii_whitespace)
                    || matches!(mark_behind_name(behind), Some(b'=' | b':'))
            }
            byte => byte == b';' || byte.is_ascii_whitespace(),
        };
        memo.cookie = Span::new(start, (start..rest.end).find(is_end).unwrap_or(rest.end));
    }
    let value = Span::new(start, memo.cookie.end);
    let name = text[..equals].trim_ascii();
    let is_name = !name.is_empty() && name.len() <= MAX_COOKIE_NAME && !name.contains(&b' ');
    let is_secret =
        value.len() >= 4 && !value::is_template(value.of(hay)) && !WORDS.holds(ATTRIBUTE, name);
    Some(Cookie { value, is_secret: is_name && is_secret })
}

/// What goes on behind the header's value that began behind the quote at `open` and ends at `end`:
/// the next line of that string, or the next string of its array. Answers the quote of the string
/// and the value.
fn next_region(hit: &Located<'_>, open: usize, end: usize) -> Option<(usize, Span)> {
    let hay = &hit.hay[..hit.record.end];
    let n_slashes = n_slashes(&hay[end..]);
    if n_slashes > 0 && matches!(hay.get(end + n_slashes), Some(b'n' | b'r')) {
        let start = end + n_slashes + 1;
        let goes_on = mark_behind_name(&hay[start..]) == Some(b'=') || is_line_end(&hay[start..]);
        return goes_on.then(|| (open, Span::new(start, value_end(hay, start, None, None))));
    }
    let close = quote_at(hay, end, hay.len())?;
    if hay[close.end - 1] != hay[open] || !is_in_array(&hay[hit.record.start..open]) {
        return None;
    }
    let spaces = |at: usize| byte_class::run(&hay[at..hay.len().min(at + 8)], byte_class::SPACE);
    let comma = close.end + spaces(close.end);
    if hay.get(comma) != Some(&b',') {
        return None;
    }
    let next = quote_at(hay, comma + 1 + spaces(comma + 1), hay.len())?;
    let is_same = next.len() == close.len() && hay[next.end - 1] == hay[open];
    is_same.then(|| (next.end - 1, Span::new(next.end, value_end(hay, next.end, Some(next), None))))
}

/// Whether the string whose quote follows `before` is an element of an array that has strings alone
/// so far.
fn is_in_array(before: &[u8]) -> bool {
    let before = &before[..before.len()
        - edge::backslashes_before(before, before.len().saturating_sub(8), before.len())];
    let spaces = byte_class::run_back(&before[before.len().saturating_sub(8)..], byte_class::SPACE);
    matches!(before[..before.len() - spaces].last(), Some(b'[' | b','))
}

fn is_line_end(text: &[u8]) -> bool {
    let n_slashes = n_slashes(text);
    n_slashes > 0 && matches!(text.get(n_slashes), Some(b'n' | b'r'))
}

/// How many backslashes `text` begins with; more than eight are no escape of a log's.
fn n_slashes(text: &[u8]) -> usize {
    text.iter().take(8).take_while(|byte| **byte == b'\\').count()
}

/// Whether a JSON number, boolean or null begins here, which is no credential.
fn is_number(rest: &[u8]) -> bool {
    let rest = &rest[rest.iter().take(64).take_while(|byte| b"[ ".contains(byte)).count()..];
    let length = rest.iter().take(64).take_while(|byte| !b",}] \t".contains(byte)).count();
    let word = &rest[..length];
    value_location::is_scalar(word) || word == b"null"
}

/// The header's value: between quotes, or up to the end of the record, a quote or an escaped line
/// end. `known` is the end of the last one, which a name inside it shares.
fn region(hit: &Located<'_>, key: &Key, known: &mut usize) -> Option<Span> {
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
    // `-H "Authorization: …"`: the quote before the name ends the value, and one with more
    // backslashes stands inside.
    let around = Around::of(&hay[hit.record.start..key.name.start], &hay[start..]);
    if start < *known {
        return Some(Span::new(start, *known));
    }
    let end = value_end(hay, start, open, around);
    *known = end;
    (start < end).then(|| Span::new(start, end))
}

/// Where the value that begins at `start` ends: behind `open` at the quote that closes it, else at
/// `around`, the quote before the header's name.
fn value_end(hay: &[u8], start: usize, open: Option<Span>, mut around: Option<Around>) -> usize {
    let ceiling = hay.len();
    let mut end = start;
    loop {
        end += byte_class::until(&hay[end..ceiling], byte_class::HEADER_STOP);
        if end == ceiling {
            break;
        }
        let byte = hay[end];
        let is_end = match (open, byte) {
            (Some(open), quote) if quote == hay[open.end - 1] => {
                edge::backslashes_before(hay, start, end) < open.len()
            }
            (None, b'<') => true,
            (None, quote) if around.is_some_and(|around| around.quote == quote) => {
                around.as_mut().is_some_and(|around| around.ends(hay, start, end))
            }
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
    end - edge::backslashes_before(hay, start, end)
}

/// The quote before a header's name, which ends the header's value.
#[derive(Clone, Copy)]
struct Around {
    quote: u8,
    /// The backslashes before it.
    depth: usize,
    /// Whether the value is a list of parameters, which may be written with the same quotes:
    /// `Digest username="bob"`.
    has_parameters: bool,
    /// Whether such a parameter is open.
    is_inside: bool,
}

impl Around {
    fn of(before: &[u8], value: &[u8]) -> Option<Around> {
        let quote =
            before.last().copied().filter(|byte| byte_class::is(*byte, byte_class::QUOTE))?;
        let depth = edge::backslashes_before(before, 0, before.len() - 1);
        let scheme =
            byte_class::run(&value[..value.len().min(32)], byte_class::ALNUM | byte_class::DASH);
        let has_parameters =
            value[scheme..].starts_with(b" ") && has_parameters(&value[scheme + 1..]);
        Some(Around { quote, depth, has_parameters, is_inside: false })
    }

    /// Whether the quote at `at` ends the value, which begins at `start`.
    fn ends(&mut self, hay: &[u8], start: usize, at: usize) -> bool {
        if hay[at] != self.quote || edge::backslashes_before(hay, start, at) > self.depth {
            return false;
        }
        let is_of_parameter =
            self.is_inside || self.has_parameters && hay[start..at].ends_with(b"=");
        self.is_inside = is_of_parameter && !self.is_inside;
        !is_of_parameter
    }
}
