//! Generates log lines of many kinds from a seed.
//!
//! `rules lint` estimates the cost of rules on them, and the tables of the prefilter are chosen
//! with them. So words, bytes and near misses must be about as frequent as in real logs. The lines
//! contain no secrets: nothing in them should be found.
//!
//! A line is a template. `<name>` becomes an entry of a list of words, which can be templates
//! themselves. `<name:N>` becomes generated text, such as N hexadecimal digits. Any other text in
//! angle brackets stays as it is.

/// At least `n_bytes` of log lines, always the same ones.
#[must_use]
pub(crate) fn sample(n_bytes: usize) -> Vec<u8> {
    let mut make =
        Maker { random: 0x6c6f_6773, seconds: 0, text: Vec::with_capacity(n_bytes + 1024) };
    while make.text.len() < n_bytes {
        make.seconds += make.below(3);
        let kind = make.kind();
        // Real logs contain runs of one kind of line. The sample keeps them short.
        for _ in 0..=make.below(5) {
            let line = make.of(kind);
            make.expand(line);
            make.text.push(b'\n');
        }
    }
    make.text
}

struct Maker {
    random: u64,
    seconds: u64,
    text: Vec<u8>,
}

impl Maker {
    /// SplitMix64: the same numbers on every machine.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).unwrap_or(0)]
    }

    /// A random kind of log, by weight.
    fn kind(&mut self) -> &'static [&'static str] {
        let mut left = self.below(KINDS.iter().map(|(weight, _)| weight).sum());
        for (weight, lines) in KINDS {
            if left < *weight {
                return lines;
            }
            left -= weight;
        }
        KINDS[0].1
    }

    /// Appends `template` with its names replaced.
    fn expand(&mut self, template: &str) {
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('<') {
            self.text.extend_from_slice(before.as_bytes());
            let name = behind.split_once('>').filter(|(name, _)| self.put(name));
            rest = match name {
                Some((_, behind)) => behind,
                None => {
                    self.text.push(b'<');
                    behind
                }
            };
        }
        self.text.extend_from_slice(rest.as_bytes());
    }

    /// Appends the replacement of `name`. Returns false if the name is unknown.
    fn put(&mut self, name: &str) -> bool {
        if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
            let words: Vec<&str> = words.split_ascii_whitespace().collect();
            let word = self.of(&words);
            self.expand(word);
            return true;
        }
        if let Some((_, phrases)) = PHRASES.iter().find(|(known, _)| *known == name) {
            let phrase = self.of(phrases);
            self.expand(phrase);
            return true;
        }
        let (name, number) = name.split_once(':').unwrap_or((name, "0"));
        number.parse().is_ok_and(|number| self.make(name, number))
    }

    fn make(&mut self, name: &str, number: u64) -> bool {
        let (hour, minute, second) =
            (self.seconds / 3600 % 24, self.seconds / 60 % 60, self.seconds % 60);
        match name {
            "n" => {
                let number = self.below(number);
                self.text.extend_from_slice(number.to_string().as_bytes());
            }
            "digit" => self.run(b"0123456789", number),
            "hex" => self.run(b"0123456789abcdef", number),
            "upperhex" => self.run(b"0123456789ABCDEF", number),
            "lower" => self.run(b"abcdefghijklmnopqrstuvwxyz", number),
            "letters" => self.run(b"bcdfghjklmnpqrstvwxz2456789", number),
            "clock" => {
                self.text.extend_from_slice(format!("{hour:02}:{minute:02}:{second:02}").as_bytes())
            }
            "day" => self
                .text
                .extend_from_slice(format!("{:02}", self.seconds / 86_400 % 28 + 1).as_bytes()),
            "epoch" => {
                self.text.extend_from_slice((1_790_000_000 + self.seconds).to_string().as_bytes())
            }
            _ => return false,
        }
        true
    }

    fn run(&mut self, alphabet: &[u8], length: u64) {
        for _ in 0..length {
            let byte = self.of(alphabet);
            self.text.push(byte);
        }
    }
}

/// The kinds of log with their weights.
const KINDS: &[(u64, &[&str])] = &[
    (12, ACCESS),
    (8, SYSLOG),
    (6, JOURNAL),
    (8, KUBERNETES),
    (8, JAVA),
    (12, JSON),
    (8, LOGFMT),
    (5, CONTAINER),
    (3, WINDOWS),
    (5, CLUSTER),
    (8, DATABASE),
    (5, TRACEBACK),
    (4, COLOUR),
    (8, BUILD),
    (4, CLOUD),
    (3, NETWORK),
    (3, PROSE),
];

const ACCESS: &[&str] = &[
    r#"<ip> - - [<day>/<month>/2026:<clock> +0000] "<method> <url-path> HTTP/1.1" <status> <n:90000> "-" "<agent>""#,
    r#"<ip> - <user> [<day>/<month>/2026:<clock> +0000] "<method> <url-path>?<query> HTTP/2.0" <status> <n:9000> "https://<host>/<word>" "<agent>""#,
    r#"<ip> - - [<day>/<month>/2026:<clock> +0200] "GET /<word>/<word>.<asset> HTTP/1.1" 304 0 "https://<host>/<word>/<word>.html" "<agent>" "<ip>" rt=0.<digit:3> uct="0.<digit:3>" urt="0.<digit:3>""#,
    r#"<host>:443 <ip> - - [<day>/<month>/2026:<clock> +0000] "<method> <url-path> HTTP/1.1" <status> <n:9000> "https://www.<host>/search?q=<word>+<word>" "<agent>""#,
    r#"2026/11/<day> <clock> [error] <n:999>#<n:999>: *<n:99999> <reason> while <phase>, client: <ip>, server: <host>, request: "<method> <url-path> HTTP/1.1", upstream: "http://<ipv4>:<port><url-path>", host: "<host>""#,
    r#"[<weekday> <month> <day> <clock>.<digit:6> 2026] [<module>:<level>] [pid <n:32000>:tid <digit:15>] [client <ip>:<port>] AH0<digit:4>: <sentence>: /var/www/<word>/<word>.<asset>"#,
    r#"<clock> <ip> TCP_MISS/<status> <n:90000> <method> http://<host><url-path> <user> HIER_DIRECT/<ip> text/html"#,
    r#"haproxy[<n:32000>]: <ip>:<port> [<day>/<month>/2026:<clock>.<digit:3>] <word>~ <service>/<service>-<n:9> 0/0/<n:9>/<n:900>/<n:900> <status> <n:90000> - - ---- <n:90>/<n:90>/<n:9>/<n:9>/0 0/0 "<method> <url-path> HTTP/1.1""#,
    r#"[2026-11-<day>T<clock>.<digit:3>Z] "<method> <url-path> HTTP/2" <status> - via_upstream - "-" 0 <n:9000> <n:900> <n:900> "<ip>" "<agent>" "<uuid>" "<service>.<namespace>.svc.cluster.local:<port>" "<ip>:<port>" outbound|<port>||<service>.<namespace>.svc.cluster.local"#,
];

const SYSLOG: &[&str] = &[
    "<month> <day> <clock> <node> <daemon>[<n:32000>]: <sentence>",
    "<month> <day> <clock> <node> sshd[<n:32000>]: <ssh> from <ip> port <port> ssh2",
    "<month> <day> <clock> <node> sshd[<n:32000>]: Accepted publickey for <user> from <ip> port <port> ssh2: ED25519 SHA256:<word>",
    "<month> <day> <clock> <node> kernel: [<digit:5>.<digit:6>] <kernel>",
    "<month> <day> <clock> <node> CRON[<n:32000>]: (<user>) CMD (<path>/<word>.sh > /dev/null 2>&1)",
    "<month> <day> <clock> <node> systemd[1]: <unit-event> <unit> - <title> <title>.",
    "<month> <day> <clock> <node> sudo: <user> : TTY=pts/<n:9> ; PWD=/home/<user> ; USER=root ; COMMAND=/usr/bin/<tool> <word>",
    "<month> <day> <clock> <node> sudo: pam_unix(sudo:session): session opened for user root(uid=0) by <user>(uid=1000)",
    "<month> <day> <clock> <node> postfix/<mailer>[<n:32000>]: <upperhex:10>: <mail-event>, relay=<host>[<ip>]:25, delay=<n:9>.<digit:2>, delays=0.0<n:9>/0/0.<n:9>/0.<n:9>, dsn=2.0.0, status=sent (250 2.0.0 OK)",
    "<month> <day> <clock> <node> dhclient[<n:32000>]: DHCPACK of <ip> from <ip> (xid=0x<hex:8>)",
    "<<n:191>>1 2026-11-<day>T<clock>.<digit:3>Z <node> <daemon> <n:32000> ID<n:99> [origin software=\"<daemon>\" ip=\"<ip>\"] <sentence>",
    "<month> <day> <clock> <node> dockerd[<n:32000>]: time=\"2026-11-<day>T<clock>.<digit:9>Z\" level=<level> msg=\"<sentence>\" container=<hex:64>",
    "<month> <day> <clock> <node> audit[<n:32000>]: USER_AUTH pid=<n:32000> uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=pam_unix acct=\"<user>\" exe=\"/usr/sbin/sshd\" hostname=<ip> addr=<ip> terminal=ssh res=success'",
    "<month> <day> <clock> <node> named[<n:32000>]: client @0x<hex:12> <ip>#<port> (<host>): query: <host> IN A +E(0)K (<ip>)",
];

const JOURNAL: &[&str] = &[
    "<month> <day> <clock> <node> systemd[1]: <unit>: Main process exited, code=exited, status=<n:9>/FAILURE",
    "<month> <day> <clock> <node> systemd[1]: Started getty@tty<n:9>.service - Getty on tty<n:9>.",
    "<month> <day> <clock> <node> systemd[1]: Starting user@1000.service - User Manager for UID 1000...",
    "<month> <day> <clock> <node> systemd[1]: <unit>: Scheduled restart job, restart counter is at <n:99>.",
    "<month> <day> <clock> <node> systemd-logind[<n:999>]: New session <n:999> of user <user>.",
    "<month> <day> <clock> <node> systemd-resolved[<n:999>]: Server returned error NXDOMAIN, mitigating potential DNS violation DVE-2018-0001",
    "<month> <day> <clock> <node> NetworkManager[<n:999>]: <info>  [<epoch>.<digit:4>] device (eth<n:9>): state change: <state> -> <state> (reason 'none', sys-iface-state: 'managed')",
    "<month> <day> <clock> <node> polkitd[<n:999>]: Registered Authentication Agent for unix-process:<n:32000>:<n:999999> (system bus name :1.<n:99>)",
    "<month> <day> <clock> <node> dbus-daemon[<n:999>]: [system] Activating via systemd: service name='org.freedesktop.<title>1' unit='<unit>' requested by ':1.<n:99>'",
    "<month> <day> <clock> <node> gnome-keyring-daemon[<n:9999>]: discover_other_daemon: 1",
    "{ \"__REALTIME_TIMESTAMP\" : \"<epoch><digit:6>\", \"_BOOT_ID\" : \"<hex:32>\", \"PRIORITY\" : \"6\", \"_HOSTNAME\" : \"<node>\", \"_COMM\" : \"<daemon>\", \"_PID\" : \"<n:32000>\", \"MESSAGE\" : \"<sentence>\" }",
];

const KUBERNETES: &[&str] = &[
    r#"I11<day> <clock>.<digit:6>       1 <source>.go:<n:900>] "<kube>" pod="<namespace>/<pod>" uid="<uuid>""#,
    r#"W11<day> <clock>.<digit:6>   <n:9999> <source>.go:<n:900>] <sentence>: the object has been modified; please apply your changes to the latest version and try again"#,
    r#"E11<day> <clock>.<digit:6>       1 <source>.go:<n:900>] "Unhandled Error" err="<reason>" logger="UnhandledError""#,
    r#"I11<day> <clock>.<digit:6>       1 httplog.go:132] "HTTP" verb="<verb>" URI="/apis/apps/v1/namespaces/<namespace>/<resource>?<kube-query>" latency="<n:99>.<digit:6>ms" userAgent="kube-controller-manager/v1.31.2 (linux/amd64) kubernetes/<hex:7>" audit-ID="<uuid>" srcIP="<ip>:<port>" resp=<status>"#,
    r#"I11<day> <clock>.<digit:6>       1 event.go:377] "Event occurred" object="<namespace>/<pod>" kind="Pod" apiVersion="v1" type="Normal" reason="<kube-reason>" message="<kube-message>""#,
    r#"<namespace>   <n:59>s   Normal   <kube-reason>   pod/<pod>   <kube-message>"#,
    r#"{"level":"info","ts":"2026-11-<day>T<clock>.<digit:6>Z","logger":"controller.<word>","caller":"controller/<word>.go:<n:900>","msg":"<kube>","namespace":"<namespace>","name":"<pod>","reconcileID":"<uuid>"}"#,
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"<uuid>","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/<namespace>/<resource>/<word>","verb":"<verb>","user":{"username":"system:serviceaccount:<namespace>:<service>","groups":["system:serviceaccounts","system:authenticated"]},"sourceIPs":["<ip>"],"responseStatus":{"metadata":{},"code":<status>}}"#,
    r#"time="2026-11-<day>T<clock>Z" level=<level> msg="<sentence>" controller=<word> subsys=<module> k8sPodName=<namespace>/<pod> containerID=<hex:10>"#,
    r#"{"level":"info","ts":"2026-11-<day>T<clock>.<digit:6>Z","caller":"etcdserver/server.go:<n:900>","msg":"<sentence>","local-member-id":"<hex:16>","took":"<n:900>.<digit:6>µs","key":"/registry/<resource>/<namespace>/<word>","range-end":"","revision":<n:999999>}"#,
];

const JAVA: &[&str] = &[
    "2026-11-<day> <clock>,<digit:3> <LEVEL> [<thread>] <package>.<Class> - <sentence>",
    "2026-11-<day>T<clock>.<digit:3>Z  <LEVEL> <n:32000> --- [<service>] [<thread>] <package>.<Class>   : <sentence>",
    "2026-11-<day> <clock>.<digit:3>  <LEVEL> [<service>,<hex:32>,<hex:16>] <n:999> --- [<thread>] o.s.<word>.<Class>: <sentence>",
    "\tat <package>.<Class>.<function>(<Class>.java:<n:900>)",
    "\tat <package>.<Class>$<n:9>.<function>(<Class>.java:<n:900>) ~[<word>-<version>.jar!/:<version>]",
    "\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)",
    "\tat org.springframework.<word>.<Class>.<function>(<Class>.java:<n:900>) [spring-<word>-6.1.<n:9>.jar:6.1.<n:9>]",
    "Caused by: <package>.<Class>Exception: <reason>",
    "\t... <n:99> common frames omitted",
    "2026-11-<day> <clock>.<digit:3> DEBUG <n:999> --- [nio-8080-exec-<n:9>] org.hibernate.SQL : select <column>,<column>,<column> from <table> where <column>=? and <column> is not null",
    "[<n:9999>.<digit:3>s][info][gc] GC(<n:9999>) Pause Young (Normal) (G1 Evacuation Pause) <n:900>M-><n:900>M(<n:4000>M) <n:90>.<digit:3>ms",
    "<clock>.<digit:3> [<thread>] <LEVEL> <package>.<Class> - Bean '<function>' of type [<package>.<Class>] is not eligible for getting processed by all BeanPostProcessors: <package>.<Class>@<hex:8>",
    "2026-11-<day> <clock>.<digit:3> WARN  o.s.security.web.access.AccessDeniedHandler - Access denied for author=<user>; token expired, session not authenticated",
];

const JSON: &[&str] = &[
    r#"{"time":"2026-11-<day>T<clock>.<digit:3>Z","level":"<level>","msg":"<sentence>","service":"<service>","trace_id":"<hex:32>","span_id":"<hex:16>","duration_ms":<n:900>}"#,
    r#"{"@timestamp":"2026-11-<day>T<clock>.<digit:3>Z","@version":"1","message":"<sentence>","logger_name":"<package>.<Class>","thread_name":"<thread>","level":"<LEVEL>","level_value":20000,"app":"<service>"}"#,
    r#"{"level":30,"time":<epoch><digit:3>,"pid":<n:32000>,"hostname":"<pod>","reqId":"req-<lower:2><n:99>","req":{"method":"<method>","url":"<url-path>","host":"<host>","remoteAddress":"<ip>","remotePort":<port>},"msg":"incoming request"}"#,
    r#"{"level":"<level>","ts":<epoch>.<digit:6>,"caller":"<word>/<word>.go:<n:900>","msg":"<sentence>","<field>":"<word>","<field>":<n:9000>,"<field>":true}"#,
    r#"{"timestamp":"2026-11-<day>T<clock>Z","severity":"<LEVEL>","message":"<sentence>","context":{"order_id":"<uuid>","<field>":"<word>","<field>":null},"labels":{"env":"<env>","region":"<region>","version":"v<version>"}}"#,
    r#"{"asctime": "2026-11-<day> <clock>,<digit:3>", "levelname": "<LEVEL>", "name": "<word>.<word>", "message": "<sentence>", "<field>": <n:9000>, "<field>": "<path>/<word>.<asset>", "exc_info": null}"#,
    r#"{"timestamp":"2026-11-<day>T<clock>.<digit:6>Z","level":"<LEVEL>","fields":{"message":"<sentence>","<field>":"<word>","elapsed":"<n:900>ms"},"target":"<word>::<word>::<word>","span":{"name":"<function>"},"threadId":"ThreadId(<n:32>)"}"#,
    r#"{"Timestamp":"2026-11-<day>T<clock>.<digit:7>+00:00","Level":"Information","MessageTemplate":"HTTP {RequestMethod} {RequestPath} responded {StatusCode} in {Elapsed:0.0000} ms","Properties":{"RequestMethod":"<method>","RequestPath":"<url-path>","StatusCode":<status>,"SourceContext":"Serilog.AspNetCore.RequestLoggingMiddleware","RequestId":"0H<upperhex:11>:0000000<n:9>"}}"#,
    r#"{"log":{"level":"<level>","logger":"<word>.<word>"},"message":"<sentence>","ecs":{"version":"8.11.0"},"http":{"request":{"method":"<method>"},"response":{"status_code":<status>}},"url":{"path":"<url-path>","domain":"<host>"},"user_agent":{"original":"<agent>"}}"#,
    r#"{"event":"<field>.<verb>","author":"<user>","authorized":true,"token_count":<n:9000>,"max_tokens":<n:9000>,"passwordResetRequired":false,"keyboard":"us","model":"<word>-<n:9>","usage":{"prompt_tokens":<n:900>,"completion_tokens":<n:900>}}"#,
    r#"{"id":"<uuid>","type":"<word>.<word>","status":"<state>","items":[{"sku":"<upperhex:8>","qty":<n:9>,"price":<n:90>.<digit:2>},{"sku":"<upperhex:8>","qty":<n:9>,"price":<n:90>.<digit:2>}],"currency":"EUR","created":"2026-11-<day>T<clock>Z"}"#,
];

const LOGFMT: &[&str] = &[
    r#"time=2026-11-<day>T<clock>.<digit:3>Z level=<level> msg="<sentence>" <field>=<word> <field>=<n:9000> request_id=<uuid>"#,
    r#"ts=2026-11-<day>T<clock>.<digit:3>Z caller=<word>.go:<n:900> level=<level> component=<word> msg="<sentence>" duration=<n:99>.<digit:4>ms"#,
    r#"level=<level> ts=2026-11-<day>T<clock>Z caller=<word>/<word>.go:<n:900> <field>="<sentence>" err="<reason>""#,
    r#"at=info method=<method> path="<url-path>" host=<host> request_id=<uuid> fwd="<ip>" dyno=web.<n:9> connect=0ms service=<n:900>ms status=<status> bytes=<n:9000> protocol=https"#,
    r#"logger=<word>.<word> t=2026-11-<day>T<clock>.<digit:9>Z level=<level> msg="<sentence>" userId=<n:99> orgId=1 uname=<user> remote_addr=<ip> key=<word>:<n:99>:summary referer=https://<host>/d/<word>"#,
    r#"time="2026-11-<day>T<clock>Z" level=<level> msg="<sentence>" auth=disabled keys=<n:99> secretary=none token_type=none max_tokens=<n:999>"#,
    r#"ts=<epoch>.<digit:3> lvl=<level> svc=<service> env=<env> region=<region> op=<function> outcome=<state> n=<n:900> p50=<n:90>ms p99=<n:900>ms"#,
];

const CONTAINER: &[&str] = &[
    "2026-11-<day>T<clock>.<digit:9>Z stdout F <sentence>",
    "2026-11-<day>T<clock>.<digit:9>Z stderr F <LEVEL> <word>.<word>: <sentence> (<field>=<n:900>)",
    "2026-11-<day>T<clock>.<digit:9>Z stdout F <ip> - - [<day>/<month>/2026:<clock> +0000] \"<method> <url-path> HTTP/1.1\" <status> <n:900> \"-\" \"kube-probe/1.31\"",
    "2026-11-<day>T<clock>.<digit:9>+00:00 stdout P <sentence> <sentence>",
    r#"{"log":"<sentence>\n","stream":"stdout","time":"2026-11-<day>T<clock>.<digit:9>Z"}"#,
    r#"{"log":"{\"level\":\"<level>\",\"msg\":\"<sentence>\",\"<field>\":\"<word>\",\"<field>\":<n:900>}\n","stream":"stderr","attrs":{"tag":"<service>"},"time":"2026-11-<day>T<clock>.<digit:9>Z"}"#,
    r#"{"log":"\u001b[32m<LEVEL>\u001b[0m <word> <sentence>\r\n","stream":"stdout","time":"2026-11-<day>T<clock>.<digit:9>Z"}"#,
    r#"{"log":"<ip> - - \u003c<word>\u003e \"<method> <url-path>?a=<word>\u0026b=<n:99> HTTP/1.1\" <status> <n:900>\n","stream":"stdout","time":"2026-11-<day>T<clock>.<digit:9>Z"}"#,
];

const WINDOWS: &[&str] = &[
    r"2026-11-<day> <clock>, Info                  CBS    <title> <title>: <sentence>. [HRESULT = 0x<hex:8>]",
    r"<event><Provider Name='Microsoft-Windows-Security-Auditing' Guid='{<uuid>}'/><EventID>46<digit:2></EventID><Computer><node>.corp</Computer><Data Name='TargetUserName'><user></Data><Data Name='LogonType'>3</Data><Data Name='IpAddress'><ip></Data></event>",
    r#"2026-11-<day> <clock> <ip> GET /<word>/<word>.aspx <field>=<n:99> 443 - <ip> Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://<host>/<word> <status> 0 0 <n:900>"#,
    r"11/<day>/2026 <clock> PM,Information,Microsoft-Windows-<title>,<n:9999>,None,The <title> service entered the <state> state.",
    r"[<upperhex:4>:<upperhex:4>][2026-11-<day>T<clock>]i<digit:3>: Detected package: <title>, state: Present, cached: None, path: C:\ProgramData\Package Cache\{<uuid>}\<word>.msi",
    r"2026-11-<day> <clock>.<digit:3> +00:00 [INF] Executed endpoint '<title>.<title>Controller.<function> (<title>.Web)' in C:\Users\<user>\source\<word>\<Class>.cs:line <n:900>",
    r"   at <title>.<title>.<Class>.<function>(String <word>, CancellationToken cancellationToken) in /src/<title>/<Class>.cs:line <n:900>",
];

const CLUSTER: &[&str] = &[
    "26/11/<day> <clock> INFO executor.Executor: Finished task <n:99>.0 in stage <n:99>.0 (TID <n:9999>). <n:9999> bytes result sent to driver",
    "26/11/<day> <clock> INFO BlockManagerInfo: Added broadcast_<n:99>_piece0 in memory on <node>:<port> (size: <n:99>.<n:9> KB, free: <n:900>.<n:9> MB)",
    "26/11/<day> <clock> WARN TaskSetManager: Lost task <n:99>.<n:9> in stage <n:99>.0 (TID <n:9999>, <node>, executor <n:99>): <package>.<Class>Exception: <reason>",
    "2611<day> <digit:6> <n:999> INFO dfs.DataNode$PacketResponder: PacketResponder <n:3> for block blk_-<digit:19> terminating",
    "2611<day> <digit:6> <n:99> INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: <ip>:50010 is added to blk_<digit:19> size 67108864",
    "2611<day> <digit:6> <n:999> INFO dfs.DataNode$DataXceiver: Receiving block blk_<digit:19> src: /<ip>:<port> dest: /<ip>:50010",
    "[2026-11-<day> <clock>,<digit:3>] <LEVEL> [ReplicaManager broker=<n:9>] Leader <n:9> starts at leader epoch <n:99> from offset <n:99999> with partition epoch <n:9> (kafka.server.ReplicaManager)",
    "[2026-11-<day> <clock>,<digit:3>] INFO [Consumer clientId=consumer-<service>-<n:9>, groupId=<service>] <sentence> for partition <word>-<n:9> (org.apache.kafka.clients.consumer.internals.<Class>)",
    "2026-11-<day> <clock>,<digit:3> INFO org.apache.hadoop.yarn.server.resourcemanager.<Class>: application_<epoch><digit:3>_<digit:4> State change from <state> to <state> on event = <title>",
    "2026-11-<day> <clock>,<digit:3> - INFO  [/<ip>:3888:QuorumCnxManager$Listener@493] - Received connection request /<ip>:<port>",
    "[2026-11-<day>T<clock>,<digit:3>][<LEVEL>][o.e.c.r.a.<Class>] [<node>] updating number_of_replicas to [1] for indices [<word>-2026.11.<day>]",
];

const DATABASE: &[&str] = &[
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] LOG:  duration: <n:900>.<digit:3> ms  statement: SELECT <column>, <column> FROM <table> WHERE <column> = <n:9999> AND <column> > now() - interval '<n:9> days'",
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] <user>@<word> LOG:  connection authorized: user=<user> database=<word> application_name=<service>",
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] ERROR:  duplicate key value violates unique constraint \"<table>_<column>_key\"",
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] DETAIL:  Key (<column>)=(<n:9999>) already exists.",
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] LOG:  checkpoint complete: wrote <n:9999> buffers (<n:9>.<n:9>%); 0 WAL file(s) added, 0 removed, <n:9> recycled; write=<n:99>.<digit:3> s, sync=0.<digit:3> s, total=<n:99>.<digit:3> s",
    "2026-11-<day> <clock>.<digit:3> UTC [<n:32000>] STATEMENT:  INSERT INTO <table> (<column>, <column>, <column>) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    "2026-11-<day>T<clock>.<digit:6>Z <n:99> [Warning] [MY-0<digit:5>] [Server] Aborted connection <n:9999> to db: '<word>' user: '<user>' host: '<ip>' (Got an error reading communication packets)",
    "# Query_time: <n:9>.<digit:6>  Lock_time: 0.<digit:6> Rows_sent: <n:900>  Rows_examined: <n:99999>",
    "2026-11-<day>T<clock>.<digit:6>Z\t   <n:99> Query\tUPDATE <table> SET <column> = '<word>', updated_at = NOW() WHERE id IN (<n:900>, <n:900>, <n:900>)",
    "<n:999>:M <day> <month> 2026 <clock>.<digit:3> * <n:900> changes in 300 seconds. Saving...",
    "<n:999>:C <day> <month> 2026 <clock>.<digit:3> * Fork CoW for RDB: current <n:9> MB, peak <n:9> MB, average <n:9> MB",
    "<epoch>.<digit:6> [0 <ip>:<port>] \"HGETALL\" \"<word>:<word>:<n:9999>\"",
    r#"{"t":{"$date":"2026-11-<day>T<clock>.<digit:3>+00:00"},"s":"I","c":"<LEVEL>","id":<digit:5>,"ctx":"conn<n:999>","msg":"<sentence>","attr":{"remote":"<ip>:<port>","uuid":"<uuid>","connectionId":<n:999>}}"#,
    "2026.11.<day> <clock>.<digit:6> [ <n:900> ] {<uuid>} <Debug> executeQuery: (from <ip>:<port>) SELECT count() FROM <word>.<table> GROUP BY <column> ORDER BY <column> DESC LIMIT <n:99> (stage: Complete)",
];

const TRACEBACK: &[&str] = &[
    "Traceback (most recent call last):",
    "  File \"/usr/lib/python3.12/site-packages/<word>/<word>.py\", line <n:900>, in <function>",
    "    return self.<function>(<word>, <field>=<word>, **kwargs)",
    "    <word> = await <word>.<function>(<field>=self._<field>, timeout=<n:90>)",
    "<word>.exceptions.<title>Error: <reason>",
    "2026-11-<day> <clock>,<digit:3> - <word>.<word> - <LEVEL> - <sentence>",
    "<LEVEL>:<word>.<word>:<sentence>",
    "goroutine <n:999> [running]:",
    "github.com/<word>/<word>/pkg/<word>.(*<Class>).<function>(0xc000<hex:6>, {0x<hex:6>, 0x<n:99>})",
    "\t/go/pkg/mod/github.com/<word>/<word>@v<version>/<word>/<word>.go:<n:900> +0x<hex:3>",
    "    at <Class>.<function> (/app/node_modules/<word>/lib/<word>.js:<n:900>:<n:90>)",
    "    at async /app/node_modules/@<word>/<word>/dist/<word>.cjs:<n:900>:<n:90>",
    "/usr/local/bundle/gems/<word>-<version>/lib/<word>/<word>.rb:<n:900>:in `<function>'",
    "#<n:9> /var/www/html/vendor/<word>/<word>/src/<Class>.php(<n:900>): <title>\\<title>\\<Class>-><function>(Object(<title>\\<Class>))",
    "thread '<thread>' panicked at src/<word>/<word>.rs:<n:900>:<n:90>: called `Option::unwrap()` on a `None` value",
    "  <n:99>: <word>::<word>::{{closure}}::h<hex:16>",
    "    raise <title>Error(f\"<sentence>: {<word>!r}\") from <word>",
];

const COLOUR: &[&str] = &[
    "\x1b[2m2026-11-<day>T<clock>.<digit:6>Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2m<word>::<word>\x1b[0m\x1b[2m:\x1b[0m <sentence> \x1b[3m<field>\x1b[0m\x1b[2m=\x1b[0m<n:900>",
    "\x1b[34m[<clock>]\x1b[0m \x1b[1;33m<LEVEL>\x1b[0m \x1b[36m<service>\x1b[0m: <sentence>",
    "\x1b[36m<service>-<n:9>  |\x1b[0m <clock> <sentence>",
    "\x1b[90m<clock>.<digit:3>\x1b[39m \x1b[38;5;208m<module>\x1b[0m <method> <url-path> \x1b[32m<status>\x1b[0m <n:900>.<digit:3> ms - <n:9000>",
    "[\x1b[0;32m  OK  \x1b[0m] <unit-event> \x1b[0;1;39m<unit>\x1b[0m - <title> <title>.",
    "\x1b[1m\x1b[31merror\x1b[0m\x1b[1m: <sentence>\x1b[0m",
];

const BUILD: &[&str] = &[
    "<word>_<word>.<word>: Refreshing state... [id=<word>-<hex:17>]",
    "  # module.<word>.<word>_<word>.<word>[<n:9>] will be updated in-place",
    "      ~ <field>                          = \"<word>\" -> \"<word>\"",
    "Plan: <n:99> to add, <n:99> to change, <n:9> to destroy.",
    "npm warn deprecated <word>@<version>: <sentence>",
    "npm http fetch GET 200 https://registry.npmjs.org/@<word>%2f<word> <n:900>ms (cache revalidated)",
    "+ @<word>/<word>@<version>",
    "  <word>@<version> resolved from package-lock.json, integrity sha512 checked",
    "   Compiling <word>-<word> v<version> (/home/<user>/src/<word>)",
    " Downloading crates ... <word> v<version>",
    "    Finished `release` profile [optimized] target(s) in <n:9>m <n:59>s",
    "#<n:30> [<word> <n:9>/<n:20>] RUN apt-get update && apt-get install -y --no-install-recommends <word> <word>",
    "#<n:30> sha256:<hex:64> <n:99>.<digit:2>MB / <n:99>.<digit:2>MB <n:9>.<n:9>s",
    "Step <n:9>/<n:20> : COPY --from=<word> /app/<word> /usr/local/bin/<word>",
    " ---> <hex:12>",
    "Pulling from library/<word>: <hex:12>: Pull complete; Digest: sha256:<hex:64>",
    "[INFO] --- maven-<word>-plugin:3.<n:9>.<n:9>:<word> (default-<word>) @ <service> ---",
    "[INFO] Tests run: <n:900>, Failures: 0, Errors: 0, Skipped: <n:9>, Time elapsed: <n:90>.<digit:3> s -- in <package>.<Class>Test",
    "> Task :<word>:compileKotlin UP-TO-DATE",
    "Collecting <word>==<version>; Using cached <word>-<version>-py3-none-any.whl (<n:900> kB)",
    "Get:<n:99> http://deb.debian.org/debian bookworm/main amd64 lib<word><n:9> amd64 <version>-<n:9> [<n:900> kB]",
    "2026-11-<day>T<clock>.<digit:7>Z ##[group]Run actions/<word>@v4",
    "ok      github.com/<word>/<word>/<word>    <n:9>.<digit:3>s  coverage: <n:99>.<n:9>% of statements",
    "test <word>::tests::<function> ... ok",
    "CMake Warning at CMakeLists.txt:<n:900> (find_package): <sentence>",
    "commit <hex:40>",
    "[<n:900>/<n:900>] Building CXX object src/<word>/CMakeFiles/<word>.dir/<word>.cc.o",
];

const CLOUD: &[&str] = &[
    r#"2 <digit:12> eni-<hex:17> <ip> <ip> <port> <port> 6 <n:99> <n:9999> <epoch> <epoch> ACCEPT OK"#,
    r#"START RequestId: <uuid> Version: $LATEST"#,
    r#"REPORT RequestId: <uuid>	Duration: <n:900>.<digit:2> ms	Billed Duration: <n:900> ms	Memory Size: 512 MB	Max Memory Used: <n:500> MB"#,
    r#"https 2026-11-<day>T<clock>.<digit:6>Z app/<service>/<hex:16> <ip>:<port> <ip>:<port> 0.00<n:9> 0.0<digit:2> 0.000 <status> <status> <n:900> <n:9000> "<method> https://<host>:443<url-path> HTTP/2.0" "<agent>" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.3 arn:aws:elasticloadbalancing:<region>:<digit:12>:targetgroup/<service>/<hex:16>"#,
    r#"{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::<digit:12>:assumed-role/<service>/<word>"},"eventTime":"2026-11-<day>T<clock>Z","eventSource":"<word>.amazonaws.com","eventName":"<title><title>","awsRegion":"<region>","sourceIPAddress":"<ip>","requestID":"<uuid>","eventID":"<uuid>","readOnly":true}"#,
    r#"{"insertId":"<letters:13>","jsonPayload":{"message":"<sentence>","<field>":"<word>"},"resource":{"type":"k8s_container","labels":{"project_id":"<word>-<env>","cluster_name":"<word>","location":"<region>","pod_name":"<pod>"}},"timestamp":"2026-11-<day>T<clock>.<digit:9>Z","severity":"<LEVEL>","logName":"projects/<word>/logs/stdout"}"#,
    r#"[INFO]	2026-11-<day>T<clock>.<digit:3>Z	<uuid>	<sentence>"#,
];

const NETWORK: &[&str] = &[
    "<month> <day> <clock> <node> kernel: [UFW BLOCK] IN=eth0 OUT= MAC=<mac>:<mac>:08:00 SRC=<ip> DST=<ip> LEN=<n:99> TOS=0x00 PREC=0x00 TTL=<n:99> ID=<n:9999> DF PROTO=TCP SPT=<port> DPT=<port> WINDOW=<n:9999> RES=0x00 SYN URGP=0",
    "%ASA-6-30201<n:9>: Built outbound TCP connection <n:99999> for outside:<ip>/443 (<ip>/443) to inside:<ip>/<port> (<ip>/<port>)",
    "date=2026-11-<day> time=<clock> devname=\"<node>\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" srcip=<ip> srcport=<port> dstip=<ip> dstport=443 policyid=<n:99> action=\"accept\" service=\"HTTPS\" sentbyte=<n:9999> rcvdbyte=<n:9999>",
    "<epoch>.<digit:6>\t<letters:17>\t<ip>\t<port>\t<ip>\t<port>\tudp\tdns\t0.0<digit:5>\t<n:99>\t<n:99>\tSF\t-\t-\t0\tDd",
    "CEF:0|<title>|<word>|<version>|<n:999>|<sentence>|<n:9>|src=<ip> spt=<port> dst=<ip> dpt=<port> suser=<user> msg=<sentence> cs1Label=<field> cs1=<word>",
];

const PROSE: &[&str] = &[
    "<sentence>",
    "<sentence>. <sentence>. See https://<host>/docs/<word>/<word>#<word> for <word>",
    "usage: <tool> [-h] [--<word> FILE] [--<word> N] [--auth-<word>] <word> [<word> ...]",
    "-----------------------------------------------------------------",
    "========================= <title> <title> =========================",
    "",
    "    <field>: <word>",
    "[<clock>] <@<user>> <sentence> @<user>",
    "* <word>: add @<word>/<word> to the keywords, thanks @<user>",
];

/// Lists of words, separated by white space.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("method", "GET GET GET GET POST POST PUT DELETE PATCH HEAD OPTIONS"),
    ("status", "200 200 200 200 201 202 204 206 301 302 304 400 401 403 404 404 409 422 429 499 500 502 503 504"),
    ("level", "info info info info warn warning debug debug error trace notice"),
    ("LEVEL", "INFO INFO INFO INFO WARN WARNING DEBUG DEBUG ERROR TRACE FATAL"),
    ("month", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
    ("weekday", "Mon Tue Wed Thu Fri Sat Sun"),
    ("env", "prod production staging dev test qa sandbox preview"),
    ("region", "eu-west-1 us-east-1 us-west-2 ap-southeast-2 europe-west4 us-central1 westeurope eastus fra1 nyc3"),
    ("port", "80 443 8080 8443 9090 3000 5432 3306 6379 27017 9200 5<digit:4> 4<digit:4> 3<digit:4>"),
    ("ipv4", "10.<n:255>.<n:255>.<n:255> 192.168.<n:9>.<n:255> 172.16.<n:255>.<n:255>"),
    ("ip", "10.<n:255>.<n:255>.<n:255> 10.<n:9>.<n:9>.<n:255> 192.168.<n:9>.<n:255> 172.16.<n:255>.<n:255> 203.0.113.<n:255> 198.51.100.<n:255> 127.0.0.1 ::1 2001:db8::<hex:4>:<hex:2>"),
    ("mac", "<hex:2>:<hex:2>:<hex:2>:<hex:2>:<hex:2>:<hex:2>"),
    ("uuid", "<hex:8>-<hex:4>-4<hex:3>-a<hex:3>-<hex:12>"),
    ("version", "<n:9>.<n:20>.<n:9> <n:9>.<n:20>.<n:9> 0.<n:30>.<n:9> <n:9>.<n:9>.<n:9>-rc.<n:9> 2026.<n:12>.<n:9>"),
    ("user", "root admin deploy ubuntu www-data jenkins postgres alice bob carol dave erin frank grace heidi ivan judy mallory oscar peggy trent victor walter nobody git backup svc-<word> j.smith m_jones operator guest app anna.k tkim"),
    ("node", "web-<n:9> web0<n:9> db-<n:9> node-<n:99> worker-<n:9> ip-10-<n:9>-<n:99>-<n:255> kafka-<n:9> cache-<n:9> gateway combo bastion edge-fra-<n:9> runner-<n:99> master-0 storage<n:9>"),
    ("host", "example.com shop.example.com api.example.com www.example.org cdn.example.net accounts.example.com login.example.org docs.example.io static.example.com git.example.dev grafana.example.net registry.example.com intranet.example.local"),
    ("service", "checkout cart search billing gateway users inventory mailer auth-service accounts payments catalog shipping frontend recommendation session-store notifier scheduler ingest exporter reporting orders profile sync webhook-relay image-resizer keycloak"),
    ("namespace", "default kube-system monitoring shop payments ingress-nginx cert-manager argocd istio-system logging data ml-platform tokenservice"),
    ("pod", "<service>-<hex:9>-<letters:5> <service>-<n:9> <service>-<hex:10>-<letters:5> coredns-<hex:9>-<letters:5> kube-proxy-<letters:5>"),
    ("resource", "pods deployments replicasets services endpoints configmaps secrets nodes events leases jobs cronjobs statefulsets daemonsets serviceaccounts ingresses persistentvolumeclaims"),
    ("kube-reason", "Scheduled Pulling Pulled Created Started Killing BackOff FailedScheduling Unhealthy SuccessfulCreate ScalingReplicaSet FailedMount NodeReady Completed"),
    ("verb", "get list watch create update patch delete apply read write sync approve"),
    ("source", "reconciler reconciler_common kubelet pod_workers event replica_set controller_utils garbagecollector leaderelection reflector shared_informer operation_generator httplog token_controller serviceaccount"),
    ("daemon", "cron rsyslogd systemd-timesyncd ntpd chronyd smartd snapd thermald irqbalance dnsmasq named keepalived haproxy nginx fail2ban zabbix_agentd puppet-agent chef-client salt-minion telegraf filebeat ModemManager bluetoothd cupsd ftpd su gpm logrotate klogind"),
    ("unit", "nginx.service docker.service cron.service ssh.service logrotate.timer apt-daily.timer tmp.mount dev-sda1.device user.slice session-<n:99>.scope getty@tty1.service systemd-journald.socket containerd.service postgresql@15-main.service multi-user.target snapd.socket"),
    ("unit-event", "Started Stopped Starting Stopping Reached Mounted Listening Finished Created Reloading"),
    ("mailer", "smtp qmgr cleanup smtpd pickup bounce local"),
    ("module", "core proxy ssl rewrite mpm_event authz_core http cache datapath-loader hubble endpoint policy auth_basic negotiate"),
    ("tool", "apt systemctl tail journalctl docker kubectl vim cat less rsync tar curl git make openssl ssh-keygen passwd"),
    ("asset", "js css png jpg svg woff2 html json ico map gif txt xml webp pdf icon@2x.png"),
    ("thread", "main http-nio-8080-exec-<n:99> pool-<n:9>-thread-<n:99> scheduling-1 kafka-producer-network-thread ForkJoinPool.commonPool-worker-<n:9> grpc-default-executor-<n:9> qtp<digit:9>-<n:99> HikariPool-1:housekeeper tokio-runtime-worker nioEventLoopGroup-<n:9>-<n:9> async-<n:9> restartedMain"),
    ("package", "com.example.shop com.example.<word> com.acme.<word>.<word> org.example.auth.token org.apache.catalina.core org.springframework.security.web io.netty.channel com.zaxxer.hikari.pool org.hibernate.engine.jdbc org.eclipse.jetty.server c.e.s.<word> java.util.concurrent o.a.k.clients"),
    ("Class", "OrderService UserController PaymentGateway SessionManager TokenValidator AuthenticationFilter RequestHandler CacheLoader HttpClient ConnectionPool JobScheduler MessageListener DispatcherServlet ObjectMapper FilterChainProxy KeyGenerator SecretResolver CredentialsProvider PasswordEncoder NettyServer TaskRunner ConfigLoader MetricRegistry SqlExceptionHelper FrameworkServlet NodeController ImageStore AccountRepository"),
    ("function", "place handle doFilter invoke run execute process getConnection validate authenticate refreshToken loadUser findById onMessage parse serialize commit rollback sendRequest readResponse get_token set_key check_password_hash load_config handle_request dispatch retry main call apply resolve render connect fetch_all accept poll_next new drop"),
    ("title", "Order Session Network Storage Update Device Account Request Message Event Security Policy Service Agent Cache Value Type Key Import Runtime Manager Client Server Token Windows Print Disk Login Daily Cleanup Name"),
    ("state", "running pending failed completed stopped started ready disconnected active inactive waiting cancelled unknown prepare config ACCEPTED RUNNING FINISHED queued ok"),
    ("table", "orders users sessions accounts payments line_items products events audit_log api_keys access_tokens password_resets migrations tags schedules customers invoices"),
    ("column", "id user_id order_id created_at updated_at status name email total amount token_id key_name author_id session_id quantity deleted_at title sku region"),
    ("field", "user_id request_id order_id component duration count size attempt retries status path method host port version queue topic partition offset shard node pod container image replica bucket object region latency bytes rows id name kind type reason code source target worker job task step phase cluster zone tenant account session key_id key_type keys token_type token_count auth_method author authority expires_in cache_key primary_key sort_key public_id sessions secret_name monkey keyword passed bypass compass password_policy url query client peer remote_addr user_agent operation exit_code pid"),
    ("word", "account action agent alert api app archive array asset async author backend backup batch billing binary block broker browser bucket buffer build bundle cache call catalog channel check chunk client cloud cluster code column command commit common compute config connection console container context control core counter cron cursor customer daemon dashboard data database default deploy detail device digest disk document domain driver echo edge editor element email encoder endpoint engine entry env error event export express feature field file filter flag flow folder font form format frame gateway group handler hash header health helper history hook host http icon image import index info input instance invoice item job journal json kernel key keyboard keyring label lambda language layer leader library line link list listener loader local lock log login loop mail main manager map master memory menu message meta method metric migration model module monitor mount name network node notify number object offer option orange order output owner package page parser partner patch path payload payment pending pipeline platform plugin point policy pool port postgres prefix preview price primary process product profile project prompt proxy public pull push query queue random range react reader record redis region registry release remote render replica report request resource response result retry role root route router rule runtime sample schema scope search section security segment sender server service session setting shard shell signal site size socket source spark spring stack stage state static status storage store stream string subject summary support switch symbol sync system table tag target task team template tenant test text thread ticket timer token tool topic total trace tracker transaction tree trigger tunnel type unit update upload user utils validator value vector version video view volume wallet watch webhook widget window worker workflow zone"),
];

/// Lists of phrases.
#[rustfmt::skip]
const PHRASES: &[(&str, &[&str])] = &[
    ("sentence", &[
            "<subject> <did>", "<subject> <did>", "<subject> <did> in <n:900>ms", "<subject> <did> for <word> <word>", "<did> <subject> <n:9999>",
            "failed to <do> <subject>: <reason>", "could not <do> <word> after <n:9> attempts", "<do>ing <subject> with <n:99> <word>s",
            "retrying <word> request in <n:30> seconds", "<word> <word> is <state>, <n:99> of <n:99> <word>s done",
            "skipping <word> since <subject> is not <state>", "no <word> found for <field>, using default", "invalid token, client must log in again",
            "password reset requested", "token expired, refreshing session", "authentication succeeded for user <user>", "user <user> logged in",
            "rate limit reached for @<user>", "request completed", "cache miss", "cache hit ratio is 0.<digit:2>", "health check passed",
            "connection reset by peer", "starting <service> version <version> on port <port>", "listening on [::]:<port>", "loaded <n:999> keys from <path>",
            "scheduled job finished", "GET <url-path> <status>", "opened connection to <host>:<port>", "received signal 15, shutting down",
            "memory usage <n:99>% of limit, heap <n:900>MB", "slow query took <n:9000>ms", "the <word> of the <word> was changed by <user>",
            "reading <word> from <path>/<word>.yaml", "unauthorized: missing authorization header", "certificate for <host> will expire in <n:90> days",
            "leader election lost, stepping down", "a new <word> of <word> is available: <version>", "worker <n:99> exited with code <n:9>",
        ]),
    ("subject", &[
            "the <word>", "the <word> <word>", "<word> <word>", "the <title> <word>", "<n:99> <word>s", "connection to <service>",
            "request to https://<host><url-path>", "user session", "all <word>s", "background <word>", "pod <pod>", "message <uuid>", "order <n:99999>",
            "access token", "api key", "shared secret", "signing key", "object <Class>@<hex:7>",
        ]),
    ("do", &[
            "load", "sav", "connect", "send", "read", "fetch", "process", "refresh", "pars", "updat", "publish", "schedul", "creat", "resolv", "authenticat",
            "authoriz", "restart", "reload", "sync", "push", "encrypt",
        ]),
    ("did", &[
            "was created", "updated", "deleted", "loaded", "started", "stopped", "timed out", "accepted", "rejected", "has been processed", "is up to date",
            "was not found", "completed successfully", "refreshed", "expired", "is now available", "registered", "was skipped", "reconnected", "has no effect",
            "exceeded its deadline", "already exists", "verified", "rotated", "revoked", "was restored from <path>", "moved from <word> to <word>",
            "finished with status <status>",
        ]),
    ("reason", &[
            "connection refused", "connection timed out (110: Connection timed out)", "context deadline exceeded", "no such file or directory",
            "permission denied", "unexpected EOF", "broken pipe", "dial tcp <ip>:<port>: i/o timeout", "connect() failed (111: Connection refused)",
            "Read timed out", "invalid character '<lower:1>' looking for beginning of value", "unauthorized", "access forbidden by rule",
            "Cannot invoke \"<Class>.<function>()\" because \"<word>\" is null", "key '<field>' not found", "the server could not find the requested resource",
            "HTTP <status> from https://<host><url-path>", "x509: certificate signed by unknown authority", "bad credentials",
            "missing required argument '<field>'", "too many open files", "deadlock detected", "unknown field \"<field>\"",
            "401 Client Error: Unauthorized for url: https://<host><url-path>", "token is expired by <n:59>m<n:59>s",
            "'NoneType' object has no attribute '<field>'",
        ]),
    ("phase", &[
            "connecting to upstream", "reading response header from upstream", "sending to client", "SSL handshaking", "logging request",
        ]),
    ("ssh", &[
            "Failed password for invalid user <user>", "Failed password for root", "Invalid user <user>", "Disconnected from user <user>",
            "Connection closed by authenticating user <user>", "Received disconnect",
        ]),
    ("kernel", &[
            "eth<n:9>: link up, 10000 Mbps, full duplex", "usb 1-<n:9>: new high-speed USB device number <n:99> using xhci_hcd",
            "EXT4-fs (sda<n:9>): mounted filesystem with ordered data mode", "Out of memory: Killed process <n:32000> (<word>) total-vm:<n:999999>kB",
            "docker0: port <n:9>(veth<hex:7>) entered blocking state", "nvme nvme0: <n:9>/0/0 default/read/poll queues",
            "audit: type=1400 audit(<epoch>.<digit:3>:<n:99>): apparmor=\"ALLOWED\" operation=\"open\" profile=\"<word>\"",
            "TCP: request_sock_TCP: Possible SYN flooding on port <port>. Sending cookies.",
        ]),
    ("mail-event", &["removed", "message-id=none", "client=<host>[<ip>]", "size=<n:9999>, nrcpt=1 (queue active)"]),
    ("kube", &[
            "Pod status updated", "SyncLoop (PLEG): event for pod", "Finished syncing", "Starting reconciler", "Observed pod startup duration",
            "Successfully assigned", "operationExecutor.VerifyControllerAttachedVolume started", "MountVolume.SetUp succeeded for volume", "Reconciling",
            "Too few replicas", "Caches are synced", "Attempting to acquire leader lease", "Error syncing pod, skipping", "Cleaned up orphaned pod volumes dir",
            "Deleted token secret",
        ]),
    ("kube-message", &[
            "Successfully assigned <namespace>/<pod> to <node>", "Pulling image \\\"registry.example.com/<service>@sha256:<hex:64>\\\"",
            "Container image \\\"<service>:<version>\\\" already present on machine", "Created container <word>", "Started container <word>",
            "Back-off restarting failed container <word> in pod <pod>", "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "Scaled up replica set <service>-<hex:9> to <n:9>", "0/<n:9> nodes are available: <n:9> Insufficient cpu",
        ]),
    ("kube-query", &[
            "limit=500", "resourceVersion=<n:999999>&timeout=<n:9>m<n:59>s&timeoutSeconds=<n:500>&watch=true", "labelSelector=app%3D<service>",
            "fieldSelector=metadata.name%3D<word>", "timeout=10s",
        ]),
    ("url-path", &[
            "/", "/health", "/healthz", "/metrics", "/login", "/api/v1/<word>s", "/api/v1/<word>s/<n:9999>", "/api/v2/<word>/<uuid>/<word>", "/<word>/<word>",
            "/static/<word>.<hex:8>.js", "/img/icon@2x.png", "/npm/react@18.<n:9>.0", "/oauth/token", "/favicon.ico", "/robots.txt", "/wp-login.php",
            "/assets/<word>-<hex:8>.css", "/users/<user>", "/graphql", "/v1/chat/completions", "/@<user>/<word>", "/<word>/%E2%9C%93/<word>%20<word>",
            "/auth/realms/<word>/protocol/openid-connect/certs", "/password/reset", "/keys/<word>", "/.well-known/jwks.json",
        ]),
    ("query", &[
            "page=<n:40>", "q=<word>", "id=<n:9999>&sort=<field>", "page=<n:40>&token_count=<n:4096>", "<field>=<word>&<field>=<n:99>",
            "utm_source=<word>&utm_medium=<word>", "from=2026-11-01T00%3A00%3A00Z&to=now", "redirect=%2F<word>%2F<word>", "v=<version>",
            "callback=<word>&_=<epoch>", "filter%5B<field>%5D=<word>", "key=<word>", "limit=<n:99>&offset=<n:999>", "lang=en-US&keyword=<word>+<word>",
        ]),
    ("path", &[
            "/etc/<word>", "/var/log/<word>", "/var/lib/<word>/<word>", "/opt/<word>/bin", "/usr/share/<word>", "/home/<user>/<word>", "/tmp/<word>-<hex:6>",
            "/data/<word>/<n:99>", "/run/secrets", "C:\\Program Files\\<title>",
        ]),
    ("agent", &[
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1<digit:2>.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.9.1", "kube-probe/1.31", "python-requests/2.32.3",
            "Go-http-client/1.1", "okhttp/4.12.0", "Prometheus/2.54.1", "axios/1.7.7", "-", "Wget/1.21.4", "GoogleHC/1.0", "PostmanRuntime/7.42.0",
        ]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, RuleSet, Scrubber};

    #[test]
    fn a_sample_is_always_the_same_and_holds_no_secret() {
        let text = sample(1 << 20);
        assert!(text == sample(1 << 20) && text.starts_with(&sample(1 << 10)[..512]));
        let mut scrubber =
            Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let findings = scrubber.find(&text).expect("the sample is text");
        let found: Vec<_> = findings
            .iter()
            .map(|finding| finding.span.of(&text).escape_ascii().to_string())
            .collect();
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn every_name_stands_for_something() {
        let text = String::from_utf8(sample(4 << 20)).expect("the lists are text");
        for (name, _) in WORDS {
            assert!(!text.contains(&format!("<{name}>")), "{name}");
        }
        // Names that are meant to stay in angle brackets.
        let known = [
            "info",
            "Debug",
            "event",
            "/event",
            "/EventID",
            "EventID",
            "Computer",
            "/Computer",
            "/Data",
        ];
        for (_, rest) in text
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split_once('>').map(|(name, _)| ("", name)))
        {
            let is_name =
                rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b':');
            assert!(!is_name || known.contains(&rest), "<{rest}> stands for nothing");
        }
    }
}
