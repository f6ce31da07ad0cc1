//! What a value looks like.
//!
//! A [`ValueClass`] is one answer to that question: a placeholder, code, a path, something random.
//! A value may be of several classes, and which of them matter depends on how it is written: `a/b`
//! between quotes is a password, in an INI file it may be a path. So [`classify`] is given the
//! classes that matter, in order, and answers the first that the value is of. It knows nothing of
//! verdicts: the table in [`verdict`](super::verdict) does.
//!
//! A class may depend on the words around the value, which [`Value`] holds: `hunter` is a word of a
//! sentence in `the password: hunter was`, and the whole line in `password: hunter`.

use super::{
    code, machine_made,
    name::{Key, Kind},
    path, prose, secret_name, surroundings,
};
use crate::{
    detect::{
        Located,
        byte_class::{self, Traits},
        value,
    },
    text::{span::Span, visits},
};

/// A value is judged by its first so many bytes. Only secrets are longer.
pub(super) const LOOK: usize = 512;

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueClass {
    TooShort,
    StringSeam,
    Placeholder,
    QuotedPlaceholder,
    OwnName,
    Filled,
    Filler,
    FillIn,
    ShortCookie,
    SchemeWord,
    SecretName,
    SmallWord,
    LeadingDash,
    LeadingDollar,
    DottedNumber,
    Sentence,
    ProseWord,
    ShortProseWord,
    PlainText,
    AboutFlag,
    Option,
    InnerPair,
    Technical,
    NameService,
    Folder,
    TestResult,
    NameInLine,
    WordInLine,
    NamedArgument,
    NameInList,
    SecretVariable,
    Reference,
    OpenBracket,
    Path,
    PortAndPath,
    Digest,
    Substitution,
    Expression,
    Member,
    SecretWords,
    Words,
    PassCode,
    PassMixture,
    Code,
    PathEnd,
    Random,
    HoldsRandom,
    NounKey,
    LongRun,
    Mixed,
    WholeMixture,
    Anything,
}

impl ValueClass {
    /// The class in words, as `explain --why` and `docs/KEYS.md` give it.
    pub(crate) const fn description(self) -> &'static str {
        use ValueClass as Class;
        match self {
            Class::TooShort => "the value is too short, or all zeros",
            Class::StringSeam => "the value is where a program joins two strings",
            Class::Placeholder => "the value is a placeholder",
            Class::QuotedPlaceholder => "the value is a placeholder in quotes of its own",
            Class::OwnName => "the value is the key's own name",
            Class::Filled => "the value is a prefix and one filling character",
            Class::Filler => "the value is one filling character in its second half",
            Class::FillIn => "the value asks the reader to fill it in",
            Class::ShortCookie => "the value is shorter than four characters",
            Class::SchemeWord => "the value is a word after the scheme, or too short",
            Class::SecretName => "the value is a name for a secret, as in a usage text",
            Class::SmallWord => "the value is a word in small letters",
            Class::LeadingDash => "the value is another flag",
            Class::LeadingDollar => "the value is a variable of the shell",
            Class::DottedNumber => "the value is an address or an object identifier",
            Class::Sentence => "the value is a sentence",
            Class::ProseWord => "the value is a word of prose",
            Class::ShortProseWord => "the value is a word of prose of three letters",
            Class::PlainText => "the value is a word without the mixture of a password",
            Class::AboutFlag => "the value is part of a sentence about the flag",
            Class::Option => "the value is another flag",
            Class::InnerPair => "the value is another key and its value",
            Class::Technical => "the value is a standard, a type or a port",
            Class::NameService => "the value is a source of user names",
            Class::Folder => "the value is a name for the working directory",
            Class::TestResult => "the value is the name of a test that passed",
            Class::NameInLine => "the value is a name in the middle of a line",
            Class::WordInLine => "the value is a word in the middle of a line",
            Class::NamedArgument => "the value is a variable among arguments",
            Class::NameInList => "the value is a name among names with colons",
            Class::SecretVariable => "the value is a variable or member named for a secret",
            Class::Reference => "the value is a member, route or selector named for a secret",
            Class::OpenBracket => "the value is a piece of a program that opens a bracket",
            Class::Path => "the value is a path or a URL",
            Class::PortAndPath => "the value is a port and a path",
            Class::Digest => "the value is a digest that says so",
            Class::Substitution => "the value is what a shell substitutes",
            Class::Expression => "the value is an expression of a program",
            Class::Member => "the value is a member that a program fetches",
            Class::SecretWords => "the value is words of which most look like secrets",
            Class::Words => "the value is several words",
            Class::PassCode => "the value is code after `pass`",
            Class::PassMixture => "the value is a mixture after `pass`",
            Class::Code => "the value is code",
            Class::PathEnd => "the value is about a path that the key ends",
            Class::Random => "the value is random",
            Class::HoldsRandom => "the value is random between its edges",
            Class::NounKey => "the value is not random and the key is a plain word",
            Class::LongRun => "the value is a long run of letters and digits",
            Class::Mixed => "the value is a mixture of letters and digits",
            Class::WholeMixture => "the value is letters and digits and the whole header",
            Class::Anything => "the value is none of these and does not look like a secret",
        }
    }
}

/// A value, what its bytes have in common, and what lies around it.
pub(super) struct Value<'v> {
    /// What is judged: without punctuation behind it, and no more than [`LOOK`] bytes of a value
    /// behind a key.
    pub(super) bytes: &'v [u8],
    pub(super) traits: Traits,
    /// The value and the rest of its record.
    pub(super) text: &'v [u8],
    /// The length of the value in `text`.
    pub(super) length: usize,
    /// The record before the key's name.
    pub(super) before: &'v [u8],
    /// The key's name; empty where another grammar says that there is a secret.
    pub(super) name: &'v [u8],
    pub(super) is_service: bool,
}

impl<'v> Value<'v> {
    /// The value of `key` at `value`, which is judged by `bytes`.
    pub(super) fn of_key(
        located: &Located<'v>,
        key: &Key,
        value: Span,
        bytes: &'v [u8],
    ) -> Value<'v> {
        let bytes = &bytes[..bytes.len().min(LOOK)];
        // Only a few of the classes read all of it again.
        visits::add(2 * bytes.len());
        Value {
            bytes,
            traits: Traits::of(bytes),
            text: &located.hay[value.start..located.record.end],
            length: value.len(),
            before: &located.hay[located.record.start..key.name.start],
            name: key.name.of(located.hay),
            is_service: matches!(key.kind, Kind::Service { .. }),
        }
    }

    /// A value without a key, in a header or a command. It is judged whole, its traits are those of
    /// its first [`LOOK`] bytes.
    pub(super) fn alone(bytes: &'v [u8]) -> Value<'v> {
        Value {
            bytes,
            traits: Traits::of(&bytes[..bytes.len().min(LOOK)]),
            text: bytes,
            length: bytes.len(),
            before: b"",
            name: b"",
            is_service: false,
        }
    }

    /// Whether the value is of the class.
    #[inline]
    pub(super) fn is(&self, class: ValueClass) -> bool {
        use ValueClass as Class;
        let (bytes, traits) = (self.bytes, self.traits);
        match class {
            Class::TooShort => is_too_short(bytes, traits),
            Class::StringSeam => is_string_seam(bytes),
            Class::Placeholder => value::is_template_of(bytes, traits),
            Class::QuotedPlaceholder => is_quoted_placeholder(bytes),
            Class::OwnName => is_own_name(bytes, self.name),
            Class::Filled => is_filled(bytes),
            Class::Filler => value::is_filler(bytes),
            Class::FillIn => value::asks_to_fill_in(bytes),
            Class::ShortCookie => bytes.len() < 4,
            Class::SchemeWord => is_scheme_word(bytes),
            Class::SecretName => secret_name::is_secret_name(bytes, Traits::of(bytes)),
            Class::SmallWord => bytes.iter().all(u8::is_ascii_lowercase),
            Class::LeadingDash => bytes.starts_with(b"-"),
            Class::LeadingDollar => bytes.starts_with(b"$"),
            Class::DottedNumber => prose::is_dotted_number(bytes, traits),
            Class::Sentence => prose::is_sentence(bytes, traits),
            Class::ProseWord => bytes.len() > 3 && prose::is_prose(bytes),
            Class::ShortProseWord => bytes.len() <= 3 && prose::is_prose(bytes),
            Class::PlainText => surroundings::is_plain_text(self),
            Class::AboutFlag => prose::is_about_flag(self.text, bytes.len()),
            Class::Option => code::is_option(bytes),
            Class::InnerPair => surroundings::is_inner_pair(bytes),
            Class::Technical => prose::is_technical(bytes),
            Class::NameService => surroundings::is_name_service(self),
            Class::Folder => surroundings::is_folder(self),
            Class::TestResult => surroundings::is_test_result(self),
            Class::NameInLine => surroundings::is_name_in_line(self),
            Class::WordInLine => surroundings::is_word_in_line(self),
            Class::NamedArgument => surroundings::is_named_argument(self),
            Class::NameInList => traits.all(byte_class::NAME) && self.before.ends_with(b":"),
            Class::SecretVariable => surroundings::is_secret_variable(self),
            Class::Reference => secret_name::is_reference(bytes),
            Class::OpenBracket => {
                matches!(bytes[0], b'+' | b'.' | b',' | b' ') && code::opens_bracket(bytes)
            }
            Class::Path => path::is_path(bytes),
            Class::PortAndPath => path::is_port_and_path(bytes),
            Class::Digest => path::is_named_digest(bytes),
            Class::Substitution => code::is_substituted(self.text, bytes.len()),
            Class::Expression => code::begins_expression(self.text, bytes.len()),
            Class::Member => secret_name::is_fetched_member(bytes, traits),
            Class::SecretWords => {
                traits.any(byte_class::SPACE) && machine_made::holds_secret_words(bytes)
            }
            Class::Words => traits.any(byte_class::SPACE),
            Class::PassCode => is_pass_mixture(self) && code::is_code(bytes, traits),
            Class::PassMixture => is_pass_mixture(self),
            Class::Code => code::is_code(bytes, traits),
            Class::PathEnd => self.before.ends_with(b"/"),
            Class::Random => value::is_random(bytes),
            Class::HoldsRandom => machine_made::holds_random(bytes, traits),
            Class::NounKey => !self.is_service && self.name.iter().all(u8::is_ascii_lowercase),
            Class::LongRun => machine_made::is_long_run(bytes, traits),
            Class::Mixed => machine_made::is_mixed(bytes, traits),
            Class::WholeMixture => bytes.len() >= 8 && is_letters_and_digits(bytes),
            Class::Anything => true,
        }
    }
}

/// The first of `classes` that the value is of. The last one must be [`ValueClass::Anything`].
#[inline]
pub(super) fn classify(value: &Value<'_>, classes: &[ValueClass]) -> ValueClass {
    let first = classes.iter().find(|class| value.is(**class));
    first.copied().unwrap_or(ValueClass::Anything)
}

/// One or two characters, up to three digits, or zeros with dashes between them.
pub(super) fn is_too_short(bytes: &[u8], traits: Traits) -> bool {
    if bytes.len() <= 2 || bytes.len() == 3 && traits.all(byte_class::DIGIT) {
        return true;
    }
    if !matches!(bytes[0], b'0' | b'-') {
        return false;
    }
    let mut digits = bytes.iter().filter(|byte| **byte != b'-').peekable();
    digits.peek().is_some() && digits.all(|byte| *byte == b'0')
}

/// `" + name + "`: what lies between two strings that a program joins.
pub(super) fn is_string_seam(bytes: &[u8]) -> bool {
    byte_class::is(bytes[0], byte_class::QUOTE) && memchr::memmem::find(bytes, b" + ").is_some()
}

/// `"'$PASSWORD'"`
fn is_quoted_placeholder(bytes: &[u8]) -> bool {
    match bytes {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => value::is_template(inner),
        _ => false,
    }
}

/// `password=password`, `api_key: apiKey`: the letters of the key's name.
fn is_own_name(bytes: &[u8], name: &[u8]) -> bool {
    let mut letters = letters_from_behind(bytes).peekable();
    letters.peek().is_some() && letters.eq(letters_from_behind(name))
}

/// From the end, where names that are not the same differ first.
fn letters_from_behind(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter()
        .rev()
        .filter(|byte| byte_class::is(**byte, byte_class::ALNUM))
        .map(u8::to_ascii_lowercase)
}

/// A prefix and then one filling character, as in examples of keys: `acme_xxxxxxxxxxxx`. Digits
/// alone may also be a bad password, up to a length that no one types.
fn is_filled(bytes: &[u8]) -> bool {
    const MAX_TYPED: usize = 20;
    let is_filling = |last: &u8| matches!(last, b'x' | b'X' | b'*' | b'-' | b'_' | b'.');
    bytes.len() >= 10
        && (bytes.len() > MAX_TYPED || bytes.last().is_some_and(is_filling))
        && value::is_filler(bytes)
}

/// After a scheme: a word of prose, an escape, or too little for a credential.
fn is_scheme_word(bytes: &[u8]) -> bool {
    let is_word = || bytes.len() <= 20 && byte_class::run(bytes, byte_class::SMALL) == bytes.len();
    (bytes.len() < 3 || bytes.starts_with(b"%") || is_word()) && !value::is_random(bytes)
}

/// Letters and digits, some of each, and nothing else.
fn is_letters_and_digits(bytes: &[u8]) -> bool {
    if byte_class::run(bytes, byte_class::ALNUM) < bytes.len() {
        return false;
    }
    let traits = Traits::of(bytes);
    traits.any(byte_class::DIGIT) && traits.any(byte_class::ALPHA)
}

/// A mixture of letters with digits or marks after `pass`. Alone `pass` is also what tests do, but
/// no test has such a name.
fn is_pass_mixture(value: &Value<'_>) -> bool {
    is_pass(value.name) && prose::is_mixture(value.bytes, value.traits)
}

pub(super) fn is_pass(name: &[u8]) -> bool {
    secret_name::ends_with(name, b"pass")
}
