//! Logs made from a seed, with their expected results.
//!
//! A workload knows its answer: the same text with [`GONE`] in place of every planted secret, and
//! their number. So a benchmark checks what it measures, and a wrong answer is a failure and not a
//! number. The lines are modelled on real logs, with near-misses: keys that only contain a word,
//! handles, digests, UUIDs, addresses of objects.
//!
//! Secrets are made from a prefix and random characters; none is written down. [`Hostile`] inputs
//! are not written by any server: they could slow down a prefilter or a detector, and only their
//! time is measured. The comparison with other programs also uses this file.

/// The replacement of a secret in [`Workload::expected`].
pub(crate) const GONE: &str = "GONE";

/// What kind of log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Access logs, controllers, traces, logfmt, JSON: no secret.
    Clean,
    /// The same with a secret in one line of a hundred.
    OnePercent,
    /// A secret in every line.
    EveryLine,
    /// Records of 64 KiB, one secret in each.
    LongLines,
    /// JSON alone, a secret in one line of a hundred.
    Json,
    /// As containerd and CRI-O write files, some records split in two; a secret in one line of a
    /// hundred.
    Cri,
    /// With colour codes, as programs write to terminals and to many container logs; a secret in
    /// one line of a hundred.
    Coloured,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Clean,
        Kind::OnePercent,
        Kind::EveryLine,
        Kind::LongLines,
        Kind::Json,
        Kind::Cri,
        Kind::Coloured,
    ];

    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Clean => "clean",
            Kind::OnePercent => "one-percent",
            Kind::EveryLine => "every-line",
            Kind::LongLines => "long-lines",
            Kind::Json => "json",
            Kind::Cri => "cri",
            Kind::Coloured => "coloured",
        }
    }
}

/// A log and its expected result.
pub(crate) struct Workload {
    /// The log.
    pub(crate) input: String,
    /// The log with [`GONE`] in place of every secret.
    pub(crate) expected: String,
    /// The planted secrets, in order.
    pub(crate) secrets: Vec<String>,
}

impl Workload {
    /// At least `n_bytes` of that kind, always the same bytes.
    pub(crate) fn new(kind: Kind, n_bytes: usize) -> Workload {
        let mut make = Maker { random: Random(0x5eed), log: Workload::empty(n_bytes), seconds: 0 };
        let mut n_lines = 0_u64;
        while make.log.input.len() < n_bytes {
            match kind {
                Kind::Clean => make.clean_line(),
                Kind::OnePercent if n_lines % 100 == 57 => make.dirty_line(),
                Kind::OnePercent => make.clean_line(),
                Kind::EveryLine => make.dirty_line(),
                Kind::LongLines => make.long_line(),
                Kind::Json => make.json_line(n_lines % 100 == 57),
                Kind::Cri => make.cri_line(n_lines),
                Kind::Coloured => make.coloured_line(n_lines % 100 == 57),
            }
            n_lines += 1;
        }
        make.log
    }

    fn empty(n_bytes: usize) -> Workload {
        let text = || String::with_capacity(n_bytes + (128 << 10));
        Workload { input: text(), expected: text(), secrets: Vec::new() }
    }
}

/// Input that could slow down an engine, repeated up to a size: half of a secret, or text that
/// hides one.
pub(crate) struct Hostile {
    /// The name in reports.
    pub(crate) name: &'static str,
    unit: &'static str,
}

impl Hostile {
    /// The baseline: plain text.
    pub(crate) const PLAIN: Hostile =
        hostile("plain", "the quick brown fox jumps over a lazy dog and runs into the wood ");

    /// All of them, in the order of reports.
    pub(crate) const ALL: [Hostile; 30] = [
        hostile("at", "@"),
        hostile("address", "a@"),
        hostile("address-dots", "a@a."),
        hostile("scheme", "://"),
        hostile("userinfo", "://a:"),
        hostile("user-at", "://a@"),
        hostile("jwt", "eyJ"),
        hostile("jwt-dots", "eyJhbGciOiJIUzI1NiJ9."),
        hostile("assignment", "a="),
        hostile("quote", "\""),
        hostile("quoted-key", "\"password\":"),
        hostile("nested-quote", "\\\"secret\\\":\\\""),
        hostile("escape", "\x1b"),
        hostile("colour", "\x1b[31m"),
        hostile("percent", "%41"),
        hostile("percent-at", "%40"),
        hostile("unicode-escape", "\\u0061"),
        hostile("backslash", "\\"),
        hostile("query", "?token="),
        hostile("password", "password="),
        hostile("password-prose", "password is "),
        hostile("key-colon", "key: "),
        hostile("header", "Authorization: "),
        hostile("begin", "-----BEGIN"),
        hostile("begin-key", "-----BEGIN PRIVATE KEY-----"),
        hostile("anchors", "ghp_AKIAsk_live_xoxb-glpat-"),
        hostile(
            "near-token",
            "ghp_!tooshort AKIAlowercase sk_live_.none. xoxb-words-here glpat-é ",
        ),
        hostile("offset-anchor", "abcdefghijklmn.atlasv1."),
        hostile("base64", "QUFBQUFB"),
        hostile("partial", " P stdout F "),
    ];

    /// That many bytes in one line.
    pub(crate) fn line(&self, n_bytes: usize) -> String {
        let mut text = self.unit.repeat(n_bytes / self.unit.len());
        text.push('\n');
        text
    }

    /// That many bytes in lines of two hundred or the nearest below.
    pub(crate) fn lines(&self, n_bytes: usize) -> String {
        let mut line = self.unit.repeat(200 / self.unit.len());
        line.push('\n');
        line.repeat(n_bytes / line.len())
    }
}

const fn hostile(name: &'static str, unit: &'static str) -> Hostile {
    Hostile { name, unit }
}

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.next() % choices.len() as u64) as usize]
    }

    fn chars(&mut self, alphabet: &[u8], n_chars: usize) -> String {
        (0..n_chars).map(|_| char::from(self.of(alphabet))).collect()
    }

    fn hex(&mut self, n_chars: usize) -> String {
        self.chars(b"0123456789abcdef", n_chars)
    }

    fn alnum(&mut self, n_chars: usize) -> String {
        self.chars(ALNUM, n_chars)
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|n_chars| self.hex(n_chars)).join("-")
    }
}

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SERVICES: [&str; 8] =
    ["checkout", "cart", "search", "billing", "gateway", "users", "inventory", "mailer"];
const PATHS: [&str; 8] = [
    "/api/v1/orders",
    "/health",
    "/static/app.js",
    "/api/v2/search",
    "/img/icon@2x.png",
    "/login",
    "/npm/react@18.2.0",
    "/metrics",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "curl/8.9.1",
    "kube-probe/1.31",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
];
const MESSAGES: [&str; 8] = [
    "request completed",
    "cache miss",
    "retrying after timeout",
    "connection reset by peer",
    "invalid token, client must log in again",
    "password reset requested",
    "scheduled job finished",
    "rate limit reached for @carol",
];
const NAMES: [&str; 6] = ["alice", "bob.smith", "carol", "dave+alerts", "erin_w", "f.garcia"];

/// Writes each line into the log and into the expected result.
struct Maker {
    random: Random,
    log: Workload,
    seconds: u64,
}

impl Maker {
    fn put(&mut self, text: &str) {
        self.log.input.push_str(text);
        self.log.expected.push_str(text);
    }

    fn plant(&mut self, secret: String) {
        self.log.input.push_str(&secret);
        self.log.expected.push_str(GONE);
        self.log.secrets.push(secret);
    }

    fn clock(&mut self) -> String {
        self.seconds += self.random.below(2);
        let (hour, minute, second) =
            (self.seconds / 3600 % 24, self.seconds / 60 % 60, self.seconds % 60);
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    fn clean_line(&mut self) {
        let line = match self.random.below(8) {
            0..=2 => self.access(),
            3 => self.controller(),
            4 => self.trace(),
            5 => self.logfmt(),
            6 => self.syslog(),
            _ => self.object(),
        };
        self.put(&line);
        self.put("\n");
    }

    fn access(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        format!(
            "10.{}.{}.{} - - [24/Nov/2026:{clock} +0000] \"{} {}?page={}&token_count={} HTTP/1.1\" {} {} \"https://shop.example.com/cart\" \"{}\"",
            random.below(256),
            random.below(256),
            random.below(256),
            random.of(&["GET", "GET", "GET", "POST", "DELETE"]),
            random.of(&PATHS),
            random.below(40),
            random.below(4096),
            random.of(&[200, 200, 200, 204, 304, 404, 503]),
            random.below(50_000),
            random.of(&AGENTS),
        )
    }

    fn controller(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        let service = random.of(&SERVICES);
        format!(
            "I1124 {clock}.{:06}       1 reconciler.go:224] \"Pod status updated\" pod=\"shop/{service}-{}-{}\" uid=\"{}\" image=\"registry.example.com/{service}@sha256:{}\"",
            random.below(1_000_000),
            random.hex(9),
            random.hex(5),
            random.uuid(),
            random.hex(64),
        )
    }

    fn trace(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        match random.below(4) {
            0 => format!(
                "2026-11-24 {clock},{:03} ERROR [http-nio-8080-exec-{}] c.e.shop.OrderService - could not lock java.lang.Object@{}: author=system tokenizer=none",
                random.below(1000),
                random.below(64),
                random.hex(7),
            ),
            1 => "Caused by: java.net.SocketTimeoutException: Read timed out".to_owned(),
            _ => format!(
                "\tat com.example.shop.{}.OrderService.place(OrderService.java:{})",
                random.of(&SERVICES),
                random.below(900)
            ),
        }
    }

    fn logfmt(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        format!(
            "ts=2026-11-24T{clock}Z level=info service={} msg=\"{}\" key=order:{}:summary trace_id={} span_id={} max_tokens={} dur={}ms",
            random.of(&SERVICES),
            random.of(&MESSAGES),
            random.below(100_000),
            random.hex(32),
            random.hex(16),
            random.below(8192),
            random.below(900),
        )
    }

    fn syslog(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        match random.below(3) {
            0 => format!(
                "Nov 24 {clock} web-{} systemd[1]: Started getty@tty{}.service - Getty on tty1.",
                random.below(9),
                random.below(6)
            ),
            1 => format!(
                "Nov 24 {clock} web-{} kernel: [{:6}.{:06}] eth0: link up, 10000 Mbps, full duplex",
                random.below(9),
                random.below(999_999),
                random.below(1_000_000)
            ),
            _ => format!(
                "Nov 24 {clock} web-{} sshd[{}]: Disconnected from user deploy 10.0.{}.{} port {}",
                random.below(9),
                random.below(30_000),
                random.below(256),
                random.below(256),
                random.below(65_000)
            ),
        }
    }

    fn object(&mut self) -> String {
        let head = self.object_head();
        let random = &mut self.random;
        format!(
            "{head},\"http\":{{\"method\":\"GET\",\"path\":\"{}\",\"status\":{}}},\"token_count\":{},\"passwordResetRequired\":false,\"password\":\"***\"}}",
            random.of(&PATHS),
            random.of(&[200, 204, 404]),
            random.below(4096),
        )
    }

    fn object_head(&mut self) -> String {
        let (clock, random) = (self.clock(), &mut self.random);
        format!(
            "{{\"ts\":\"2026-11-24T{clock}Z\",\"level\":\"info\",\"service\":\"{}\",\"msg\":\"{}\",\"id\":\"{}\",\"trace_id\":\"{}\"",
            random.of(&SERVICES),
            random.of(&MESSAGES),
            random.uuid(),
            random.hex(32),
        )
    }

    fn json_line(&mut self, dirty: bool) {
        if dirty {
            self.dirty_object();
        } else {
            let line = self.object();
            self.put(&line);
        }
        self.put("\n");
    }

    fn dirty_object(&mut self) {
        let head = self.object_head();
        self.put(&head);
        if self.random.below(2) == 0 {
            self.put(",\"password\":\"");
            let secret = self.password();
            self.plant(secret);
        } else {
            self.put(",\"contact\":\"");
            let secret = self.address();
            self.plant(secret);
        }
        self.put("\",\"retries\":3}");
    }

    /// One record, or two parts of one: cut where no word is.
    fn cri_line(&mut self, n_lines: u64) {
        let stream = self.random.of(&["stdout", "stdout", "stderr"]);
        if n_lines % 200 == 99 {
            self.cri_head(stream, "P");
            let first = self.object();
            self.put(&format!("[{first},\n"));
            self.cri_head(stream, "F");
            let second = self.object();
            return self.put(&format!("{second}]\n"));
        }
        self.cri_head(stream, "F");
        if n_lines % 100 == 57 {
            self.dirty_line();
        } else {
            self.clean_line();
        }
    }

    fn cri_head(&mut self, stream: &str, tag: &str) {
        let clock = self.clock();
        let head =
            format!("2026-11-24T{clock}.{:09}Z {stream} {tag} ", self.random.below(1_000_000_000));
        self.put(&head);
    }

    /// As loggers write to terminals: dim time, coloured level, field names in italics.
    fn coloured_line(&mut self, dirty: bool) {
        let (clock, random) = (self.clock(), &mut self.random);
        let (colour, level) = random.of(&[
            ("32", " INFO"),
            ("32", " INFO"),
            ("34", "DEBUG"),
            ("33", " WARN"),
            ("31", "ERROR"),
        ]);
        let (service, message) = (random.of(&SERVICES), random.of(&MESSAGES));
        let head = format!(
            "\x1b[2m2026-11-24T{clock}Z\x1b[0m \x1b[{colour}m{level}\x1b[0m \x1b[2m{service}\x1b[0m\x1b[2m:\x1b[0m "
        );
        self.put(&head);
        if dirty {
            return self.dirty_line();
        }
        let random = &mut self.random;
        let tail = format!(
            "{message} \x1b[3mtrace_id\x1b[0m\x1b[2m=\x1b[0m{} \x1b[3mtoken_count\x1b[0m\x1b[2m=\x1b[0m{} \x1b[3mpath\x1b[0m\x1b[2m=\x1b[0m\"{}\"\n",
            random.hex(32),
            random.below(4096),
            random.of(&PATHS),
        );
        self.put(&tail);
    }

    /// Records of 64 KiB: one object with a list of many.
    fn long_line(&mut self) {
        let end = self.log.input.len() + (64 << 10);
        self.put("{\"batch\":[");
        self.dirty_object();
        while self.log.input.len() < end {
            self.put(",");
            let object = self.object();
            self.put(&object);
        }
        self.put("]}\n");
    }

    fn dirty_line(&mut self) {
        match self.random.below(10) {
            0..=2 => self.line_around("user ", " logged in from 10.2.3.4", Maker::address),
            3 => self.line_around(
                "connecting to postgres://app:",
                "@db.internal:5432/orders",
                Maker::password,
            ),
            4 => self.line_around(
                "level=debug msg=\"login\" user=bob password=",
                " retries=0",
                Maker::password,
            ),
            5 => self.line_around("> Authorization: Bearer ", "", Maker::opaque),
            6 => {
                self.line_around("GET /callback?access_token=", "&state=ok HTTP/1.1", Maker::opaque)
            }
            7 => self.line_around("session ", " accepted", Maker::web_token),
            8 => self.dirty_object(),
            _ => self.line_around("remote helper said ", " is not valid here", Maker::token),
        }
        self.put("\n");
    }

    fn line_around(&mut self, before: &str, after: &str, make: fn(&mut Maker) -> String) {
        let clock = self.clock();
        let head = format!("2026-11-24T{clock}Z {} ", self.random.of(&SERVICES));
        self.put(&head);
        self.put(before);
        let secret = make(self);
        self.plant(secret);
        self.put(after);
    }

    fn address(&mut self) -> String {
        let random = &mut self.random;
        format!("{}{}@mail.example.com", random.of(&NAMES), random.below(1000))
    }

    fn password(&mut self) -> String {
        // Letters, a digit and no separator: every notation takes it without quotes.
        format!("{}{}", self.random.alnum(11), self.random.below(10))
    }

    fn opaque(&mut self) -> String {
        self.random.alnum(40)
    }

    /// A JSON web token: header and claims are JSON, the signature is random.
    fn web_token(&mut self) -> String {
        let claims = format!("{{\"sub\":\"{}\",\"iat\":1700000000}}", self.random.below(1_000_000));
        let signature = self.random.chars(BASE64URL, 43);
        format!(
            "{}.{}.{signature}",
            base64url(b"{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
            base64url(claims.as_bytes())
        )
    }

    fn token(&mut self) -> String {
        let random = &mut self.random;
        match random.below(5) {
            0 => format!("ghp_{}", random.alnum(36)),
            1 => format!("AKIA{}", random.chars(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
            2 => format!(
                "xoxb-{}-{}-{}",
                random.chars(b"123456789", 12),
                random.chars(b"123456789", 12),
                random.alnum(24)
            ),
            3 => format!("sk_live_{}", random.alnum(24)),
            _ => format!("glpat-{}", random.alnum(20)),
        }
    }
}

/// Base 64 in the alphabet of URLs, without padding.
fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(BASE64URL[(group >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}
