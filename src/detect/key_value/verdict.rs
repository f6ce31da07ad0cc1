//! Whether a value is a secret: one table.
//!
//! [`TABLE`] says, for each class of value, behind which keys and in which syntaxes a value of that
//! class is a secret, and where it is none. Everything that finds values asks it: keys, headers,
//! command lines, JSON structures and lines below a key. `docs/KEYS.md` is generated from it.
//!
//! The rows have one order. [`decide`] walks the classes that matter for a key and a syntax,
//! [`classify`] answers the first that the value is of, and its row has the verdict. Behind a
//! strong key everything is a secret but what a row spares; behind a weak key nothing is but what a
//! row names. In headers and commands the grammar takes the place of the key, which counts as
//! strong.

use super::{
    classify::{LOOK, Value, ValueClass as Class, classify},
    extent,
    name::KeyStrength,
    syntax::ValueSyntax,
};
use crate::detect::Rejection;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is a secret and is replaced.
    Secret,
    /// It is none and stays.
    Stays,
}

/// A set of syntaxes, by the bits of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntaxes(u32);

impl Syntaxes {
    const fn of(list: &[ValueSyntax]) -> Syntaxes {
        let mut bits = 0;
        let mut index = 0;
        while index < list.len() {
            bits |= 1 << list[index] as u32;
            index += 1;
        }
        Syntaxes(bits)
    }

    const fn and(self, other: Syntaxes) -> Syntaxes {
        Syntaxes(self.0 | other.0)
    }

    pub(crate) const fn holds(self, syntax: ValueSyntax) -> bool {
        self.0 & 1 << syntax as u32 != 0
    }
}

/// What a class of values means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) class: Class,
    /// Where it decides behind a weak key and behind a strong one, and how.
    weak: (Syntaxes, Verdict),
    strong: (Syntaxes, Verdict),
}

impl Row {
    /// The verdict on a value of the class; nothing where the class does not matter.
    pub(crate) const fn verdict(
        &self,
        strength: KeyStrength,
        syntax: ValueSyntax,
    ) -> Option<Verdict> {
        let (syntaxes, verdict) = match strength {
            KeyStrength::Weak => self.weak,
            KeyStrength::Strong => self.strong,
        };
        if syntaxes.holds(syntax) { Some(verdict) } else { None }
    }
}

const NONE: Syntaxes = Syntaxes::of(&[]);
const ALL: Syntaxes = Syntaxes::of(&ValueSyntax::ALL);
const QUOTED: Syntaxes = Syntaxes::of(&[ValueSyntax::Quoted]);
/// `=` without white space, and the text of an XML element.
const TIGHT: Syntaxes = Syntaxes::of(&[ValueSyntax::Tight, ValueSyntax::Element]);
const SPACED: Syntaxes = Syntaxes::of(&[ValueSyntax::Spaced]);
const COLON: Syntaxes = Syntaxes::of(&[ValueSyntax::Colon]);
const ARGUMENT: Syntaxes = Syntaxes::of(&[ValueSyntax::Argument]);
const SENTENCE: Syntaxes = Syntaxes::of(&[ValueSyntax::Sentence]);
/// Where the grammar leaves no doubt that there is a value.
const GRAMMAR: Syntaxes = QUOTED.and(TIGHT).and(ARGUMENT).and(LEAF);
/// Where it may also be code or prose.
const LOOSE: Syntaxes = SPACED.and(COLON).and(SENTENCE);
/// On the line of a key.
const INLINE: Syntaxes = QUOTED.and(TIGHT).and(ARGUMENT).and(LOOSE);
const LEAF: Syntaxes = Syntaxes::of(&[ValueSyntax::Leaf]);
const LINE: Syntaxes = Syntaxes::of(&[ValueSyntax::Line]);
const BYTE_ARRAY: Syntaxes = Syntaxes::of(&[ValueSyntax::ByteArray]);
const LINE_SCALAR: Syntaxes = Syntaxes::of(&[ValueSyntax::LineScalar]);
const HEADER: Syntaxes = Syntaxes::of(&[ValueSyntax::Header]);
const CREDENTIAL: Syntaxes = Syntaxes::of(&[ValueSyntax::Credential]);
const UNKNOWN_SCHEME: Syntaxes = Syntaxes::of(&[ValueSyntax::UnknownScheme]);
const PARAMETER: Syntaxes = Syntaxes::of(&[ValueSyntax::Parameter]);
const COOKIE: Syntaxes = Syntaxes::of(&[ValueSyntax::Cookie]);
const COOKIE_MEMBER: Syntaxes = Syntaxes::of(&[ValueSyntax::CookieMember]);
const BARE_FLAG: Syntaxes = Syntaxes::of(&[ValueSyntax::BareFlag]);
const PAIR: Syntaxes = Syntaxes::of(&[ValueSyntax::CommandPair, ValueSyntax::BareFlag]);
const COMMAND: Syntaxes = PAIR.and(Syntaxes::of(&[ValueSyntax::CommandArgument]));
const HEADERS: Syntaxes = HEADER.and(CREDENTIAL).and(UNKNOWN_SCHEME).and(PARAMETER).and(COOKIE);

const fn stays(class: Class, weak: Syntaxes, strong: Syntaxes) -> Row {
    Row { class, weak: (weak, Verdict::Stays), strong: (strong, Verdict::Stays) }
}

const fn secret(class: Class, weak: Syntaxes, strong: Syntaxes) -> Row {
    Row { class, weak: (weak, Verdict::Secret), strong: (strong, Verdict::Secret) }
}

/// The decision. A row: a class, and where it decides behind a weak key and behind a strong one.
/// Of several classes that a value is of, the first row holds.
pub(crate) const TABLE: [Row; 55] = [
    stays(Class::TooShort, INLINE.and(LEAF), INLINE),
    stays(Class::StringSeam, INLINE.and(LEAF), INLINE),
    stays(
        Class::Placeholder,
        INLINE.and(LEAF),
        INLINE.and(LEAF).and(LINE).and(HEADERS).and(COMMAND),
    ),
    stays(Class::QuotedPlaceholder, INLINE.and(LEAF), INLINE),
    stays(Class::OwnName, INLINE.and(LEAF), INLINE),
    // Headers and command lines.
    stays(Class::ShortCookie, NONE, COOKIE),
    stays(Class::SchemeWord, NONE, CREDENTIAL),
    stays(Class::SecretName, NONE, PAIR),
    stays(Class::SmallWord, NONE, BARE_FLAG),
    stays(Class::LeadingDash, NONE, COMMAND),
    stays(Class::LeadingDollar, NONE, COMMAND),
    // Strong keys.
    stays(Class::Filled, NONE, INLINE),
    stays(Class::DottedNumber, NONE, QUOTED),
    stays(Class::ProseWord, NONE, QUOTED.and(COLON)),
    stays(Class::ShortProseWord, NONE, COLON),
    stays(Class::Sentence, NONE, QUOTED),
    stays(Class::PlainText, NONE, SENTENCE),
    stays(Class::AboutFlag, NONE, ARGUMENT),
    stays(Class::Option, NONE, ARGUMENT.and(SENTENCE)),
    stays(Class::InnerPair, NONE, SPACED.and(COLON)),
    stays(Class::Technical, NONE, COLON.and(SENTENCE)),
    stays(Class::NameService, NONE, TIGHT.and(COLON)),
    stays(Class::Folder, NONE, SPACED),
    stays(Class::TestResult, NONE, COLON),
    stays(Class::NameInLine, NONE, SPACED),
    stays(Class::WordInLine, NONE, COLON),
    stays(Class::NamedArgument, NONE, COLON),
    stays(Class::NameInList, NONE, TIGHT),
    stays(Class::SecretVariable, NONE, TIGHT),
    stays(Class::Reference, NONE, QUOTED),
    stays(Class::OpenBracket, NONE, QUOTED),
    // Strong keys and weak ones.
    stays(Class::Path, INLINE.and(LEAF), INLINE),
    // Strong keys.
    stays(Class::Substitution, NONE, ARGUMENT),
    stays(Class::Expression, NONE, TIGHT.and(LOOSE)),
    stays(Class::Member, NONE, LOOSE),
    // Weak keys.
    stays(Class::Filler, INLINE.and(LEAF), NONE),
    stays(Class::Digest, INLINE.and(LEAF), NONE),
    stays(Class::PortAndPath, INLINE.and(LEAF), NONE),
    stays(Class::FillIn, INLINE.and(LEAF), NONE),
    secret(Class::SecretWords, INLINE.and(LEAF), NONE),
    stays(Class::Words, INLINE.and(LEAF), NONE),
    stays(Class::PassCode, GRAMMAR.and(SPACED).and(COLON), NONE),
    secret(Class::PassMixture, GRAMMAR.and(SPACED).and(COLON), NONE),
    stays(Class::Code, LOOSE, NONE),
    stays(Class::PathEnd, COLON, NONE),
    // What machines make.
    secret(
        Class::Random,
        INLINE.and(LEAF).and(LINE),
        HEADER.and(UNKNOWN_SCHEME).and(COOKIE_MEMBER),
    ),
    secret(Class::HoldsRandom, INLINE.and(LEAF), NONE),
    stays(Class::NounKey, SENTENCE, NONE),
    secret(Class::LongRun, LOOSE, NONE),
    secret(Class::Mixed, GRAMMAR, NONE),
    secret(Class::WholeMixture, NONE, HEADER),
    // Everything else.
    secret(Class::Anything, BYTE_ARRAY.and(LINE_SCALAR), NONE),
    stays(Class::Anything, NONE, HEADER.and(UNKNOWN_SCHEME).and(COOKIE_MEMBER)),
    stays(Class::Anything, ALL, NONE),
    secret(Class::Anything, NONE, ALL),
];

/// The rows of [`TABLE`] that matter for a key and a syntax.
#[derive(Clone, Copy)]
struct Column {
    /// Their classes, in order.
    classes: [Class; MAX_CLASSES],
    n_classes: usize,
    /// The verdict on each class, by its number.
    verdicts: [Verdict; N_CLASSES],
}

/// No column has more rows.
const MAX_CLASSES: usize = 20;

const N_SYNTAXES: usize = ValueSyntax::ALL.len();
const N_CLASSES: usize = Class::Anything as usize + 1;

/// By strength and syntax: the compiler reads the table, so that a candidate walks its own rows.
static COLUMNS: [[Column; N_SYNTAXES]; 2] =
    [columns(KeyStrength::Weak), columns(KeyStrength::Strong)];

const fn columns(strength: KeyStrength) -> [Column; N_SYNTAXES] {
    let mut columns = [Column {
        classes: [Class::Anything; MAX_CLASSES],
        n_classes: 0,
        verdicts: [Verdict::Stays; N_CLASSES],
    }; N_SYNTAXES];
    let mut syntax = 0;
    while syntax < N_SYNTAXES {
        let column = &mut columns[syntax];
        let mut row = 0;
        while row < TABLE.len() {
            if let Some(verdict) = TABLE[row].verdict(strength, ValueSyntax::ALL[syntax]) {
                let class = TABLE[row].class;
                column.classes[column.n_classes] = class;
                column.n_classes += 1;
                column.verdicts[class as usize] = verdict;
                // The first row for everything else is the last of the column.
                if matches!(class, Class::Anything) {
                    break;
                }
            }
            row += 1;
        }
        syntax += 1;
    }
    columns
}

/// Whether a value without a key is one, in a header or a command.
pub(super) fn is_secret(syntax: ValueSyntax, bytes: &[u8]) -> bool {
    decide(KeyStrength::Strong, syntax, &Value::alone(bytes)).is_ok()
}

/// Whether the value is a secret, or what it is instead.
pub(super) fn decide(
    strength: KeyStrength,
    syntax: ValueSyntax,
    value: &Value<'_>,
) -> Result<(), Rejection> {
    let column = &COLUMNS[strength as usize][syntax as usize];
    let class = classify(value, &column.classes[..column.n_classes]);
    match column.verdicts[class as usize] {
        Verdict::Secret => Ok(()),
        Verdict::Stays => Err(Rejection::NotSecret(class.description())),
    }
}

/// What of a value without quotes decides: not the punctuation at its end, nor a bracket or quote
/// there that it did not open. `***),` is as much a placeholder as `***`.
pub(super) fn core(value: &[u8]) -> &[u8] {
    if value.len() > LOOK || !value.last().is_some_and(|last| may_trail(*last)) {
        return value;
    }
    let mut counts = Counts::of(value);
    let mut core = value;
    while let [before @ .., last] = core {
        if !counts.is_outside(*last) {
            break;
        }
        core = before;
    }
    core
}

fn may_trail(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'.' | b':' | b'!' | b'?' | b'"' | b'\'' | b'`')
        || matches!(extent::bracket(byte), Some((_, false)))
}

/// How often each bracket closes in a value without having been opened, and how often each quote
/// is there.
struct Counts {
    closed: [i32; 4],
    quotes: [i32; 3],
}

impl Counts {
    fn of(value: &[u8]) -> Counts {
        let mut counts = Counts { closed: [0; 4], quotes: [0; 3] };
        for byte in value {
            match byte {
                b'"' => counts.quotes[0] += 1,
                b'\'' => counts.quotes[1] += 1,
                b'`' => counts.quotes[2] += 1,
                _ => {
                    if let Some((kind, is_open)) = extent::bracket(*byte) {
                        counts.closed[kind] += if is_open { -1 } else { 1 };
                    }
                }
            }
        }
        counts
    }

    /// Whether the value does not need its `last` byte.
    fn is_outside(&mut self, last: u8) -> bool {
        match last {
            b',' | b';' | b'.' | b':' | b'!' | b'?' => true,
            b'"' => self.quotes[0] == 1,
            b'\'' => self.quotes[1] == 1,
            b'`' => self.quotes[2] == 1,
            _ => extent::bracket(last).is_some_and(|(kind, is_open)| {
                self.closed[kind] -= 1;
                !is_open && self.closed[kind] >= 0
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_ends_with_everything_else() {
        for column in COLUMNS.iter().flatten() {
            let (last, rows) =
                column.classes[..column.n_classes].split_last().expect("no column is empty");
            assert_eq!(*last, Class::Anything);
            assert!(!rows.contains(&Class::Anything));
            for (index, class) in rows.iter().enumerate() {
                assert!(!rows[..index].contains(class), "{class:?} has two rows");
            }
        }
    }

    #[test]
    fn the_syntaxes_are_in_the_order_of_their_numbers() {
        for (number, syntax) in ValueSyntax::ALL.iter().enumerate() {
            assert_eq!(*syntax as usize, number);
        }
    }
}
