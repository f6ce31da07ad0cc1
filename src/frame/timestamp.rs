//! The day on which a record was written, for reports.
//!
//! CRI, ISO 8601, RFC 5424, Go, nginx, Apache and `date` write it in full near the head of a
//! record; JSON has a member for it, journald a field of the entry. RFC 3164 and klog leave out the
//! year, so callers complete it from the time at which the file was changed. A record without any
//! of these has no day: nothing is guessed.

use crate::{
    tally::Day,
    text::{json, span::Span},
};

/// How many bytes at the head of a record are searched.
const HEAD: usize = 256;

/// How far back a field of the same journal entry is searched.
const BACK: usize = 16 << 10;

const REALTIME: &[u8] = b"__REALTIME_TIMESTAMP=";

/// Members of a JSON record that hold its time.
const KEYS: [&[u8]; 13] = [
    b"time",
    b"timestamp",
    b"@timestamp",
    b"ts",
    b"date",
    b"datetime",
    b"eventTime",
    b"asctime",
    b"Timestamp",
    b"Time",
    b"t",
    b"__REALTIME_TIMESTAMP",
    b"_SOURCE_REALTIME_TIMESTAMP",
];

/// The day of the record at `record` in `hay`.
pub(crate) fn day(hay: &[u8], record: Span) -> Option<Day> {
    let text = record.of(hay);
    if text.first() == Some(&b'{') {
        let told = json::members(text, Span::new(0, text.len()))
            .filter(|member| KEYS.contains(&member.key.of(text)));
        return told
            .map(|member| member.value.of(text))
            .find_map(|value| in_text(value).or_else(|| since_1970(value)));
    }
    in_text(&text[..text.len().min(HEAD)]).or_else(|| in_entry(hay, record))
}

/// The time field before a line of journald's export format.
fn in_entry(hay: &[u8], record: Span) -> Option<Day> {
    let is_field = record
        .of(hay)
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_')
        .count();
    if is_field == 0 || record.of(hay).get(is_field) != Some(&b'=') {
        return None;
    }
    let before = &hay[record.start.saturating_sub(BACK)..record.start];
    let entry = memchr::memmem::rfind(before, b"\n\n").map_or(before, |end| &before[end + 2..]);
    let value = &entry[memchr::memmem::find(entry, REALTIME)? + REALTIME.len()..];
    since_1970(value.split(|byte| *byte == b'\n').next()?)
}

/// The first date in a text.
fn in_text(text: &[u8]) -> Option<Day> {
    klog(text).or_else(|| {
        (0..text.len()).find_map(|at| in_full(text, at).or_else(|| with_month(text, at)))
    })
}

/// `2026-11-26` or `2026/11/26` at `at`, not part of a longer number.
fn in_full(text: &[u8], at: usize) -> Option<Day> {
    let [y1, y2, y3, y4, separator, m1, m2, other, d1, d2] =
        *text.get(at..at + 10)?.first_chunk()?;
    let is_inside = at > 0 && text[at - 1].is_ascii_digit()
        || text.get(at + 10).is_some_and(u8::is_ascii_digit);
    if !matches!(separator, b'-' | b'/') || separator != other || is_inside {
        return None;
    }
    checked(number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// `26/Nov/2026`, or `Nov 26 10:00:00` with or without the year after it.
fn with_month(text: &[u8], at: usize) -> Option<Day> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let name = text.get(at..at + 3)?;
    let month = u16::try_from(MONTHS.iter().position(|month| *month == name)? + 1).ok()?;
    if let (Some([d1, d2, b'/']), Some([b'/', year @ ..])) =
        (at.checked_sub(3).map(|start| &text[start..at]), text.get(at + 3..at + 8))
    {
        return checked(number(year)?, month, number(&[*d1, *d2])?);
    }
    let [b' ', tens, ones, b' ', _, _, b':', _, _, b':', _, _, rest @ ..] = &text[at + 3..] else {
        return None;
    };
    let day = if *tens == b' ' { number(&[*ones])? } else { number(&[*tens, *ones])? };
    let year = rest
        .strip_prefix(b" ")
        .and_then(|rest| rest.first_chunk::<4>())
        .and_then(|year| number(year));
    checked(year.filter(|year| (1970..2100).contains(year)).unwrap_or(0), month, day)
}

/// `I1126 10:00:00.000000`.
fn klog(text: &[u8]) -> Option<Day> {
    let [b'I' | b'W' | b'E' | b'F', m1, m2, d1, d2, b' ', _, _, b':', ..] = text else {
        return None;
    };
    checked(0, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// Seconds since 1970 with or without a fraction, or milliseconds, microseconds or nanoseconds by
/// the number of digits.
fn since_1970(value: &[u8]) -> Option<Day> {
    let n_digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let per_second = match n_digits {
        10 => 1,
        13 => 1_000,
        16 => 1_000_000,
        19 => 1_000_000_000,
        _ => return None,
    };
    let number: u64 = std::str::from_utf8(&value[..n_digits]).ok()?.parse().ok()?;
    Day::of_1970(number / per_second / 86_400)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |number: u16, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u16::from(*digit - b'0'))
    })
}

fn checked(year: u16, month: u16, day: u16) -> Option<Day> {
    let is_year = year == 0 || (1970..2100).contains(&year);
    (is_year && (1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Day {
        year,
        month,
        day,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> Option<(u16, u16, u16)> {
        day(text, Span::new(0, text.len())).map(|day| (day.year, day.month, day.day))
    }

    #[test]
    fn records_tell_their_day_in_many_ways() {
        for text in [
            "2026-11-26T10:00:00.123456789Z stdout F by bob",
            "2026-11-26 10:00:00,123 INFO by bob",
            "[2026-11-26T10:00:00+01:00] by bob",
            "2026/11/26 10:00:00 [error] by bob",
            "<34>1 2026-11-26T22:14:15.003Z host su - ID47 - by bob",
            "10.0.0.1 - bob [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200",
            "[Thu Nov 26 10:00:00 2026] [error] by bob",
            r#"{"log":"by bob\n","stream":"stdout","time":"2026-11-26T10:00:00Z"}"#,
            r#"{"ts":1795687200.123,"msg":"by bob"}"#,
            r#"{"level":30,"time":1795687200123,"msg":"by bob"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1795687200123456","MESSAGE":"by bob"}"#,
        ] {
            assert_eq!(of(text.as_bytes()), Some((2026, 11, 26)), "{text}");
        }
        for text in [
            "Nov 26 10:00:00 host sshd[1]: by bob",
            "<13>Nov 26 10:00:00 host by bob",
            "I1126 10:00:00.123456 1 main.go:1] by bob",
        ] {
            assert_eq!(of(text.as_bytes()), Some((0, 11, 26)), "{text}");
        }
        assert_eq!(of(b"Nov  6 10:00:00 host sshd[1]: by bob"), Some((0, 11, 6)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "by bob",
            "12026-11-26",
            "2026-13-26",
            "2026-11-260",
            "May I ask",
            "26-11-2026",
            r#"{"ts":17,"msg":"x"}"#,
            "",
        ] {
            assert_eq!(of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_line_of_an_entry_has_its_time() {
        let hay = b"__CURSOR=a\n__REALTIME_TIMESTAMP=1600000000000000\nMESSAGE=x\n\n__CURSOR=b\n__REALTIME_TIMESTAMP=1795687200123456\nMESSAGE=by bob\n";
        let start = hay.len() - b"MESSAGE=by bob\n".len();
        assert_eq!(
            day(hay, Span::new(start, hay.len() - 1)),
            Some(Day { year: 2026, month: 11, day: 26 })
        );
    }
}
