//! Converts the regular expression of another scanner to a pattern of ours.
//!
//! The expression is parsed and printed again. The group with the secret is named `secret` and all
//! other groups are dropped. The start and end of the text become the start and end of a line,
//! because a record is a line. Go's syntax differs in two points: a brace that does not begin a
//! repetition is a literal, and so are a bracket and an ampersand inside a class. Nosey Parker's
//! expressions contain comments in groups.

use regex_syntax::hir::{Capture, Dot, Hir, HirKind, Look, Repetition, print::Printer};

use super::Form;
use crate::rules::pattern::Pattern;

/// The patterns for `source`: one, or one for each alternative if each has a group of its own.
pub(super) fn convert(
    source: &str,
    form: Form,
    group: Option<u32>,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let hir = parse(source, form)?;
    let groups = groups_of(&hir);
    if let (None, HirKind::Alternation(parts)) = (group, hir.kind())
        && groups.len() > 1
        && parts.iter().all(|part| groups_of(part).len() == 1)
    {
        return Ok(parts
            .iter()
            .map(|part| print(&named(part, groups_of(part).first().copied())))
            .collect());
    }
    let group = group.or_else(|| groups.first().copied());
    if groups.len() > 1 {
        notes.push(format!(
            "of its {} groups only number {} is replaced",
            groups.len(),
            group.unwrap_or_default()
        ));
    }
    Ok(vec![print(&named(&hir, group))])
}

/// Unbounded repetitions get this bound if that brings an anchor near enough.
pub(super) const BOUND: u32 = 64;

/// The pattern with every repetition bounded.
pub(super) fn bounded(text: &str) -> Result<String, String> {
    Ok(print(&bound(&Pattern::new(text).hir()?)))
}

fn bound(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(group) => {
            Hir::capture(Capture { sub: Box::new(bound(&group.sub)), ..group.clone() })
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(BOUND.max(repetition.min));
            Hir::repetition(Repetition {
                max: Some(most),
                sub: Box::new(bound(&repetition.sub)),
                ..repetition.clone()
            })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(bound).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(bound).collect()),
        _ => hir.clone(),
    }
}

/// A pattern that matches a whole secret if `source` matches anywhere in it.
pub(super) fn within(source: &str, form: Form) -> Result<String, String> {
    let hir = rebuild(&parse(source, form)?, &|_, sub| sub, &|look| look);
    let byte = Box::new(Hir::dot(Dot::AnyByte));
    let any = Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: byte });
    Ok(verbatim(&Hir::concat(vec![any.clone(), hir, any])))
}

fn parse(source: &str, form: Form) -> Result<Hir, String> {
    let source = if form.is_yaml() { without_comments(source) } else { literal_braces(source) };
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&source).map_err(
        |error| match &error {
            regex_syntax::Error::Parse(error) => format!("its expression: {}", error.kind()),
            regex_syntax::Error::Translate(error) => format!("its expression: {}", error.kind()),
            _ => "its expression cannot be parsed".to_owned(),
        },
    )
}

/// Removes `(?# … )`, a comment in the syntax of Nosey Parker's engine.
fn without_comments(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("(?#") {
            rest = comment.find(')').map_or("", |end| &comment[end + 1..]);
            continue;
        }
        let escaped =
            if letter == '\\' { rest[1..].chars().next().map_or(0, char::len_utf8) } else { 0 };
        let whole = letter.len_utf8() + escaped;
        text.push_str(&rest[..whole]);
        rest = &rest[whole..];
    }
    text
}

/// Escapes characters that are literals in Go's syntax but not in ours.
fn literal_braces(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    let mut is_class = false;
    while let Some(letter) = rest.chars().next() {
        let whole = match letter {
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '[' if is_class && rest.starts_with("[:") => rest.find(":]").map_or(1, |at| at + 2),
            // A bracket at the start of a class, or after its caret, is a literal in both.
            '[' if !is_class && rest.starts_with("[^]") => 3,
            '[' if !is_class && rest.starts_with("[]") => 2,
            _ => letter.len_utf8(),
        };
        let is_text = match letter {
            '[' | '&' | '~' => is_class && whole == 1,
            '{' => !is_class && !is_repetition(rest),
            _ => false,
        };
        if is_text {
            text.push('\\');
        }
        is_class = match letter {
            '[' => true,
            ']' => false,
            _ => is_class,
        };
        text.push_str(&rest[..whole]);
        rest = &rest[whole..];
    }
    text
}

/// `{3}`, `{3,}`, `{3,5}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inner, _)) = rest[1..].split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    !least.is_empty() && least.bytes().chain(most.bytes()).all(|byte| byte.is_ascii_digit())
}

/// The numbers of the groups, in order.
fn groups_of(hir: &Hir) -> Vec<u32> {
    match hir.kind() {
        HirKind::Capture(group) => {
            std::iter::once(group.index).chain(groups_of(&group.sub)).collect()
        }
        HirKind::Repetition(repetition) => groups_of(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().flat_map(groups_of).collect()
        }
        _ => Vec::new(),
    }
}

/// The expression with `secret` as its only group: around the group with that number, or around
/// everything.
fn named(hir: &Hir, group: Option<u32>) -> Hir {
    match group {
        Some(group) => {
            rebuild(hir, &|found, sub| if found == group { secret(sub) } else { sub }, &of_line)
        }
        None => secret(rebuild(hir, &|_, sub| sub, &of_line)),
    }
}

/// The group named `secret` around `sub`.
fn secret(sub: Hir) -> Hir {
    Hir::capture(Capture { index: 1, name: Some("secret".into()), sub: Box::new(sub) })
}

/// The start and end of a text become the start and end of a line.
fn of_line(look: Look) -> Look {
    match look {
        Look::Start => Look::StartCRLF,
        Look::End => Look::EndCRLF,
        other => other,
    }
}

/// The same expression, with `group` applied to each group and `look` to each assertion.
fn rebuild(hir: &Hir, group: &dyn Fn(u32, Hir) -> Hir, look: &dyn Fn(Look) -> Look) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => group(capture.index, rebuild(&capture.sub, group, look)),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(rebuild(&repetition.sub, group, look));
            Hir::repetition(repetition)
        }
        HirKind::Concat(parts) => {
            Hir::concat(parts.iter().map(|part| rebuild(part, group, look)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| rebuild(part, group, look)).collect())
        }
        HirKind::Look(assertion) => Hir::look(look(*assertion)),
        _ => hir.clone(),
    }
}

/// Anchors ignore case. If the expression does, it says so itself.
fn print(hir: &Hir) -> String {
    format!("(?i){}", verbatim(hir))
}

fn verbatim(hir: &Hir) -> String {
    let mut text = String::new();
    Printer::new().print(hir, &mut text).expect("a String takes everything");
    format!("(?-ix:{text})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_as_text_is_escaped() {
        for (go, ours) in [
            (r"^\${[a-z]+}$", r"^\$\{[a-z]+}$"),
            ("a{3,5}b{x}", r"a{3,5}b\{x}"),
            ("[[:alnum:]_[&]{2}", r"[[:alnum:]_\[\&]{2}"),
            ("[^]]+{{", r"[^]]+\{\{"),
            (r"[\]a]{2}", r"[\]a]{2}"),
        ] {
            assert_eq!(literal_braces(go), ours);
        }
    }

    #[test]
    fn repetitions_without_a_bound_get_one() {
        let text = bounded("(?<secret> [0-9]+ :AA [a-z]{5} )").expect("it parses");
        let hir = Pattern::new(&text).hir().expect("it parses");
        assert_eq!(hir.properties().maximum_len(), Some(BOUND as usize + 8));
        assert!(text.contains("secret"), "{text}");
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(without_comments(r"(?x) a (?# the key ) \(?#b"), r"(?x) a  \(?#b");
    }

    #[test]
    fn an_allowed_part_allows_the_whole() {
        let pattern = Pattern::new(&within("EXAMPLE$", Form::Gitleaks).expect("it parses"));
        assert!(pattern.is_whole(b"AKIAXXEXAMPLE"));
        assert!(!pattern.is_whole(b"EXAMPLEX"));
    }
}
