//! Credentials in URLs: the password before the host, parameters with secret names, paths that are
//! a secret.
//!
//! URLs are read by hand, without a regex, from an anchor to the left and right. The reader steps
//! over *units*: a plain character, or one written as an escape (`\/`, `\u0026`, and `%3A` in a URL
//! inside the query of another one). A finding never contains a separator, so what remains is still
//! a URL with its host, port and path.
//!
//! The known names and hosts are in `patterns/url.toml` and `patterns/webhooks.toml`. Nothing here
//! names a provider.

mod parameters;
mod part;
mod path;
mod quotes;
mod userinfo;

use self::{parameters::Parameters, path::Paths};
pub(super) use self::{part::Memo as Parts, userinfo::is_userinfo_end};
use super::{Candidate, Context, Detector, Rejection, value};
use crate::{
    finding::Finding,
    redact::placeholder::Placeholders,
    rules::{Recogniser, RuleId, RuleSet},
    text::{
        escape::{self, Escape, Kind},
        hex,
        span::Span,
        visits,
    },
};

/// The detector of credentials in URLs.
pub(crate) struct UrlDetector {
    userinfo: Option<RuleId>,
    parameters: Parameters,
    paths: Paths,
    labels: Vec<Box<[u8]>>,
}

/// Recognises values that were redacted before, so that a second run changes nothing.
#[derive(Clone, Copy)]
struct Replaced<'p> {
    placeholders: &'p Placeholders,
    labels: &'p [Box<[u8]>],
}

impl Replaced<'_> {
    /// Whether `value` is a placeholder, or a URL rule's placeholder with a separator after it. The
    /// separator was not part of the value when that was redacted, or the whole would be gone.
    fn covers(&self, value: &[u8]) -> bool {
        if self.placeholders.is_whole(value) {
            return true;
        }
        if !value.starts_with(b"REDACTED-") {
            return false;
        }
        let length = value
            .iter()
            .take(64)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        self.labels.iter().any(|label| **label == value[..length])
    }
}

/// What was read already, so that anchors inside it cost nothing.
#[derive(Default)]
pub(crate) struct Progress {
    /// The value of the last parameter, for each depth of encoding.
    values: [Span; 3],
    /// The union of the last findings in parameters and paths that overlap.
    claimed: Span,
    userinfo: userinfo::Memo,
    /// The parts of URLs in which findings begin.
    pub(super) parts: Parts,
    /// Refuses values that begin inside another.
    bound: value::RandomnessUpperBound,
    /// How often a value was examined.
    pub(super) n_examined: u64,
}

impl Progress {
    /// Adds a finding to the union of those that overlap.
    fn claim(&mut self, span: Span) {
        let overlaps = span.start <= self.claimed.end && self.claimed.start <= span.end;
        self.claimed = match overlaps {
            true => Span::new(self.claimed.start.min(span.start), self.claimed.end.max(span.end)),
            false => span,
        };
    }
}

/// How often the separators of a URL are percent-encoded: the number of queries it is nested in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Plain,
    Encoded,
    Twice,
}

impl UrlDetector {
    pub(super) fn new(rules: &RuleSet) -> UrlDetector {
        let keys = || {
            rules.iter().filter_map(|(id, rule)| match &rule.recogniser {
                Recogniser::Url(keys) => Some((id, keys)),
                _ => None,
            })
        };
        let label = |id| format!("REDACTED-{}", rules.get(id).id()).into_bytes().into();
        UrlDetector {
            userinfo: keys().find(|(_, keys)| keys.userinfo).map(|(id, _)| id),
            parameters: Parameters::new(keys()),
            paths: Paths::new(rules, keys()),
            labels: keys().map(|(id, _)| label(id)).collect(),
        }
    }
}

impl Detector for UrlDetector {
    /// The form of the anchor says what to look for: `token=` a parameter, `://` an authority,
    /// `@tcp(` a data source name, anything else a host or a path.
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let (hay, span) = (context.hay, candidate.span());
        let anchor = span.of(hay);
        let replaced = Replaced { placeholders: context.placeholders, labels: &self.labels };
        if let Some(depth) = parameters::equals(anchor) {
            return self.parameters.detect(span, depth, replaced, context);
        }
        if anchor == b"://" && userinfo::has_none(&hay[span.end..]) {
            return Err(Rejection::NoPassword);
        }
        let located = &context.locate(candidate);
        let progress = &mut context.memory.url;
        let password = match anchor {
            [b':', ..] => userinfo::password(located, Depth::Plain, &mut progress.userinfo),
            [b'%', b'2', b'5', ..] => {
                userinfo::password(located, Depth::Twice, &mut progress.userinfo)
            }
            [b'%', ..] => userinfo::password(located, Depth::Encoded, &mut progress.userinfo),
            [b'@', ..] => userinfo::source_name(located),
            [.., b':'] => userinfo::oracle(located),
            _ => return self.paths.detect(located, replaced, progress, context.findings),
        };
        let rule = self.userinfo.ok_or(Rejection::RuleOff)?;
        let mut span = password.ok_or(Rejection::NoPassword)?;
        progress.n_examined += 1;
        // A backslash before the `@` escapes it, perhaps for a shell; the two stay together.
        span.end -= escape::backslashes_before(located.hay, span.start, span.end);
        let value = span.of(located.hay);
        if replaced.covers(value) || value::is_template(value) || is_pattern(value) {
            return Err(Rejection::Placeholder);
        }
        context.findings.push(Finding::text(span, rule));
        Ok(())
    }
}

/// Whether `value` is a regular expression: `[^@]+`, `\S*`, `.+?`, `(\S+)`. Programs that search
/// for URLs log theirs.
fn is_pattern(value: &[u8]) -> bool {
    if !value.last().is_some_and(|last| matches!(last, b'+' | b'*' | b'?' | b')' | b'}')) {
        return false;
    }
    // In `://[^:]+:[^@]+@` the first colon is inside the class for the user.
    let value = [&b"]:"[..], b"]+:", b"]*:", b"]+?:", b"]*?:"]
        .iter()
        .find_map(|end| value.strip_prefix(*end))
        .unwrap_or(value);
    let named = value.strip_prefix(b"(?P").or_else(|| value.strip_prefix(b"(?"));
    let inner = match (named, value) {
        (Some([b'<', rest @ ..]), _) => {
            rest.iter().position(|byte| *byte == b'>').map(|at| &rest[at + 1..])
        }
        (Some([b':', rest @ ..]), _) => Some(rest),
        (_, [b'(', rest @ ..]) => Some(rest),
        _ => Some(value),
    };
    let signs = [b"[^".as_slice(), b"\\S", b"\\w", b".*", b".+", b"[A-", b"[a-"];
    inner.is_some_and(|inner| signs.iter().any(|sign| inner.starts_with(sign)))
}

/// A decoded character of a URL and the number of bytes it is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    /// The character if it is ASCII, or else [`OTHER`].
    byte: u8,
    len: usize,
}

/// A character outside ASCII, or a byte of one.
const OTHER: u8 = 0x80;

impl Unit {
    /// The unit at `at`, which is before `end`.
    fn at(hay: &[u8], at: usize, end: usize, depth: Depth) -> Unit {
        let rest = &hay[at..end];
        visits::add(1);
        match rest[0] {
            b'\\' => Unit::escaped(rest),
            b'%' => Unit::percent(rest, depth).unwrap_or(Unit { byte: b'%', len: 1 }),
            byte => Unit { byte: byte.min(OTHER), len: 1 },
        }
    }

    /// Backslashes and the character that they escape, at any depth of nested strings.
    fn escaped(rest: &[u8]) -> Unit {
        let n_slashes = visits::counted(rest.iter().take_while(|byte| **byte == b'\\').count());
        let (byte, length) = match escape::after_backslashes(&rest[n_slashes..]) {
            Some(Escape { length, kind: Kind::Itself(byte) }) => (byte, length),
            Some(Escape { length, kind: Kind::Letter(b'n' | b'r' | b't') }) => (b'\n', length),
            Some(Escape { length, kind: Kind::Unicode(code) }) => (ascii(code), length),
            Some(Escape { length, kind: Kind::Hex(code) }) => (code.min(OTHER), length),
            _ => (b'\\', 0),
        };
        Unit { byte, len: n_slashes + length }
    }

    /// The character of a percent escape that is encoded as often as the URL itself.
    fn percent(rest: &[u8], depth: Depth) -> Option<Unit> {
        let prefix: &[u8] = match depth {
            Depth::Plain => return None,
            Depth::Encoded => b"%",
            Depth::Twice => b"%25",
        };
        let code = hex::byte(rest.strip_prefix(prefix)?)?;
        Some(Unit { byte: code.min(OTHER), len: prefix.len() + 2 })
    }

    /// Whether it ends every URL: white space, a control character, or a mark that text puts around
    /// URLs.
    fn is_end(self) -> bool {
        self.byte <= b' ' || matches!(self.byte, 0x7f | b'"' | b'<' | b'>')
    }
}

/// The bytes that the reader must decode: those that may end or separate parts of a URL or begin an
/// escape. It skips over the others, which are most, without making units of them.
struct Stops([bool; 256]);

impl Stops {
    /// The bytes that end every URL or begin an escape of JSON, and `more`.
    const fn new(more: &[u8]) -> Stops {
        let mut stops = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            stops[byte] =
                byte <= b' ' as usize || matches!(byte as u8, 0x7f | b'"' | b'<' | b'>' | b'\\');
            byte += 1;
        }
        let mut at = 0;
        while at < more.len() {
            stops[more[at] as usize] = true;
            at += 1;
        }
        Stops(stops)
    }

    /// The number of bytes in `text` before the first of these.
    fn skip(&self, text: &[u8]) -> usize {
        visits::counted(
            text.iter().position(|byte| self.0[usize::from(*byte)]).unwrap_or(text.len()),
        )
    }
}

/// The character of that code, or [`OTHER`].
fn ascii(code: u32) -> u8 {
    u8::try_from(code).unwrap_or(OTHER).min(OTHER)
}

/// The span without the marks that a sentence, a list or a shortened text puts after a URL: `,`,
/// `.`, `…`, or a bracket that was opened before the URL.
fn trim(hay: &[u8], mut span: Span) -> Span {
    loop {
        let value = span.of(hay);
        let cut = match value {
            [.., b'.' | b',' | b':'] => 1,
            [.., 0xE2, 0x80, 0xA6] => 3,
            [.., close @ (b')' | b']' | b'}')] if !is_opened(value, *close) => 1,
            _ => return span,
        };
        span.end -= cut;
    }
}

/// Whether the bracket that `close` closes is in `value`. Only the end of a long value is read.
fn is_opened(value: &[u8], close: u8) -> bool {
    let open = match close {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    };
    let near = &value[value.len().saturating_sub(256)..];
    visits::add(near.len());
    near.contains(&open)
}

#[cfg(test)]
mod tests {
    use crate::{Outcome, Policy, Scrubber, Selection};

    /// Every `«secret»` in `marked` must become a placeholder, nothing else may change, and a
    /// second run must change nothing.
    #[track_caller]
    fn check(marked: &str) {
        let rules = Selection { only: vec!["credential-url".into()], ..Selection::default() }
            .load()
            .expect("rules");
        let mut scrubber = Scrubber::new(&rules, &Policy::new()).expect("policy");
        let text = marked.replace(['«', '»'], "");
        let mut wanted = String::new();
        let mut rest = marked;
        while let Some((before, behind)) = rest.split_once('«') {
            wanted.push_str(before);
            wanted.push('¤');
            rest = behind.split_once('»').expect("an open mark is closed").1;
        }
        wanted.push_str(rest);
        let once = scrub(&mut scrubber, &text);
        assert_eq!(unname(&once, &rules), wanted);
        assert_eq!(scrub(&mut scrubber, &once), once, "twice is once");
    }

    fn scrub(scrubber: &mut Scrubber, text: &str) -> String {
        let mut out = Vec::new();
        match scrubber.scrub_block(text.as_bytes(), &mut out) {
            Outcome::Changed => String::from_utf8(out).expect("text in, text out"),
            _ => text.to_owned(),
        }
    }

    fn unname(text: &str, rules: &crate::RuleSet) -> String {
        let mut ids: Vec<&str> = rules.rules().iter().map(crate::Rule::id).collect();
        ids.sort_by_key(|id| std::cmp::Reverse(id.len()));
        ids.iter().fold(text.to_owned(), |text, id| text.replace(&format!("REDACTED-{id}"), "¤"))
    }

    #[test]
    fn the_password_alone_goes() {
        for text in [
            "postgres://app:«p@ss»@db.internal:5432/orders?sslmode=require",
            "postgres://u:«p/w»@host/db",
            "mongodb+srv://u:«Zxcvbnm@12345)»@cluster0.example.net/shop",
            "amqp://u:«pa#ss»@host:5672/%2f",
            "redis://:«hunter2»@cache:6379/0",
            "redis://:«pa?ss»@cache:6379/0",
            "ftp://bob:«a:b:c»@host",
            "smtp://bob@example.com:«hunter2»@smtp.example.com:587",
            "http://a:«hunter2»@[::1]:8080/x@2x.png",
            "http://bücher:«pässwörd😀»@münchen.example/",
            "git+https://deploy:«hunter2»@git.example.com/a/b.git",
            "mongodb://u:«hunter2»@h1:27017,h2:27017/db?replicaSet=rs0",
            "http://u:«hunter2»@h1/a,http://v:«hunter3»@h2/b",
            r#"{"url":"https:\/\/u:«hunter2»@host\/path"}"#,
            r#"{"log":"{\"url\":\"https:\\\/\\\/u:«hunter2»@host\\\/path\"}"}"#,
            r"postgres://u:«hunter\u00262»@host/db",
            "/login?next=https%3A%2F%2Fu%3A«hunter2»%40host%2Fpath&x=a%40b.c",
            "/login?next=https%253A%252F%252Fu%253A«hunter2»%2540host%252Fpath",
            "user:«hunter2»@tcp(db:3306)/orders?parseTime=true",
            "dsn=app:«p@ss:w»@unix(/tmp/mysql.sock)/db",
            "jdbc:oracle:thin:scott/«tiger»@//db.example.com:1521/ORCL",
            "jdbc:oracle:thin:scott/«tiger»@db:1521:ORCL",
            "jdbc:mysql://admin:«hunter2»@db.example.com:3306/app",
            "parse('postgres://someone:«hunter2»@somewhere:381/db')",
            "postgres://app:«x7Kp2mQ9vT4nB8dL1sR6»…",
            "http://u:«p%40ss»@host/",
            r"curl http://u:«hunter2»\@host/",
            "[a](https://u:«hunter2»@host) and <https://u:«hunter2»@host> and `https://u:«hunter2»@host`",
        ] {
            check(text);
        }
    }

    #[test]
    fn what_is_no_password_stays() {
        for text in [
            "https://host/path@2x.png",
            "https://x/?q=a@b.c",
            "https://medium.com/@user",
            "http://host:8080/@user",
            "http://host:8080?mail=a@b.c",
            "ssh://git@host/a.git",
            "https://token@host/a",
            "http://[::1]:80/a@b",
            "http://[2001:db8::1]/x@y",
            "postgres://user:@host/db",
            "https://user:<password>@host",
            "https://user:${PW}@host",
            "https://user:{{pw}}@host",
            "https://user:%s@host",
            "https://user:***@host",
            "https://user:$PASSWORD@host",
            "https://user:[PASSWORD]@host",
            "http://foo:80/ bob@example.com",
            "http://host:{port}/a@b.c",
            "see http://a.example:80,bob@example.com",
            "docker-pullable://nginx:1.25@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "akka.tcp://sparkExecutor@worker-07:55904",
            r"(https?://)[^:]+:[^@]+@(\S+) and https?://\w+:\S+@host and ://.*:.*@",
            "(see http://a.example:80)@bob",
            "git://git.example.com:org/repo@v1.2",
            "jdbc:sqlserver://db:1433;user=sa;password=p@ss;",
            "Pulling docker://nginx:1.25-alpine...",
            "foo:// ://@ ://:@ ://a:b",
        ] {
            check(text);
        }
    }

    #[test]
    fn parameters_go_by_name() {
        for text in [
            "GET /cb?access_token=«hunter2abc»&state=xyz HTTP/1.1",
            "/cb#id_token=«aaa.bbb9.ccc»&expires_in=3600",
            r#"{"u":"/cb?a=1\u0026access_token=«hunter2abc»\u0026b=2"}"#,
            "/cb?a=1&amp;client-secret=«hunter2»&amp;b=2",
            "next=%2Fcb%3Ftoken%3D«hunter2abc»%26b%3D1&c=2",
            "otpauth://totp/ACME:bob?secret=«JBSWY3DPEHPK3PXP»&issuer=ACME",
            "https://a.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&sig=«x7Kp2mQ9vT4nB8dL1sR6wY3zA5cE0fGhJkMiNoPq%3D»",
            "https://b.s3.amazonaws.com/k?X-Amz-Credential=«AKIAX%2F20240101%2Fus-east-1%2Fs3%2Faws4_request»&X-Amz-Date=20240101T000000Z&X-Amz-Signature=«9f86d081884c7d659a2feaa0c55ad015»",
            "jdbc:mysql://host/db?user=x&password=«hunter2»",
            "/app;jsessionid=«9F86D081884C7D659A2FEAA0C55AD015»?x=1",
            "/cb?code=«4%2F0AY0e-g7bXk2mQ9Vn3Lp8»&state=abc",
            "(see https://x/?token=«abc123def»), then",
            "[![b](https://x/b.svg?token=«abc123def»)](https://x/y)",
        ] {
            check(text);
        }
    }

    #[test]
    fn plain_values_stay() {
        for text in [
            "/a?token=1&key=name&code=200&auth=true&session=new",
            "/a?access_token=ACCESS_TOKEN",
            "/a?token=${TOKEN}&password=&api_key={key}",
            "/a?token=<token>",
            "/a?password=***&token=[REDACTED]",
            "/a?max_token=abc123def&monkey=x7Kp2mQ9vT4nB8dL1sR6",
            "the ?token= parameter",
        ] {
            check(text);
        }
    }

    #[test]
    fn paths_that_are_the_secret() {
        for text in [
            "https://hooks.slack.com/services/«T0000AAAA/B0000BBBB/x7Kp2mQ9vT4nB8dL1sR6wY3z»",
            r#"{"u":"https:\/\/hooks.slack.com\/services\/«T0000AAAA\/B0000BBBB\/x7Kp2mQ9vT4nB8dL1sR6wY3z»"}"#,
            "post to hooks.slack.com/services/«x7Kp2mQ9vT4nB8dL1sR6wY3z».",
            "u=https%3A%2F%2Fhooks.slack.com%2Fservices%2F«T0000AAAA%2FB0000BBBB%2Fx7Kp2mQ9vT4nB8dL1sR6wY3z»&y=1",
            "https://discord.com/api/webhooks/123456789012345678/«x7Kp2mQ9vT4nB8dL1sR6wY3z»?wait=true",
            "https://api.telegram.org/bot«123456:x7Kp2mQ9vT4nB8dL1sR6wY3zA5cE0fGhJkM»/sendMessage?chat_id=1",
            "https://x.example/reset/«x7Kp2mQ9vT4nB8dL1sR6wY3z»?lang=en",
        ] {
            check(text);
        }
    }

    #[test]
    fn paths_of_words_stay() {
        for text in [
            "https://hooks.slack.com/services/<token>",
            "https://hooks.slack.com/",
            "https://api.slack.com/messaging/webhooks",
            "https://x.example/reset/password/form",
            "https://x.example/hooks/install",
        ] {
            check(text);
        }
    }

    /// Long rows of anchors: every reader stays in bounds, and a second run finds nothing.
    #[test]
    fn anchors_upon_anchors_are_scrubbed_once() {
        let rules = Selection { only: vec!["credential-url".into()], ..Selection::default() }
            .load()
            .expect("rules");
        let mut scrubber = Scrubber::new(&rules, &Policy::new()).expect("policy");
        for piece in [
            "://",
            "://a:",
            "://a:b/",
            "://a:b@",
            "?token=",
            "&key=a",
            "@",
            "%3A%2F%2Fa%3A",
            "a:b@tcp(",
            "\\",
            ":\\/\\/",
            "hooks.slack.com/services/a",
            "/reset/",
            "jdbc:oracle:thin:a/",
            "https://a:b,",
            "?sig=)",
            "?sig=1",
            "%3Ftoken%3D",
            "discord.com/api/a/webhooks/",
        ] {
            let text = piece.repeat((1 << 18) / piece.len());
            scrub(&mut scrubber, &text);
            let once = scrub(&mut scrubber, &text[..1 << 15]);
            assert_eq!(scrub(&mut scrubber, &once), once, "{piece}");
        }
    }
}
