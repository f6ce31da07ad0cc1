//! Whether a value goes: the table of `docs/KEYS.md`.
//!
//! Behind a strong key everything goes but what is plainly none: stand-ins, code, prose, paths.
//! Behind a weak one the value must itself look like a secret.

use super::{
    super::search_memo::Seek,
    Strength, code, extent,
    name::{self, Key, Kind},
    value_location::{Form, Place},
};
use crate::{
    detect::{
        Located, Rejection,
        byte_class::{self, Traits},
        edge, value,
        words::WordTable,
    },
    finding::Shape,
    text::{span::Span, visits},
};

/// A value is judged by its first so many bytes; nothing but a secret is longer.
const LOOK: usize = 512;

/// Words that prose goes on with behind a key's name.
const PROSE: &str = "a accepted again already an and any are at authentication be been being but by can cannot changed check contains \
    could declined denied did do does entered expired expires fail failed failure fails field file for found from generated \
    generation given granted had has have hash if in incorrect invalid is issued it lookup matched matches may mismatch missing must \
    needed never no not of ok on or out prompt protected provided received refused rejected request requested required reset reuse \
    revoked rotated set should so stored succeeded success successful supplied than that the then to too unknown update updated used \
    using valid validated validation verification verified was were when which will with without wrong yes you your";

static PROSE_WORDS: WordTable<256> = WordTable::new(&[(1, PROSE)]);

/// Whether the value goes.
pub(super) fn judge(
    hit: &Located<'_>,
    key: &Key,
    strength: Strength,
    place: &Place,
    shape: Shape,
) -> Result<(), Rejection> {
    let bytes = place.value.of(hit.hay);
    let bytes = match strength {
        Strength::Strong if place.form != Form::Quoted => core(bytes),
        _ => bytes,
    };
    let bytes = &bytes[..bytes.len().min(LOOK)];
    let traits = Traits::of(bytes);
    // No more than a few of the predicates below read all of it.
    visits::add(2 * bytes.len());
    let goes = |goes: bool, rejection| if goes { Ok(()) } else { Err(rejection) };
    match (strength, shape) {
        (Strength::Strong, Shape::Scalar { .. }) => Ok(()),
        (Strength::Weak, Shape::Scalar { .. }) => Err(Rejection::NotRandom),
        _ if place.form == Form::Bytes => Ok(()),
        _ if is_nothing(bytes, traits) => Err(Rejection::TooShort),
        _ if is_stand_in(bytes, traits) => Err(Rejection::Placeholder),
        _ if is_own_name(hit, key, bytes) => Err(Rejection::OwnName),
        (Strength::Strong, Shape::Text) => {
            goes(is_strong(hit, key, place, bytes, traits), Rejection::NotSecret)
        }
        (Strength::Weak, Shape::Text) => {
            goes(is_weak(hit, key, place, bytes, traits), Rejection::NotRandom)
        }
    }
}

/// What of a value without quotes decides whether it goes: punctuation and brackets behind it that
/// it did not open tell nothing. `***),` is as much a stand-in as `***`.
pub(super) fn core(value: &[u8]) -> &[u8] {
    if value.len() > LOOK {
        return value;
    }
    // How often each bracket closes without having been opened, and how often each quote stands
    // there.
    let mut closed = [0_i32; 4];
    let mut quotes = [0_i32; 3];
    for byte in value {
        match byte {
            b'"' => quotes[0] += 1,
            b'\'' => quotes[1] += 1,
            b'`' => quotes[2] += 1,
            _ => {
                if let Some((kind, is_open)) = extent::bracket(*byte) {
                    closed[kind] += if is_open { -1 } else { 1 };
                }
            }
        }
    }
    let mut core = value;
    while let [before @ .., last] = core {
        let is_outside = match last {
            b',' | b';' | b'.' | b':' | b'!' | b'?' => true,
            b'"' => quotes[0] == 1,
            b'\'' => quotes[1] == 1,
            b'`' => quotes[2] == 1,
            _ => extent::bracket(*last).is_some_and(|(kind, is_open)| {
                closed[kind] -= 1;
                !is_open && closed[kind] >= 0
            }),
        };
        if !is_outside {
            break;
        }
        core = before;
    }
    core
}

/// Whether what stands right behind the name says that [`place`](super::value_location) finds no
/// value or [`judge`] lets it stay, whatever stands around the two. Most names in clean logs are
/// told by it, and none of them needs its record.
pub(super) fn is_nothing_plain(hay: &[u8], key: &Key) -> bool {
    let Kind::Plain(strength) = key.kind else { return false };
    match &hay[key.name.end..] {
        [b'"', b':', b'"', rest @ ..] | [b'"', b':', b' ', b'"', rest @ ..] => is_starred(rest),
        // No word of a sentence has a value behind a comma.
        [b',', ..] => true,
        [b' ', rest @ ..] => !key.is_flag && is_prose_word(rest, strength),
        [b'=', rest @ ..] => {
            strength == Strength::Weak && !is_pass(key.name.of(hay)) && is_calm_word(rest)
        }
        _ => false,
    }
}

/// `***"`
fn is_starred(rest: &[u8]) -> bool {
    let stars = rest.iter().take(64).take_while(|byte| **byte == b'*').count();
    stars > 0 && rest.get(stars) == Some(&b'"')
}

/// `password reset requested`: behind the key a word, and behind the word no sign that it is
/// something else.
fn is_prose_word(rest: &[u8], strength: Strength) -> bool {
    let length = byte_class::run(&rest[..rest.len().min(32)], byte_class::LOWER);
    let (word, behind) = rest.split_at(length);
    let is_alone = matches!(behind, [b' ', next, ..] if !matches!(next, b' ' | b'\t' | b'='));
    let is_link = matches!(word, b"is" | b"was" | b"to" | b"as" | b"of" | b"for");
    let is_word = || match strength {
        Strength::Strong => is_prose(word),
        // Too short to be random.
        Strength::Weak => word.len() < 8,
    };
    length > 0 && is_alone && !is_link && is_word()
}

/// `key=order:12:summary dur=5ms`: a value that is the whole of what stands before the white space,
/// and does not look like a secret.
fn is_calm_word(rest: &[u8]) -> bool {
    let near = &rest[..rest.len().min(64)];
    let length = byte_class::run(near, byte_class::ALNUM | byte_class::JOINT | byte_class::COLON);
    let (word, behind) = near.split_at(length);
    // A type goes on with `=`, and `new String("` opens a string.
    let goes_on = |next: u8| matches!(next, b' ' | b'\t' | b'=' | b'"' | b'\'' | b'\\');
    let is_alone = matches!(behind, [b' ', next, ..] if !goes_on(*next));
    let call = byte_class::run(
        near,
        byte_class::ALNUM
            | byte_class::UNDERSCORE
            | byte_class::DOT
            | byte_class::COLON
            | byte_class::SPACE,
    );
    let is_call = call <= 32 && near.get(call) == Some(&b'(');
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_calm = || word.len() < 8 || !looks_secret(word, Traits::of(word));
    is_alone && !is_call && is_plain(word.first()) && is_plain(word.last()) && is_calm()
}

/// What is known of a value behind a weak key when the value begins inside another.
#[derive(Default)]
pub(super) struct Calm {
    gauge: value::Gauge,
    /// Where the next byte stands that is not of [`class::MIX`].
    mark: Seek,
    /// Where the next digit stands. Without one only what is random goes.
    digit: Seek,
    /// Where the next byte stands that may be an edge. What is cut there is judged by itself.
    edge: Seek,
    /// Where the next equals sign stands, and the next digit or mark: see [`is_telling`].
    equals: Seek,
    sign: Seek,
}

impl Calm {
    /// Whether [`judge`] surely lets the value behind a weak key stay.
    pub(super) fn stays(&mut self, hay: &[u8], key: &Key, place: &Place) -> bool {
        let Span { start, end } = place.value;
        if !self.gauge.is_calm(hay, start, end) {
            return false;
        }
        let end = end.min(start + LOOK);
        let first = |from: usize, to: usize, is_one: fn(u8) -> bool| {
            hay[from..to].iter().position(|byte| is_one(*byte)).map(|length| from + length)
        };
        let is_sign = |byte| byte_class::is(byte, byte_class::DIGIT | byte_class::MARK);
        let mut may_tell = || {
            self.equals.find(start, end, |from, to| first(from, to, |byte| byte == b'=')).is_none()
                && self.sign.find(start, end, |from, to| first(from, to, is_sign)).is_some()
        };
        if is_pass(key.name.of(hay)) && may_tell() {
            return false;
        }
        let is_mark = |byte| !byte_class::is(byte, byte_class::MIX);
        let is_edge = |byte| {
            !byte_class::is(byte, byte_class::GRAPHIC) || byte_class::is(byte, byte_class::ESCAPE)
        };
        if self.edge.find(start, end, |from, to| first(from, to, is_edge)).is_some() {
            return false;
        }
        self.mark.find(start, end, |from, to| first(from, to, is_mark)).is_some()
            || self
                .digit
                .find(start, end, |from, to| first(from, to, |byte| byte.is_ascii_digit()))
                .is_none()
    }
}

fn is_strong(hit: &Located<'_>, key: &Key, place: &Place, bytes: &[u8], traits: Traits) -> bool {
    if is_filled(bytes) {
        return false;
    }
    let text = &hit.hay[place.value.start..hit.record.end];
    match place.form {
        Form::Quoted => {
            let is_marked = opens_bracket(bytes) && matches!(bytes[0], b'+' | b'.' | b',' | b' ');
            !(is_dotted_number(bytes)
                || is_sentence(bytes, traits)
                || is_path(bytes)
                || is_message(bytes)
                || is_reference(bytes)
                || is_marked)
        }
        Form::Tight | Form::Element => {
            // In a connection string a semicolon follows, and the value is no variable of a
            // program.
            let is_variable = || hit.hay[..hit.record.end].get(place.value.end) != Some(&b';');
            let is_name = || is_named(bytes, traits) || is_named_member(bytes, traits);
            !(is_name() && is_variable()
                || code::is_expression(text, bytes.len())
                || is_path(bytes)
                || is_one_of_names(hit, key, traits)
                || is_name_service(hit, key, bytes))
        }
        Form::Argument if is_spoken_of(text, bytes.len()) => false,
        Form::Argument => {
            !is_path(bytes) && !is_option(bytes) && !code::is_passed_on(text, bytes.len())
        }
        Form::Spaced => {
            !is_fetched(text, bytes, traits)
                && !is_path(bytes)
                && !is_inner_pair(bytes)
                && !is_folder(hit, key, bytes)
                && (!traits.all(byte_class::NAME)
                    || begins_line(hit, key) && !is_named(bytes, traits))
        }
        Form::Colon => {
            !is_fetched(text, bytes, traits)
                && !is_path(bytes)
                && !is_prose(bytes)
                && !is_inner_pair(bytes)
                && !is_technical(bytes)
                && !is_name_service(hit, key, bytes)
                && (is_telling(bytes, traits) || !is_verdict(key.name.of(hit.hay)))
                && !(is_named(bytes, traits) && is_argument(hit, place))
                && (!traits.all(byte_class::ALPHA) || is_line(hit, key, place))
        }
        Form::Prose => {
            (is_told(bytes, traits) || !is_prose(bytes) && is_login(hit, key))
                && !is_fetched(text, bytes, traits)
                && !is_path(bytes)
                && !is_option(bytes)
                && !is_technical(bytes)
        }
        Form::Structure | Form::Bytes => false,
    }
}

fn is_weak(hit: &Located<'_>, key: &Key, place: &Place, bytes: &[u8], traits: Traits) -> bool {
    if value::is_filler(bytes) || is_path(bytes) || is_named_digest(bytes) || is_behind_port(bytes)
    {
        return false;
    }
    if value::asks_to_fill_in(bytes) {
        return false;
    }
    if traits.any(byte_class::SPACE) {
        return holds_secret_words(bytes);
    }
    if is_pass(key.name.of(hit.hay)) && is_telling(bytes, traits) && place.form != Form::Prose {
        return !is_code(bytes, traits);
    }
    match place.form {
        Form::Structure | Form::Bytes => false,
        Form::Quoted | Form::Element | Form::Tight | Form::Argument => {
            is_or_holds(bytes, traits, looks_secret)
        }
        Form::Spaced | Form::Colon | Form::Prose
            if is_code(bytes, traits) || is_segment(hit, key, place) =>
        {
            false
        }
        // Behind `key` or `token` in a sentence stands also what a program calls so.
        Form::Prose if is_plain_word(hit, key) => {
            is_or_holds(bytes, traits, |piece, _| value::is_random(piece))
        }
        Form::Spaced | Form::Colon | Form::Prose => is_or_holds(bytes, traits, |piece, traits| {
            value::is_random(piece) || traits.all(byte_class::ALNUM) && is_long_run(piece)
        }),
    }
}

/// Whether the key is a word in small letters and no service's name.
fn is_plain_word(hit: &Located<'_>, key: &Key) -> bool {
    !matches!(key.kind, Kind::Service { .. })
        && key.name.of(hit.hay).iter().all(u8::is_ascii_lowercase)
}

/// Whether the value `is_secret`; or, where characters stand in it that are edges, a piece between
/// them or all pieces together are. Those must hold a digit: nothing is known of how words of other
/// languages look.
fn is_or_holds(bytes: &[u8], traits: Traits, is_secret: impl Fn(&[u8], Traits) -> bool) -> bool {
    if is_secret(bytes, traits) {
        return true;
    }
    if !may_hold_edges(traits) {
        return false;
    }
    let is_secret_piece = |piece: &[u8]| {
        let traits = Traits::of(piece);
        traits.any(byte_class::DIGIT) && is_secret(piece, traits)
    };
    let mut all = [0; LOOK];
    let mut length = 0;
    for piece in edge::pieces(bytes) {
        if is_secret_piece(piece) {
            return true;
        }
        all[length..length + piece.len()].copy_from_slice(piece);
        length += piece.len();
    }
    is_secret_piece(&all[..length])
}

/// Whether a value may have characters inside that are edges, written as they are or as escapes.
fn may_hold_edges(traits: Traits) -> bool {
    !traits.all(byte_class::GRAPHIC) || traits.any(byte_class::ESCAPE)
}

/// Whether some words between white space look like secrets, and no more of the others are plain
/// words: `x7Kp2mQ9 vT4nB8dL`, `Bearer x7Kp2mQ9vT4nB8dL`, but no sentence that names an identifier.
fn holds_secret_words(bytes: &[u8]) -> bool {
    // A public key, and a block of PEM whose body has a recogniser of its own.
    let is_key = [&b"ssh-"[..], b"sk-ssh-", b"ecdsa-", b"-----BEGIN"]
        .iter()
        .any(|name| bytes.starts_with(name));
    if is_key {
        return false;
    }
    let (mut n_secret, mut n_plain) = (0, 0);
    for word in edge::pieces(bytes) {
        let traits = Traits::of(word);
        if traits.any(byte_class::DIGIT) && looks_secret(word, traits) {
            n_secret += 1;
        } else if traits.none(byte_class::DIGIT) {
            n_plain += 1;
        }
    }
    n_secret > 0 && n_plain <= n_secret
}

/// Whether a value that a weak key has by itself looks like a secret.
fn looks_secret(bytes: &[u8], traits: Traits) -> bool {
    value::is_random(bytes)
        || traits.all(byte_class::MIX) && is_long_mix(bytes)
        || traits.all(byte_class::ALNUM) && is_mix(bytes)
        || is_hex_pair(bytes)
}

/// `library/auth: 9f86d0…`: the key is the end of a path, and what follows is about what lies
/// there.
fn is_segment(hit: &Located<'_>, key: &Key, place: &Place) -> bool {
    place.form == Form::Colon && hit.hay[hit.record.start..key.name.start].ends_with(b"/")
}

/// `ba0fedab:5c5881c2`: a user and a password from a generator of hexadecimal digits.
fn is_hex_pair(bytes: &[u8]) -> bool {
    let is_hex = |half: &[u8]| {
        let traits = Traits::of(half);
        half.len() >= 8
            && traits.all(byte_class::HEX_LOWER)
            && traits.any(byte_class::DIGIT)
            && traits.any(byte_class::LOWER)
    };
    memchr::memchr(b':', bytes)
        .is_some_and(|colon| is_hex(&bytes[..colon]) && is_hex(&bytes[colon + 1..]))
}

/// `sha256:9f86d0…`: a digest that says so.
fn is_named_digest(bytes: &[u8]) -> bool {
    [&b"sha256:"[..], b"sha512:", b"sha1:", b"md5:", b"sha256-", b"sha512-", b"sha384-"]
        .iter()
        .any(|name| bytes.starts_with(name))
}

/// Sixteen letters and digits or more, some of each, nothing else but `_`, `-`, `=`, `+`, `/`: all
/// of [`class::MIX`].
fn is_long_mix(bytes: &[u8]) -> bool {
    let count = |classes| bytes.iter().filter(|byte| byte_class::is(**byte, classes)).count();
    let parts = 1 + bytes.iter().filter(|byte| matches!(byte, b'_' | b'-' | b'/')).count();
    bytes.len() >= 16
        && parts <= 3
        && count(byte_class::DIGIT) >= 3
        && count(byte_class::ALPHA) >= 3
}

/// `pass` alone, which is also what tests do: a mixture behind it is what no test has.
fn is_pass(name: &[u8]) -> bool {
    name.len() >= 4 && name[name.len() - 4..].eq_ignore_ascii_case(b"pass")
}

/// `PASS: test_login`: what came of a test.
fn is_verdict(name: &[u8]) -> bool {
    name == b"PASS"
}

/// Twelve letters and digits in one run, some of each.
fn is_mix(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    bytes.len() >= 12 && digits >= 3 && bytes.len() - digits >= 3
}

/// Twenty letters and digits or more, four of each kind, ten different ones: `abcd1234efgh5678ijkl`
/// shows no randomness, but no name and no number has so much of both. In 31 MB of real logs no
/// such run stands behind a key.
fn is_long_run(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let kinds = bytes.iter().fold(0_u128, |kinds, byte| kinds | 1 << (byte & 0x7f));
    bytes.len() >= 20 && digits >= 4 && bytes.len() - digits >= 4 && kinds.count_ones() >= 10
}

/// Too little to be a secret, the same character over and over, or the seam of two strings in a
/// program.
fn is_nothing(bytes: &[u8], traits: Traits) -> bool {
    if bytes.len() <= 2 || bytes.len() == 3 && traits.all(byte_class::DIGIT) {
        return true;
    }
    match bytes[0] {
        b'0' | b'-' => {
            let mut plain = bytes.iter().filter(|byte| **byte != b'-').peekable();
            plain.peek().is_some() && plain.all(|byte| *byte == b'0')
        }
        b'"' | b'\'' | b'`' => memchr::memmem::find(bytes, b" + ").is_some(),
        _ => false,
    }
}

/// A template or another stand-in, with quotes around it too: `"'$PASSWORD'"`.
fn is_stand_in(bytes: &[u8], traits: Traits) -> bool {
    let inner = match bytes {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return value::is_template_of(bytes, traits),
    };
    value::is_template(inner)
}

/// From a prefix on one filling character, as in keys that show a form: `acme_xxxxxxxxxxxx`. Digits
/// alone may also be a bad password, up to a length that no one types.
fn is_filled(bytes: &[u8]) -> bool {
    const TYPED: usize = 20;
    bytes.len() >= 10
        && value::is_filler(bytes)
        && (bytes.len() > TYPED
            || bytes
                .last()
                .is_some_and(|last| matches!(last, b'x' | b'X' | b'*' | b'-' | b'_' | b'.')))
}

/// `password=password`, `token: token`: the key's own name, or one made of words like it.
fn is_own_name(hit: &Located<'_>, key: &Key, bytes: &[u8]) -> bool {
    let mut letters = letters_from_behind(bytes).peekable();
    letters.peek().is_some() && letters.eq(letters_from_behind(key.name.of(hit.hay)))
}

/// From behind, since names that are not the same differ there first.
fn letters_from_behind(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter()
        .rev()
        .filter(|byte| byte_class::is(**byte, byte_class::ALNUM))
        .map(u8::to_ascii_lowercase)
}

/// A name in a program that says what it stands for: letters and marks, and one of its words names
/// a secret.
fn is_named(bytes: &[u8], traits: Traits) -> bool {
    traits.all(byte_class::NAME) && names_a_secret(bytes)
}

/// An identifier whose words name a secret: `tumblr_consumer_key`, `userPassword`, `dbpass`.
/// Letters that only contain such a word, as `xqkeyzvbnm` does, are no name.
pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let length = word_length(&bytes[at..]);
        if is_secret_word(&bytes[at..at + length]) {
            return true;
        }
        at += length.max(1);
    }
    false
}

/// The length of the word at the head of `bytes`, in snake case, kebab case or camel case; 0 where
/// none begins.
fn word_length(bytes: &[u8]) -> usize {
    let capitals = byte_class::run(bytes, byte_class::UPPER);
    let small = byte_class::run(&bytes[capitals..], byte_class::LOWER);
    match (capitals, small) {
        // `APIKey`: the last capital begins the next word.
        (2.., 2..) => capitals - 1,
        _ => capitals + small,
    }
}

/// Words for a secret, as parts of names.
const SECRET_WORDS: &str = "pass passed passing bypass pwd pwds key keys keyring keychain keyfile keystore keypass cred creds auth authn \
    authz secret secrets token tokens passfile passkey apikey authkey authtoken";

static SECRETS: WordTable<64> = WordTable::new(&[(1, SECRET_WORDS)]);

/// Beginnings and ends of words for a secret that no other letters have.
const SECRET_STEMS: [&[u8]; 9] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"passwort",
    b"secret",
    b"token",
    b"credential",
    b"authori",
    b"authtok",
];

fn is_secret_word(word: &[u8]) -> bool {
    if word.len() < 2 || SECRETS.holds(1, word) {
        return word.len() >= 2;
    }
    let begins =
        |stem: &[u8]| word.len() >= stem.len() && word[..stem.len()].eq_ignore_ascii_case(stem);
    let ends = |stem: &[u8]| {
        word.len() >= stem.len() && word[word.len() - stem.len()..].eq_ignore_ascii_case(stem)
    };
    let is_glued = || {
        let owner = |stem: &[u8]| ends(stem) && name::is_owner(&word[..word.len() - stem.len()]);
        [&b"pass"[..], b"pwd", b"pw", b"key", b"auth", b"creds"].iter().any(|stem| owner(stem))
    };
    SECRET_STEMS.iter().any(|stem| begins(stem) || ends(stem)) || begins(b"authent") || is_glued()
}

/// A member, a route, a selector: `vm.user.newPassword`, `sessions/passwords#update`,
/// `#add-password`.
fn is_reference(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'.' | b'#' | b'/'))
        && bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.-/#".contains(byte))
        && names_a_secret(bytes)
}

/// `md5(user:realm:password:nonce)`: names with colons between them.
fn is_one_of_names(hit: &Located<'_>, key: &Key, traits: Traits) -> bool {
    traits.all(byte_class::NAME) && hit.hay[hit.record.start..key.name.start].ends_with(b":")
}

/// `client_secret: oauth_secret,`: what stands without quotes among the arguments of a call is a
/// variable.
fn is_argument(hit: &Located<'_>, place: &Place) -> bool {
    matches!(hit.hay[..hit.record.end].get(place.value.end), Some(b',' | b')' | b';'))
}

/// Letters, `_`, `.`, `$`, `-` and no digit: a name rather than a value.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte_class::is(*byte, byte_class::NAME))
}

/// A word that prose goes on with, or one that says so itself.
fn is_prose(bytes: &[u8]) -> bool {
    PROSE_WORDS.holds(1, bytes)
}

/// Behind white space only what no word is: a digit or a mark among at least five characters.
fn is_telling(bytes: &[u8], traits: Traits) -> bool {
    bytes.len() >= 5
        && traits.any(byte_class::ALPHA)
        && traits.any(byte_class::DIGIT | byte_class::MARK)
        && traits.none(byte_class::EQUALS)
        && !bytes.starts_with(b"(")
        && !bytes.starts_with(b"HTTP/")
        && !is_version(bytes)
}

/// The same of what stands behind a strong key: more characters than digits and marks are what no
/// word has, and `=` is one.
fn is_told(bytes: &[u8], traits: Traits) -> bool {
    if bytes.len() < 8
        || bytes.starts_with(b"HTTP/")
        || is_version(bytes)
        || traits.none(byte_class::ALPHA)
    {
        return is_telling(bytes, traits);
    }
    // `user=bob`: another pair. What begins so and goes on as no value of one does is a password.
    let is_pair = extent::is_pair(bytes, b'=');
    let rest = if is_pair { &bytes[byte_class::until(bytes, byte_class::EQUALS)..] } else { bytes };
    let has_cases = || traits.any(byte_class::LOWER) && traits.any(byte_class::UPPER);
    let least = match bytes[0] {
        b'(' if traits.any(byte_class::DIGIT)
            && has_cases()
            && bytes.len() >= 12
            && !bytes.contains(&b')') =>
        {
            1
        }
        b'(' if traits.any(byte_class::DIGIT) => 3,
        b'(' => 4,
        _ if is_pair => 4,
        _ if has_cases() && bytes.len() >= 12 => 1,
        _ if has_cases() => 2,
        _ => 4,
    };
    let has_digit =
        bytes[0] != b'(' && !is_pair && traits.any(byte_class::DIGIT | byte_class::MARK);
    value::is_random(rest) || has_digit || n_kinds(rest) >= least
}

/// What standards and their versions are called, which descriptions of a password mention: `OAuth2
/// client secret`.
const STANDARDS: &str = "oauth2 oauth1 sha1 sha256 sha384 sha512 md5 base64 utf8 pkcs1 pkcs8 pkcs12 x509 ipv4 ipv6 bcrypt2 argon2 pbkdf2 \
    http2 socks4 socks5 tls12 tls13 saml2 ldap3 rfc2617";

static STANDARD_WORDS: WordTable<64> = WordTable::new(&[(1, STANDARDS)]);

/// A standard, alone or as the last word of a name: `prefer-ipv4`; or a port as services list it:
/// `464/udp`.
fn is_technical(bytes: &[u8]) -> bool {
    let start = memchr::memrchr(b'-', bytes).map_or(0, |dash| dash + 1);
    let port = byte_class::run(bytes, byte_class::DIGIT);
    STANDARD_WORDS.holds(1, &bytes[start..])
        || is_number_type(bytes)
        || port > 0 && matches!(&bytes[port..], b"/tcp" | b"/udp" | b"/sctp" | b"/dccp")
}

/// `__u32`, `int64_t`, `float32`: a type of numbers in a program.
fn is_number_type(bytes: &[u8]) -> bool {
    let name = bytes.strip_prefix(b"__").unwrap_or(bytes);
    let name = name.strip_suffix(b"_t").unwrap_or(name);
    let length = byte_class::run(name, byte_class::LOWER);
    matches!(&name[..length], b"u" | b"i" | b"s" | b"f" | b"int" | b"uint" | b"float")
        && matches!(&name[length..], b"8" | b"16" | b"32" | b"64" | b"128")
}

/// `passwd: files`, `passwd:gid`: where a system looks for its users, and the fields of what it
/// finds.
fn is_name_service(hit: &Located<'_>, key: &Key, bytes: &[u8]) -> bool {
    const SERVICES: [&[u8]; 15] = [
        b"files", b"compat", b"nis", b"nisplus", b"db", b"ldap", b"sss", b"systemd", b"winbind",
        b"hesiod", b"uid", b"gid", b"gecos", b"shell", b"dir",
    ];
    key.name.of(hit.hay) == b"passwd" && SERVICES.contains(&bytes)
}

/// `pwd = base_path`: the working directory.
fn is_folder(hit: &Located<'_>, key: &Key, bytes: &[u8]) -> bool {
    const FOLDERS: [&[u8]; 7] =
        [b"path", b"dir", b"directory", b"folder", b"cwd", b"root", b"home"];
    let last = &bytes[memchr::memrchr(b'_', bytes).map_or(0, |at| at + 1)..];
    key.name.of(hit.hay).eq_ignore_ascii_case(b"pwd") && FOLDERS.contains(&last)
}

/// `--password options can't be used`: a sentence about a flag goes on with a word for it, or with
/// one of prose, and another word.
fn is_spoken_of(text: &[u8], length: usize) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"option",
        b"options",
        b"flag",
        b"flags",
        b"argument",
        b"arguments",
        b"parameter",
        b"parameters",
    ];
    let word = &text[..length];
    let is_before_word = matches!(&text[length..], [b' ', next, ..] if next.is_ascii_lowercase());
    is_before_word && (WORDS.contains(&word) || is_prose(word))
}

/// `layer1.aws_secret_access_key`: a member whose name says what it stands for, with digits before
/// it too.
fn is_named_member(bytes: &[u8], traits: Traits) -> bool {
    let Some(dot) = memchr::memrchr(b'.', bytes) else { return false };
    let name = &bytes[dot + 1..];
    is_member(bytes, traits)
        && (bytes[0].is_ascii_alphabetic() || bytes[0] == b'_')
        && name.contains(&b'_')
        && names_a_secret(name)
        && !value::is_random(name)
}

/// `db: password=x`: the inner key has the value.
fn is_inner_pair(bytes: &[u8]) -> bool {
    let name = &bytes[..byte_class::run(bytes, byte_class::ALNUM | byte_class::JOINT)];
    let is_password = |word: &[u8]| {
        name.len() >= word.len() && name[name.len() - word.len()..].eq_ignore_ascii_case(word)
    };
    bytes.get(name.len()) == Some(&b'=')
        && (is_password(b"password") || is_password(b"passwd") || is_password(b"pwd"))
}

/// How many different characters there are that are neither letters and digits nor what words are
/// joined with.
fn n_kinds(bytes: &[u8]) -> u32 {
    let is_kind = |byte: &&u8| byte.is_ascii_punctuation() && !b"-_./:,'".contains(byte);
    bytes.iter().filter(is_kind).fold(0_u128, |kinds, byte| kinds | 1 << (byte & 0x7f)).count_ones()
}

/// `-x`, `--name`, `--name=value`: another flag of the command.
fn is_option(bytes: &[u8]) -> bool {
    let Some(name) = bytes.strip_prefix(b"-") else { return false };
    let is_long = name.starts_with(b"-");
    let name = &name[usize::from(is_long)..];
    let length = byte_class::run(name, byte_class::ALNUM | byte_class::JOINT);
    (length > 1 || !is_long)
        && (is_long || !value::is_random(name))
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && matches!(name.get(length), None | Some(b'='))
}

/// `v0.8.0`, `1.2.3-rc1`.
fn is_version(bytes: &[u8]) -> bool {
    let number = bytes.strip_prefix(b"v").unwrap_or(bytes);
    let digits = byte_class::run(number, byte_class::DIGIT);
    digits > 0
        && number.get(digits) == Some(&b'.')
        && number.get(digits + 1).is_some_and(u8::is_ascii_digit)
}

/// `login bob password x`, as in `.netrc`.
fn is_login(hit: &Located<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start.max(key.name.start.saturating_sub(128))..key.name.start];
    let mut words = before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    let user = words.next();
    let word = words.next().unwrap_or_default();
    // `login and password of …` speaks of both.
    let is_user = user.is_some_and(|user| !matches!(user, b"and" | b"or" | b"&" | b"/" | b"+"));
    is_user
        && [&b"login"[..], b"user", b"username"]
            .iter()
            .any(|login| word.eq_ignore_ascii_case(login))
}

/// An expression, or a member: what fetches a value is none.
fn is_fetched(text: &[u8], bytes: &[u8], traits: Traits) -> bool {
    let is_name = || {
        traits.none(byte_class::DIGIT) || bytes[0].is_ascii_alphabetic() && names_a_secret(bytes)
    };
    code::is_expression(text, bytes.len()) || is_member(bytes, traits) && is_name()
}

/// Calls, members, subscripts, operators, as a weak key's value is told from them.
fn is_code(bytes: &[u8], traits: Traits) -> bool {
    let is_name = || {
        traits.none(byte_class::DIGIT) || bytes[0].is_ascii_alphabetic() && names_a_secret(bytes)
    };
    is_expression(bytes, traits) || is_member(bytes, traits) && is_name() || bytes[0] == b'('
}

/// `getPassword()`, `os.environ['X']`, `Union[str`, `[]string`, `a::b`, `self->pw`, `await x`.
fn is_expression(bytes: &[u8], traits: Traits) -> bool {
    let is_behind_name = |mark| {
        let head = byte_class::run(bytes, byte_class::MEMBER);
        head > 0 && bytes.get(head) == Some(&mark)
    };
    let is_subscript = || {
        bytes.ends_with(b"]")
            || bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'[')
    };
    let holds = |pair: &[u8]| bytes.windows(2).any(|there| there == pair);
    traits.any(byte_class::ROUND) && is_behind_name(b'(')
        || traits.any(byte_class::SQUARE)
            && (is_behind_name(b'[') && is_subscript() || bytes.starts_with(b"[]"))
        || opens_bracket(bytes)
        || is_literal(bytes)
        || traits.any(byte_class::COLON) && holds(b"::")
        || traits.any(byte_class::MORE) && holds(b"->")
        || matches!(bytes, [b'$', b'(' | b'{', ..] | [b'{', b'{', ..] | [b'<', b'%', ..])
}

/// `environment[`, `new Buffer(`: a quote ended the value that a program fetches.
fn opens_bracket(bytes: &[u8]) -> bool {
    matches!(bytes, [.., before, b'(' | b'['] if before.is_ascii_alphabetic() || matches!(before, b'_' | b')'))
}

/// `acctest.Representation{Type`: a literal of a program's structure.
fn is_literal(bytes: &[u8]) -> bool {
    let name = byte_class::run(bytes, byte_class::NAME);
    bytes.get(name) == Some(&b'{') && bytes[..name].contains(&b'.')
}

/// `config.token`, `user.password.value`.
fn is_member(bytes: &[u8], traits: Traits) -> bool {
    traits.any(byte_class::DOT)
        && traits.all(byte_class::MEMBER)
        && !bytes.starts_with(b".")
        && !bytes.ends_with(b".")
        && bytes.windows(2).all(|pair| pair != b"..")
}

/// A file, a folder or a URL.
fn is_path(bytes: &[u8]) -> bool {
    let rest = &bytes[bytes.len().min(1)..];
    let begins = match bytes.first() {
        Some(b'/') => true,
        Some(b'.') => rest.starts_with(b"/") || rest.starts_with(b"./"),
        Some(b'~') => rest.starts_with(b"/"),
        Some(b'h') => rest.starts_with(b"ttp://") || rest.starts_with(b"ttps://"),
        Some(b'f') => rest.starts_with(b"ile:"),
        Some(b'a') => rest.starts_with(b"rn:"),
        Some(b'C') => rest.starts_with(b":\\"),
        Some(b'v') => rest.starts_with(b"ault:"),
        Some(b's') => rest.starts_with(b"ecret/") || rest.starts_with(b"sm:"),
        Some(b'o') => rest.starts_with(b"p://"),
        Some(b'$') => return is_behind_variable(rest),
        _ => false,
    };
    // A password may begin with a slash: a path has no other marks.
    let is_marked =
        |byte: &u8| !byte.is_ascii_alphanumeric() && !b"._-/~+@%${}:=,\\".contains(byte);
    if !begins || bytes[0].is_ascii_punctuation() && bytes.iter().any(is_marked) {
        return false;
    }
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
        && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
}

/// `443/password/reset`: what follows the name of a host.
fn is_behind_port(bytes: &[u8]) -> bool {
    let digits = byte_class::run(bytes, byte_class::DIGIT);
    (1..=5).contains(&digits)
        && bytes.get(digits) == Some(&b'/')
        && !value::is_random(&bytes[digits..])
}

/// `$BASE_URL/classroom`, `${HOME}/.pw`: the rest of a path that begins with a variable.
fn is_behind_variable(rest: &[u8]) -> bool {
    let name = match rest {
        [b'{', inner @ ..] => inner,
        _ => rest,
    };
    let length = name
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'))
        .count();
    let behind = &name[length..];
    length > 1 && (behind.starts_with(b"/") || name.len() < rest.len() && behind.starts_with(b"}/"))
}

/// Words with spaces that tell a reader something: `Please enter your password`.
fn is_sentence(bytes: &[u8], traits: Traits) -> bool {
    if traits.none(byte_class::SPACE) {
        return false;
    }
    let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let plain = |word: &[u8]| {
        word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte))
    };
    let n_words = words.clone().count();
    n_words >= 2
        && words.clone().all(plain)
        && (n_words >= 5
            || words.clone().any(is_prose)
            || n_words >= 3 && words.clone().any(is_noun)
            || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
}

/// A word for a secret, which a sentence speaks of.
fn is_noun(word: &[u8]) -> bool {
    [&b"password"[..], b"secret", b"passphrase", b"token", b"key"]
        .iter()
        .any(|noun| word.eq_ignore_ascii_case(noun))
}

/// `1.2.840.113549.1.9.7`: an object identifier, an address.
fn is_dotted_number(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte_class::is(*byte, byte_class::DIGIT | byte_class::DOT))
        && bytes.iter().filter(|byte| **byte == b'.').count() > 2
}

/// One word of a form or a status: `required`, `Invalid`.
fn is_message(bytes: &[u8]) -> bool {
    is_prose(bytes) && bytes.len() > 3
}

/// Whether the key and one word are all that the line says: `password: hunter`, `Default password:
/// hunter`.
fn is_line(hit: &Located<'_>, key: &Key, place: &Place) -> bool {
    (begins_line(hit, key) || is_owned(hit, key)) && ends_line(hit, place)
}

/// Whose password a line speaks of.
const OWNERS: [&[u8]; 12] = [
    b"default",
    b"initial",
    b"temporary",
    b"generated",
    b"admin",
    b"administrator",
    b"root",
    b"your",
    b"my",
    b"user",
    b"login",
    b"wifi",
];

/// `Default password: x`: one word before the key says whose it is.
fn is_owned(hit: &Located<'_>, key: &Key) -> bool {
    let before = hit.hay[hit.record.start..key.name.start].trim_ascii();
    let before = before.strip_prefix(b"#").unwrap_or(before).trim_ascii_start();
    OWNERS.iter().any(|owner| before.eq_ignore_ascii_case(owner))
}

/// Whether nothing but white space, a list's dash or a comment's mark stands before the key.
fn begins_line(hit: &Located<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    before.len() <= 64 && before.iter().all(|byte| b" \t-#;".contains(byte))
}

fn ends_line(hit: &Located<'_>, place: &Place) -> bool {
    let rest = &hit.hay[place.value.end..hit.record.end];
    let next = rest.iter().take(64).find(|byte| !byte.is_ascii_whitespace());
    next.is_none_or(|byte| *byte == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::oracle::{Numbers, generated};

    /// The predicates as one would write them, byte by byte.
    mod plain {
        use crate::detect::value;

        /// Trims from behind, and counts anew for each byte.
        pub(super) fn core(value: &[u8]) -> &[u8] {
            let Some((last, before)) = value.split_last() else { return value };
            let count = |byte: u8| value.iter().filter(|one| **one == byte).count();
            let is_outside = match last {
                b',' | b';' | b'.' | b':' | b'!' | b'?' => true,
                b'"' | b'\'' | b'`' => count(*last) == 1,
                b')' => count(b')') > count(b'('),
                b']' => count(b']') > count(b'['),
                b'}' => count(b'}') > count(b'{'),
                b'>' => count(b'>') > count(b'<'),
                _ => false,
            };
            if is_outside { core(before) } else { value }
        }

        pub(super) fn is_option(bytes: &[u8]) -> bool {
            let text = bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
            let is_random =
                !text.starts_with("--") && value::is_random(bytes.get(1..).unwrap_or_default());
            let (name, least) = match (text.strip_prefix("--"), text.strip_prefix('-')) {
                (Some(name), _) => (name, 2),
                (None, Some(name)) => (name, 1),
                _ => return false,
            };
            let name = name.split('=').next().unwrap_or_default();
            let is_name =
                name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
            !is_random
                && is_name
                && name.len() >= least
                && name.starts_with(|first: char| first.is_ascii_alphabetic())
        }

        /// How many kinds of characters no words have.
        pub(super) fn n_kinds(bytes: &[u8]) -> u32 {
            let kinds: std::collections::BTreeSet<u8> = bytes
                .iter()
                .copied()
                .filter(|byte| b"!\"#$%&()*+;<=>?@[\\]^`{|}~".contains(byte))
                .collect();
            kinds.len().try_into().expect("fewer than 32")
        }

        pub(super) fn is_long_mix(bytes: &[u8]) -> bool {
            let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
            let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
            let plain =
                bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-=+/".contains(byte));
            let parts = bytes.split(|byte| b"_-/".contains(byte)).count();
            bytes.len() >= 16 && plain && digits >= 3 && letters >= 3 && parts <= 3
        }

        pub(super) fn is_nothing(bytes: &[u8]) -> bool {
            let digits = bytes.iter().all(u8::is_ascii_digit);
            let mut plain = bytes.iter().filter(|byte| **byte != b'-');
            let first = plain.next();
            let is_seam =
                b"\"'`".contains(&bytes[0]) && memchr::memmem::find(bytes, b" + ").is_some();
            bytes.len() <= 2
                || bytes.len() <= 3 && digits
                || first == Some(&b'0') && plain.all(|byte| *byte == b'0')
                || is_seam
        }

        /// The words of a name: runs of letters of one case, a capital alone before small ones.
        fn words(bytes: &[u8]) -> Vec<String> {
            let mut words = vec![String::new()];
            for (at, byte) in bytes.iter().enumerate() {
                let is_upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
                let is_lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
                let before = at.wrapping_sub(1);
                // `APIKey`: the last capital begins the next word.
                let is_hump = is_upper(at)
                    && (is_lower(before)
                        || is_upper(before) && is_lower(at + 1) && is_lower(at + 2));
                if is_hump || !byte.is_ascii_alphabetic() {
                    words.push(String::new());
                }
                if byte.is_ascii_alphabetic() {
                    words.last_mut().expect("there is one").push(byte.to_ascii_lowercase().into());
                }
            }
            words
        }

        pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
            words(bytes).iter().any(|word| {
                let stems =
                    super::SECRET_STEMS.map(|stem| std::str::from_utf8(stem).expect("letters"));
                let is_owner =
                    |owner: &str| crate::detect::key_value::name::is_owner(owner.as_bytes());
                super::SECRET_WORDS.split(' ').any(|known| known == word)
                    || stems.iter().any(|stem| word.starts_with(stem) || word.ends_with(stem))
                    || word.starts_with("authent")
                    || ["pass", "pwd", "pw", "key", "auth", "creds"]
                        .iter()
                        .any(|stem| word.strip_suffix(stem).is_some_and(is_owner))
            })
        }

        pub(super) fn is_name(bytes: &[u8]) -> bool {
            bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte))
        }

        pub(super) fn is_telling(bytes: &[u8]) -> bool {
            let digits = bytes.iter().any(u8::is_ascii_digit);
            let letters = bytes.iter().any(u8::is_ascii_alphabetic);
            let marks = bytes.iter().any(|byte| b"!@#$%^&*".contains(byte));
            bytes.len() >= 5
                && letters
                && (digits || marks)
                && !bytes.contains(&b'=')
                && !bytes.starts_with(b"(")
                && !bytes.starts_with(b"HTTP/")
                && !is_version(bytes)
        }

        fn is_version(bytes: &[u8]) -> bool {
            let mut parts = bytes.strip_prefix(b"v").unwrap_or(bytes).split(|byte| *byte == b'.');
            let major = parts.next().unwrap_or_default();
            let is_number = !major.is_empty() && major.iter().all(u8::is_ascii_digit);
            is_number
                && parts.next().is_some_and(|minor| minor.first().is_some_and(u8::is_ascii_digit))
        }

        pub(super) fn is_expression(bytes: &[u8]) -> bool {
            let call = memchr::memchr(b'(', bytes)
                .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]));
            let is_type = bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'[');
            let is_subscript = bytes.ends_with(b"]") || is_type;
            let subscript = memchr::memchr(b'[', bytes)
                .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]) && is_subscript);
            let path = memchr::memmem::find(bytes, b"::").is_some()
                || memchr::memmem::find(bytes, b"->").is_some();
            let is_open = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b')';
            let opens = matches!(bytes, [.., before, b'(' | b'['] if is_open(*before));
            let is_name = |byte: &u8| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte);
            let is_literal = memchr::memchr(b'{', bytes).is_some_and(|open| {
                bytes[..open].contains(&b'.') && bytes[..open].iter().all(is_name)
            });
            call || subscript
                || opens
                || is_literal
                || bytes.starts_with(b"[]")
                || path
                || bytes.starts_with(b"$(")
                || bytes.starts_with(b"${")
                || bytes.starts_with(b"{{")
                || bytes.starts_with(b"<%")
        }

        pub(super) fn is_name_or_digits(bytes: &[u8]) -> bool {
            bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:>-".contains(byte))
        }

        pub(super) fn is_member(bytes: &[u8]) -> bool {
            bytes.contains(&b'.')
                && is_name_or_digits(bytes)
                && bytes.split(|byte| *byte == b'.').all(|part| !part.is_empty())
        }

        pub(super) fn is_path(bytes: &[u8]) -> bool {
            let starts = [
                &b"/"[..],
                b"./",
                b"../",
                b"~/",
                b"http://",
                b"https://",
                b"file:",
                b"arn:",
                b"C:\\",
                b"vault:",
                b"secret/",
                b"op://",
                b"ssm:",
            ];
            let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
            if let Some(name) = bytes.strip_prefix(b"$") {
                let name = name.strip_prefix(b"{").map_or((name, &b"/"[..]), |name| (name, b"}/"));
                let is_part =
                    |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
                let rest = &name.0[name.0.iter().take_while(|byte| is_part(byte)).count()..];
                return name.0.len() > rest.len() + 1
                    && (rest.starts_with(name.1) || rest.starts_with(b"/"));
            }
            let has_marks = bytes
                .iter()
                .any(|byte| !byte.is_ascii_alphanumeric() && !b"._-/~+@%${}:=,\\".contains(byte));
            starts.iter().any(|start| bytes.starts_with(start))
                && !(b"/.~".contains(&bytes[0]) && has_marks)
                && (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
                && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
        }

        pub(super) fn is_sentence(bytes: &[u8]) -> bool {
            let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            let plain = |word: &[u8]| {
                word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte))
            };
            let n_words = words.clone().count();
            n_words >= 2
                && words.clone().all(plain)
                && (n_words >= 5
                    || words.clone().any(super::is_prose)
                    || n_words >= 3 && words.clone().any(super::is_noun)
                    || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
        }
    }

    #[test]
    fn traits_answer_what_plain_predicates_answer() {
        const CODE: &str = "( ) [ ] :: -> . .. a.b get() x[1] $( ${ {{ <% / ./ ../ ~/ http:// https:// file: arn: C:\\ vault: secret/ op:// ssm: \
            pass Secret token KEY pwd cred auth a,b the not HTTP/ = 0 0-0 000 + / _ -x --name --n= ) }, ]. \" ' > < ; my db Api userPass \
            APIKey passwords keyed";
        let pieces: Vec<&str> = CODE.split(' ').collect();
        let mut numbers = Numbers(20_261_126);
        for _ in 0..60_000 {
            let mut value =
                if numbers.below(2) == 0 { generated(&mut numbers) } else { Vec::new() };
            for _ in 0..numbers.below(5) {
                let at = numbers.below(value.len() + 1);
                value.splice(at..at, pieces[numbers.below(pieces.len())].bytes());
                if numbers.below(4) == 0 {
                    value.push(b' ');
                }
            }
            if value.is_empty() {
                continue;
            }
            let traits = Traits::of(&value);
            let answers = [
                is_nothing(&value, traits),
                traits.all(byte_class::MIX) && is_long_mix(&value),
                names_a_secret(&value),
                traits.all(byte_class::NAME),
                is_telling(&value, traits),
                is_expression(&value, traits),
                is_member(&value, traits),
                is_path(&value),
                is_sentence(&value, traits),
            ];
            let expected = [
                plain::is_nothing(&value),
                plain::is_long_mix(&value),
                plain::names_a_secret(&value),
                plain::is_name(&value),
                plain::is_telling(&value),
                plain::is_expression(&value),
                plain::is_member(&value),
                plain::is_path(&value),
                plain::is_sentence(&value),
            ];
            assert_eq!(answers, expected, "{}", value.escape_ascii());
            assert_eq!(core(&value), plain::core(&value), "{}", value.escape_ascii());
            assert_eq!(is_option(&value), plain::is_option(&value), "{}", value.escape_ascii());
            assert_eq!(n_kinds(&value), plain::n_kinds(&value), "{}", value.escape_ascii());
        }
    }
}
