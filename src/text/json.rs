//! JSON objects on one line: where their members stand, without building anything.
//!
//! It reads what writers of logs write and claims nothing of the rest: where a line is no object,
//! or ends too early, the members that were read until then are all there is.

use super::{encoding::json::string_end, span::Span, visits};

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key, without its quotes, escapes as they are written.
    pub(crate) key: Span,
    /// The value: a string without its quotes, anything else as it is written.
    pub(crate) value: Span,
    pub(crate) is_string: bool,
}

/// The members of the object that `hay[line]` is, in order.
pub(crate) fn members(hay: &[u8], line: Span) -> Members<'_> {
    let hay = &hay[..line.end];
    let at = skip_space(hay, line.start);
    let is_object = hay.get(at) == Some(&b'{');
    Members { hay, at: if is_object { at + 1 } else { hay.len() } }
}

pub(crate) struct Members<'h> {
    hay: &'h [u8],
    at: usize,
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let key = self.string()?;
        self.at = skip_space(self.hay, self.at);
        if self.hay.get(self.at) != Some(&b':') {
            return None;
        }
        self.at = skip_space(self.hay, self.at + 1);
        let is_string = self.hay.get(self.at) == Some(&b'"');
        let value = if is_string { self.string()? } else { self.other()? };
        self.at = skip_space(self.hay, self.at);
        self.at += usize::from(self.hay.get(self.at) == Some(&b','));
        Some(Member { key, value, is_string })
    }
}

impl Members<'_> {
    /// A string, without its quotes.
    fn string(&mut self) -> Option<Span> {
        let start = skip_space(self.hay, self.at);
        if self.hay.get(start) != Some(&b'"') {
            return None;
        }
        let end = string_end(self.hay, start + 1)?;
        self.at = end + 1;
        Some(Span::new(start + 1, end))
    }

    /// A number, a word, an array or an object.
    fn other(&mut self) -> Option<Span> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.hay.get(self.at) {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' | b',' if depth == 0 => break,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        visits::add(self.at - start);
        let length = self.hay[start..self.at].trim_ascii_end().len();
        Some(Span::new(start, start + length))
    }
}

fn skip_space(hay: &[u8], at: usize) -> usize {
    at + hay[at.min(hay.len())..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, &str, bool)> {
        let part = |span: Span| &text[span.start..span.end];
        let members = members(text.as_bytes(), Span::new(0, text.len()));
        members.map(|member| (part(member.key), part(member.value), member.is_string)).collect()
    }

    #[test]
    fn members_are_read_in_order() {
        let text = r#" { "a" : "x\"}" ,"b":[1,{"c":"]"}], "d":-1.5e3,"e":null,"\\":""}"#;
        assert_eq!(
            read(text),
            [
                ("a", r#"x\"}"#, true),
                ("b", r#"[1,{"c":"]"}]"#, false),
                ("d", "-1.5e3", false),
                ("e", "null", false),
                (r"\\", "", true)
            ]
        );
    }

    #[test]
    fn what_is_no_object_has_none_and_what_ends_early_those_before() {
        for text in ["", "[1]", "\"a\":1", "{", "{}", "{\"a", "{\"a\":\"x", "{\"a\" 1}"] {
            assert_eq!(read(text), [], "{text}");
        }
        assert_eq!(read(r#"{"a":1,"b":"cut"#), [("a", "1", false)]);
    }
}
