//! Why a candidate is no finding.
//!
//! A detector answers each candidate with `Result<(), Rejection>`. A rejection is a verdict, not an
//! error: detection cannot fail. Scanning ignores the reason, and it costs nothing to give, since
//! it is a number or a constant text. `explain --why` prints it, so the words address a user who
//! asks why something was not redacted: they name what was seen in the log, never a type or a step
//! of the code.
//!
//! To add a reason: add a variant and its sentence here.

use std::fmt;

use super::target::Target;
use crate::text::span::Span;

/// Why a candidate is no finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// An earlier candidate led to the same bytes.
    AlreadyExamined,
    /// The bytes are a placeholder or a template for a secret.
    Placeholder,
    /// The anchor belongs to a detector of which no rule is loaded.
    RuleOff,

    /// A token would begin in the middle of a word.
    InsideWord,
    /// The token rule's pattern does not match.
    PatternMismatch,
    /// A checksum or another test beside the pattern failed.
    ValidatorRefuted,
    /// A short token inside a longer run of base64 is chance.
    InsideBase64,
    /// The rule requires a word of context before the token.
    NoContextWord,

    /// The identifier around the anchor is not a known key.
    UnknownKey,
    /// Nothing after the key is its value.
    NoValue,
    /// The text after the key is prose, a plain word or a mask.
    PlainText,
    /// The value is something else, in words of [`key_value`](super::key_value)'s table.
    NotSecret(&'static str),
    /// A value after a weak key that does not look random.
    NotRandom,
    /// No value inside an array or an object is a secret.
    NoSecretInside,
    /// A header without a credential.
    NoCredential,

    /// A URL without a password.
    NoPassword,
    /// The parameter's name is not a secret one.
    UnknownParameter,
    /// The parameter's value does not look like a secret.
    PlainParameter,
    /// The URL's path matches no template of the rules.
    UnknownPath,

    /// No domain follows the `@`.
    NoDomain,
    /// No local part precedes the `@`.
    NoLocalPart,
    /// Code, a cipher, a realm or the user of a URL.
    NotEmail,

    /// No private key begins here.
    NotKeyHeader,
    /// A private key's first line without a body.
    NoKeyBody,
}

impl Rejection {
    /// The reason as `explain --why` prints it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Rejection::AlreadyExamined => "already examined from an earlier anchor",
            Rejection::Placeholder => "a placeholder or a template, not a secret",
            Rejection::RuleOff => "the rule is off",
            Rejection::InsideWord => "inside a longer word",
            Rejection::PatternMismatch => "the rule's pattern does not match here",
            Rejection::ValidatorRefuted => "the rule's validator refutes it",
            Rejection::InsideBase64 => "inside a longer run of base64",
            Rejection::NoContextWord => "none of the words that the rule requires is near it",
            Rejection::UnknownKey => "not a known key name",
            Rejection::NoValue => "no value follows the key name",
            Rejection::PlainText => "only prose, a plain word or a mask follows the key name",
            Rejection::NotSecret(reason) => reason,
            Rejection::NotRandom => {
                "the key name is weak and the value does not look like a secret"
            }
            Rejection::NoSecretInside => "no value in the array or object looks like a secret",
            Rejection::NoCredential => "the header holds no credential",
            Rejection::NoPassword => "the URL has no user with a password",
            Rejection::UnknownParameter => "not a known secret query parameter",
            Rejection::PlainParameter => "the parameter's value does not look like a secret",
            Rejection::UnknownPath => "the URL's path is not one that holds a secret",
            Rejection::NoDomain => "no domain below a known top-level domain follows",
            Rejection::NoLocalPart => "no local part stands before the @",
            Rejection::NotEmail => {
                "written like an email address, but code, a cipher, a realm or the user of a URL"
            }
            Rejection::NotKeyHeader => "not the first line of a private key",
            Rejection::NoKeyBody => "no key material follows the first line of the key",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// A candidate that led to no finding.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "`explain --why` alone reads it"))]
pub(crate) struct Rejected {
    /// Where the anchor is.
    pub(crate) anchor: Span,
    /// The anchor as it was found. A decoded or reassembled text has other bytes there than its
    /// block.
    pub(crate) text: Box<[u8]>,
    pub(super) target: Target,
    pub(crate) rejection: Rejection,
}

impl Rejected {
    pub(super) fn new(hay: &[u8], anchor: Span, target: Target, rejection: Rejection) -> Rejected {
        Rejected { anchor, text: anchor.of(hay).into(), target, rejection }
    }
}
