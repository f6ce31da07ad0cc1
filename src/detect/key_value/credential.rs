//! The credential of an authorization header: a scheme and a secret, of which the scheme stays.
//!
//! `Bearer x`, `Digest username="bob", response="x"`, and a token without a scheme.

use super::{
    header::{Header, has_parameters},
    quotes::quote_at,
    report::is_label,
    syntax::ValueSyntax,
    verdict,
};
use crate::{
    detect::{byte_class, words::WordTable},
    text::span::Span,
};

/// Schemes that a credential follows, whatever it looks like.
const SCHEMES: &str = "basic bearer token apikey api-key negotiate ntlm hawk oauth oauth2 \
    signature sso-key key geniekey ssws aws splunk jwt flyv1 digest aws4-hmac-sha256 sharedkey \
    sharedkeylite bot discogs klaviyo-api-key pat private-token zoho-oauthtoken";

/// Parameters of a scheme that are secret.
const PARAMETERS: &str = "response signature credential oauth_token oauth_signature mac password \
    token cnonce sig";

const SCHEME: u8 = 1;
const PARAMETER: u8 = 2;

static WORDS: WordTable<128> = WordTable::new(&[(SCHEME, SCHEMES), (PARAMETER, PARAMETERS)]);

/// Reports the credentials of the header.
pub(super) fn detect(mut header: Header<'_, '_, '_>) {
    if let Some(value) = header.value() {
        credential(&mut header, value);
    }
    header.for_each_leaf(credential);
}

/// The length of the scheme and the white space after it at the head of `text`: `Bearer x`.
pub(super) fn scheme_length(text: &[u8]) -> usize {
    let scheme = word_length(text);
    let spaces = byte_class::run(&text[scheme..], byte_class::SPACE);
    if spaces > 0 && WORDS.holds(SCHEME, &text[..scheme]) { scheme + spaces } else { 0 }
}

/// The length of the word at the head of `text`, which may be a scheme.
fn word_length(text: &[u8]) -> usize {
    let near = &text[..text.len().min(32)];
    byte_class::run(near, byte_class::ALNUM | byte_class::UNDERSCORE | byte_class::DASH)
}

fn credential(header: &mut Header<'_, '_, '_>, value: Span) {
    let hay = header.hay();
    let text = value.of(hay);
    let scheme = word_length(text);
    let spaces = text[scheme..].iter().take_while(|byte| matches!(byte, b' ' | b'+')).count();
    let is_known = WORDS.holds(SCHEME, &text[..scheme]);
    if is_known && has_parameters(&text[scheme + spaces..]) {
        return parameters(header, Span::new(value.start + scheme + spaces, value.end));
    }
    let has_scheme = scheme > 0 && spaces > 0;
    let start = value.start + if has_scheme { scheme + spaces } else { 0 };
    let end = header.memory.credential.find(start, value.end, |from, to| {
        let length = byte_class::until(&hay[from..to], byte_class::CREDENTIAL_STOP);
        (from + length < to).then_some(from + length)
    });
    let secret = &hay[start..end.unwrap_or(value.end)];
    let dots = secret.iter().rev().take_while(|byte| **byte == b'.').count();
    let secret = Span::new(start, start + secret.len() - dots);
    if is_label(header.report.placeholders, secret.of(hay)) {
        return;
    }
    let syntax = match has_scheme {
        true if is_known && !holds_bracket(header, secret) => ValueSyntax::Credential,
        false if secret == value => ValueSyntax::Header,
        _ => ValueSyntax::UnknownScheme,
    };
    if verdict::is_secret(syntax, secret.of(hay)) {
        header.push(secret);
    }
}

/// Whether a bracket in it makes the text an expression.
fn holds_bracket(header: &mut Header<'_, '_, '_>, secret: Span) -> bool {
    let hay = header.hay();
    let bracket = header.memory.bracket.find(secret.start, secret.end, |from, to| {
        let length = byte_class::until(&hay[from..to], byte_class::BRACKET);
        (from + length < to).then_some(from + length)
    });
    bracket.is_some()
}

/// `name="value", name=value`: the values of secret names.
fn parameters(header: &mut Header<'_, '_, '_>, region: Span) {
    let hay = header.hay();
    let walked = std::mem::replace(&mut header.memory.parameters, region);
    let mut at = region.start;
    while at < region.end {
        // Nothing reaches across white space, so from here on both walks are one.
        if region.end == walked.end
            && walked.contains(at)
            && byte_class::is(hay[at - 1], byte_class::WHITE)
        {
            return;
        }
        let rest = &hay[at..region.end];
        let name = byte_class::run(rest, byte_class::ALNUM | byte_class::UNDERSCORE);
        if name == 0 || rest.get(name) != Some(&b'=') {
            at += name.max(1);
            continue;
        }
        let quote = quote_at(hay, at + name + 1, region.end);
        let start = quote.map_or(at + name + 1, |quote| quote.end);
        let value = &hay[start..region.end];
        let is_part = |byte: &&u8| !byte.is_ascii_whitespace() && !b",;\"'\\".contains(byte);
        let length = value.iter().take_while(is_part).count();
        if WORDS.holds(PARAMETER, &rest[..name])
            && verdict::is_secret(ValueSyntax::Parameter, &value[..length])
        {
            header.push(Span::new(start, start + length));
        }
        at = start + length;
    }
}
