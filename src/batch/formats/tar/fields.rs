//! The metadata of a tar entry: name, link target, owners, pax records, and everything else in its
//! header.

use std::io;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use tar::{EntryType, Header};

use super::{
    header::{BLOCK, Before, resized},
    pax::{Records, pax_data, value},
};
use crate::{
    batch::{
        limits,
        metadata::{MetadataScrubber, NO_NAME, Verdict},
        renames::Renames,
        rewrite::Rewriter,
    },
    source::refuse,
};

/// The text fields of a header, as ranges. Bytes outside of them are scrubbed together.
const NAME: (usize, usize) = (0, 100);
const TARGET: (usize, usize) = (157, 257);
const USER: (usize, usize) = (265, 297);
const GROUP: (usize, usize) = (297, 329);
const PREFIX: (usize, usize) = (345, 500);

/// Scrubs the header of an entry and everything before it. Returns the new name of the entry.
pub(super) fn clean(
    rewriter: &mut Rewriter<'_>,
    renames: &mut Renames,
    unexamined: &mut Vec<String>,
    (block, before, records): (&mut [u8; BLOCK], &mut Before, &mut Records),
) -> io::Result<Vec<u8>> {
    let original = *block;
    let name = name_of(block, before, records);
    let new_name = renames.entry(&mut rewriter.own.texts, &name)?;
    let kind = Header::from_byte_slice(block).entry_type();
    let target = target_of(block, before, records);
    let new_target = match kind {
        EntryType::Link => renames.hard_link(&mut rewriter.own.texts, &target)?,
        EntryType::Symlink => renames.symbolic_link(&mut rewriter.own.texts, &name, &target)?,
        _ => None,
    };
    let mut is_changed = clean_records(rewriter, records, unexamined);
    if let Some(new) = &new_name {
        is_changed |= put_name(block, before, records, new, &PathField::NAME);
    }
    if let Some(new) = &new_target {
        is_changed |= put_name(block, before, records, new, &PathField::TARGET);
    }
    let name = new_name.unwrap_or(name);
    let texts = &mut rewriter.own.texts;
    let is_link = matches!(kind, EntryType::Link | EntryType::Symlink);
    let target = if is_link { new_target.unwrap_or(target) } else { Vec::new() };
    let known = [&name, &target];
    is_changed |= clean_paths(texts, records, &known);
    *block = clean_header(texts, *block)?;
    if *block != original {
        *block = with_checksum(block);
    }
    for (head, data) in &mut before.long {
        *head = clean_header(texts, *head)?;
        clean_long(texts, head, data, &known);
    }
    if let Some((head, data)) = &mut before.pax {
        *head = clean_header(texts, *head)?;
        if is_changed {
            *data = pax_data(records);
            *head = resized(head, data.len() as u64, |_| {});
        }
    }
    Ok(name)
}

fn name_of(block: &[u8; BLOCK], before: &Before, records: &Records) -> Vec<u8> {
    let pax =
        value(records, b"GNU.sparse.name").or_else(|| value(records, b"path")).map(<[u8]>::to_vec);
    pax.or_else(|| before.long(EntryType::GNULongName))
        .unwrap_or_else(|| Header::from_byte_slice(block).path_bytes().into_owned())
}

fn target_of(block: &[u8; BLOCK], before: &Before, records: &Records) -> Vec<u8> {
    if let Some(target) = value(records, b"linkpath") {
        return target.to_vec();
    }
    before.long(EntryType::GNULongLink).unwrap_or_else(|| {
        Header::from_byte_slice(block).link_name_bytes().unwrap_or_default().into_owned()
    })
}

/// Scrubs paths in pax records that are not those of the entry: an earlier one of two, or a link
/// target without a link.
pub(super) fn clean_paths(
    texts: &mut MetadataScrubber,
    records: &mut Records,
    known: &[&Vec<u8>],
) -> bool {
    let mut is_changed = false;
    for (_, path) in records.iter_mut().filter(|(key, _)| PATHS.contains(&&key[..])) {
        if known.contains(&&*path) {
            continue;
        }
        if let Some(clean) = texts.name(path) {
            (*path, is_changed) = (clean, true);
        }
    }
    is_changed
}

/// Does the same for a long-name header of GNU tar, and for bytes behind its NUL, which no program
/// shows.
fn clean_long(
    texts: &mut MetadataScrubber,
    head: &mut [u8; BLOCK],
    data: &mut Vec<u8>,
    known: &[&Vec<u8>],
) {
    let text = text_of(data).to_vec();
    let clean = if known.contains(&&text) { None } else { texts.name(&text) };
    let has_more = data.iter().skip(text.len()).any(|byte| *byte != 0);
    if clean.is_none() && !(has_more && texts.text(&data[text.len()..]).is_some()) {
        return;
    }
    *data = [&clean.unwrap_or(text)[..], b"\0"].concat();
    *head = resized(head, data.len() as u64, |_| {});
}

/// A path of an entry, and where each variant of tar stores it.
struct PathField {
    field: (usize, usize),
    key: &'static [u8],
    long: EntryType,
}

impl PathField {
    const NAME: PathField = PathField { field: NAME, key: b"path", long: EntryType::GNULongName };
    const TARGET: PathField =
        PathField { field: TARGET, key: b"linkpath", long: EntryType::GNULongLink };
}

/// Replaces a path wherever it is stored. Returns whether the pax records changed.
fn put_name(
    block: &mut [u8; BLOCK],
    before: &mut Before,
    records: &mut Records,
    new: &[u8],
    part: &PathField,
) -> bool {
    let is_in_pax = value(records, part.key).is_some();
    for record in records.iter_mut().filter(|(key, _)| key == part.key) {
        record.1 = new.to_vec();
    }
    let mut is_long = false;
    for (head, data) in &mut before.long {
        if Header::from_byte_slice(head).entry_type() == part.long {
            *data = [new, b"\0"].concat();
            *head = resized(head, data.len() as u64, |_| {});
            is_long = true;
        }
    }
    let length = part.field.1 - part.field.0;
    put(block, part.field, &new[..new.len().min(length)]);
    if part.long == EntryType::GNULongName && is_ustar(block) {
        block[PREFIX.0..PREFIX.1].fill(0);
    }
    if is_in_pax || is_long || new.len() <= length {
        return is_in_pax;
    }
    // The old path was short and the new one is not. All current readers know pax records, whatever
    // the variant of the header.
    records.push((part.key.to_vec(), new.to_vec()));
    before.pax.get_or_insert_with(|| (pax_header(block), Vec::new()));
    true
}

/// A header for new pax records of the entry at `block`.
fn pax_header(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.set_mode(0o644);
    header.set_mtime(Header::from_byte_slice(block).mtime().unwrap_or(0));
    let mut head = *header.as_bytes();
    put(&mut head, NAME, b"PaxHeaders/entry");
    resized(&head, 0, |header| {
        header.set_uid(0);
        header.set_gid(0);
    })
}

fn is_ustar(block: &[u8; BLOCK]) -> bool {
    Header::from_byte_slice(block).as_ustar().is_some()
}

/// The content of a field up to its NUL.
fn text_of(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Fills a field with a text and NULs. A text that is too long is truncated.
fn put(block: &mut [u8; BLOCK], (from, to): (usize, usize), text: &[u8]) {
    let n_bytes = text.len().min(to - from);
    block[from..to].fill(0);
    block[from..from + n_bytes].copy_from_slice(&text[..n_bytes]);
}

/// A header without findings. First the text fields are scrubbed; if there is still a finding,
/// bytes behind their ends and unused parts are cleared. A header without findings keeps every
/// byte.
pub(super) fn clean_header(
    texts: &mut MetadataScrubber,
    block: [u8; BLOCK],
) -> io::Result<[u8; BLOCK]> {
    let mut fields = vec![NAME, TARGET, USER, GROUP];
    fields.extend(is_ustar(&block).then_some(PREFIX));
    let names: Vec<&[u8]> = fields.iter().map(|(from, to)| text_of(&block[*from..*to])).collect();
    if texts.is_clean(&names, &strings(&block)) && !has_wide_text(&block) {
        return Ok(block);
    }
    let mut clean = block;
    let mut is_changed = false;
    for (from, to) in &fields {
        let text = text_of(&clean[*from..*to]).to_vec();
        if let Some(new) = texts.name(&text) {
            put(&mut clean, (*from, *to), &new);
            if texts.name_again(text_of(&clean[*from..*to])).is_some() {
                // The placeholder was truncated.
                put(&mut clean, (*from, *to), NO_NAME);
            }
            is_changed = true;
        }
    }
    if texts.text(&strings(&clean)).is_some() || has_wide_text(&clean) {
        is_changed = true;
        for (from, to) in fields {
            let text = text_of(&clean[from..to]).to_vec();
            put(&mut clean, (from, to), &text);
        }
        let unused = match () {
            () if is_ustar(&block) => 500,
            // The map of a sparse entry comes before.
            () if Header::from_byte_slice(&block).as_gnu().is_some() => 495,
            () => 257,
        };
        clean[unused..].fill(0);
        if texts.name_again(&strings(&clean)).is_some() || has_wide_text(&clean) {
            return Err(limits::refuse("a tar header contains a finding that cannot be rewritten"));
        }
    }
    if !is_changed {
        return Ok(block);
    }
    Ok(with_checksum(&clean))
}

fn with_checksum(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    header.set_cksum();
    *header.as_bytes()
}

/// Whether a header contains text in UTF-16 or UTF-32, where two NULs in a row end a string.
fn has_wide_text(block: &[u8; BLOCK]) -> bool {
    // At least two characters: a header has about 300 ends in a row, most of them without text
    // before.
    let mut from = 0;
    for (at, pair) in block.windows(2).enumerate() {
        if pair == [0, 0] {
            if is_wide(&block[from..at]) {
                return true;
            }
            from = at + 1;
        }
    }
    is_wide(&block[from..])
}

/// Two characters at least: a header has about 300 ends in a row, most of them without text before.
fn is_wide(text: &[u8]) -> bool {
    text.len() > 3 && refuse::wide(text).is_some()
}

/// The strings of a header, each on its own line.
fn strings(block: &[u8; BLOCK]) -> Vec<u8> {
    block.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect()
}

/// Records with paths, which are renamed.
const PATHS: [&[u8]; 3] = [b"path", b"linkpath", b"GNU.sparse.name"];

/// Records with numbers.
const NUMBERS: [&[u8]; 10] = [
    b"mtime",
    b"atime",
    b"ctime",
    b"size",
    b"uid",
    b"gid",
    b"LIBARCHIVE.creationtime",
    b"SCHILY.dev",
    b"SCHILY.ino",
    b"SCHILY.nlink",
];

/// Extended attributes with binary structures of the system: capabilities and labels.
const SYSTEM: [&[u8]; 4] = [
    b"security.capability",
    b"security.selinux",
    b"system.posix_acl_access",
    b"system.posix_acl_default",
];

/// Scrubs pax records except paths, which the caller renames. Returns whether any changed.
pub(super) fn clean_records(
    rewriter: &mut Rewriter<'_>,
    records: &mut Records,
    unexamined: &mut Vec<String>,
) -> bool {
    let mut is_changed = false;
    let old = std::mem::take(records);
    for (key, value) in old {
        let is_number = !value.is_empty()
            && value.iter().all(|byte| byte.is_ascii_digit() || b".-+".contains(byte));
        if PATHS.contains(&&key[..]) || (NUMBERS.contains(&&key[..]) && is_number) {
            records.push((key, value));
            continue;
        }
        let verdict = record(&mut rewriter.own.texts, &key, &value);
        let policy = rewriter.unexamined;
        let names = &mut rewriter.own.names;
        let kept = verdict.applied(&value, policy, unexamined, || {
            format!("the pax record {}", names.shown(&key))
        });
        is_changed |= kept.as_ref() != Some(&value);
        records.extend(kept.map(|value| (key, value)));
    }
    is_changed
}

fn record(texts: &mut MetadataScrubber, key: &[u8], value: &[u8]) -> Verdict {
    if texts.name(key).is_some() {
        return Verdict::Withheld;
    }
    if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
        return encoded(texts, name, value);
    }
    let attribute = key.strip_prefix(b"SCHILY.xattr.").unwrap_or(key);
    // First the value by itself, then as `key=value`, where the key marks the value as a secret.
    match attribute_value(texts, attribute, value) {
        Verdict::Clean => keyed(texts, attribute, value),
        verdict => verdict,
    }
}

fn attribute_value(texts: &mut MetadataScrubber, name: &[u8], value: &[u8]) -> Verdict {
    match texts.field(value) {
        Verdict::Unexamined if SYSTEM.contains(&name) && value.len() <= 4 << 10 => Verdict::Clean,
        verdict => verdict,
    }
}

/// Scrubs the value behind the last part of its name: `user.password` holds a password.
fn keyed(texts: &mut MetadataScrubber, name: &[u8], value: &[u8]) -> Verdict {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    let head = [last, b"="].concat();
    match texts.text(&[&head, value].concat()) {
        None => Verdict::Clean,
        Some(clean) => clean
            .strip_prefix(&head[..])
            .map_or(Verdict::Withheld, |value| Verdict::Changed(value.to_vec())),
    }
}

/// Scrubs the second copy that bsdtar writes of each attribute: its name is percent-encoded, its
/// value is base64.
fn encoded(texts: &mut MetadataScrubber, name: &[u8], value: &[u8]) -> Verdict {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let base64 = GeneralPurpose::new(&alphabet::STANDARD, config.with_encode_padding(false));
    let name = unescaped(name);
    if texts.name(&name).is_some() {
        return Verdict::Withheld;
    }
    let Ok(plain) = base64.decode(value) else { return texts.field(value) };
    let verdict = match attribute_value(texts, &name, &plain) {
        Verdict::Clean => keyed(texts, &name, &plain),
        verdict => verdict,
    };
    match verdict {
        Verdict::Changed(clean) => Verdict::Changed(base64.encode(clean).into_bytes()),
        verdict => verdict,
    }
}

fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [byte, tail @ ..] = rest {
        let escape = tail
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    plain
}
