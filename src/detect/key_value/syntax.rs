//! How a value is written, which says how much doubt it leaves.
//!
//! `password="x"` leaves none, `password x` in a sentence leaves much. The location of a value
//! yields its syntax, and the table in [`verdict`](super::verdict) has a column for each.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueSyntax {
    /// Between quotes: JSON, programs, YAML.
    Quoted,
    /// After `=` without white space: environments, logfmt, queries, connection strings.
    Tight,
    /// After `=`, `:=` or `=>` with white space: INI files and programs.
    Spaced,
    /// After `:`: YAML, headers, sentences.
    Colon,
    /// The argument of a command's flag.
    Argument,
    /// After white space, or after `is`: sentences.
    Sentence,
    /// The text of an XML element.
    Element,
    /// The numbers of a byte array in a program.
    ByteArray,
    /// A JSON number or boolean on the line of its key.
    Scalar,
    /// A string inside a JSON array or object.
    Leaf,
    /// A line below the key: YAML blocks and lists, JSON printed over several lines.
    Line,
    /// A JSON number or boolean on a line below the key.
    LineScalar,
    /// The whole value of an authorization header, without a scheme.
    Header,
    /// The credential after a known scheme: `Bearer x`.
    Credential,
    /// What follows an unknown first word of an authorization header.
    UnknownScheme,
    /// A secret parameter of a scheme: `Digest response="x"`.
    Parameter,
    /// The value of a cookie.
    Cookie,
    /// A member of a JSON object below a cookie header that has no `=`.
    CookieMember,
    /// An argument or a glued value that a command's own flag takes: `mysql -px`.
    CommandArgument,
    /// The second half of `user:password` after a command's own flag: `curl -u bob:x`.
    CommandPair,
    /// The same, after a flag whose command is unknown: `-u bob:x`.
    BareFlag,
}

impl ValueSyntax {
    /// Whether the grammar of a URL around the value may end it.
    pub(super) const fn may_end_in_url(self) -> bool {
        use ValueSyntax::{Argument, Colon, Sentence, Spaced, Tight};
        matches!(self, Tight | Spaced | Colon | Argument | Sentence)
    }

    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [ValueSyntax; 21] = [
        ValueSyntax::Quoted,
        ValueSyntax::Tight,
        ValueSyntax::Spaced,
        ValueSyntax::Colon,
        ValueSyntax::Argument,
        ValueSyntax::Sentence,
        ValueSyntax::Element,
        ValueSyntax::ByteArray,
        ValueSyntax::Scalar,
        ValueSyntax::Leaf,
        ValueSyntax::Line,
        ValueSyntax::LineScalar,
        ValueSyntax::Header,
        ValueSyntax::Credential,
        ValueSyntax::UnknownScheme,
        ValueSyntax::Parameter,
        ValueSyntax::Cookie,
        ValueSyntax::CookieMember,
        ValueSyntax::CommandArgument,
        ValueSyntax::CommandPair,
        ValueSyntax::BareFlag,
    ];
}
