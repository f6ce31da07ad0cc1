//! No message shows a secret from arguments, the environment or the configuration.
//!
//! The tests go through every verb and flag that clap knows, every variable and every key, with
//! values from a seed: an address, a URL with a password, a token. As many innocent values must be
//! shown unchanged. `LOGSCRUB_TEST_CASES=N` takes N seeds (default: 1).

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::harness::binary;

/// A value, and the parts of it that must not be shown; none if it is innocent.
#[derive(Clone, Debug)]
struct Canary {
    value: String,
    secret: Option<String>,
}

fn n_cases() -> u64 {
    let typed = std::env::var("LOGSCRUB_TEST_CASES").ok();
    typed.map_or(1, |typed| typed.parse().expect("LOGSCRUB_TEST_CASES is a number"))
}

/// Letters and digits from a seed.
fn random(seed: &mut u64, alphabet: &[u8], n_letters: usize) -> String {
    let mut letter = || {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(alphabet[(*seed >> 33) as usize % alphabet.len()])
    };
    (0..n_letters).map(|_| letter()).collect()
}

const LOWER: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
const MIXED: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

fn canaries(seed: u64) -> Vec<Canary> {
    let mut seed = 0x10c5_c2b0 + seed;
    let name = random(&mut seed, LOWER, 9);
    let password = random(&mut seed, MIXED, 14);
    let token = random(&mut seed, MIXED, 20);
    let canary = |value: String, secret: &str| Canary { value, secret: Some(secret.to_owned()) };
    vec![
        canary(format!("{name}.smith@example.com"), &name),
        canary(format!("tcp://admin:{password}@db.example.com:5432/orders"), &password),
        canary(format!("glpat-{token}"), &token),
    ]
}

fn innocents() -> Vec<Canary> {
    let values = ["no/such/app.log", "tcp://db.example.com:5432/orders", "many-3"];
    values.into_iter().map(|value| Canary { value: value.to_owned(), secret: None }).collect()
}

/// The arguments, and the other input of the process.
#[derive(Clone, Debug, Default)]
struct Call {
    args: Vec<String>,
    env: Vec<(String, String)>,
    config: Option<String>,
    /// Names of files to make, with something to find in them.
    files: Vec<String>,
}

impl Call {
    fn new(args: impl IntoIterator<Item = String>) -> Call {
        Call { args: args.into_iter().collect(), ..Call::default() }
    }
}

/// Runs the call in a folder of its own and returns its messages and its output. A hop is stopped
/// once it listens.
fn said(call: &Call) -> (String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(binary());
    command.args(&call.args).env_clear().envs(call.env.iter().cloned()).current_dir(folder.path());
    if let Some(config) = &call.config {
        fs::write(folder.path().join("c.toml"), config).expect("the folder can be written");
        command.args(["-c", "c.toml"]);
    }
    for name in &call.files {
        fs::write(folder.path().join(name), "mail to carol@example.com\n")
            .expect("the folder can be written");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // It may have ended already.
    let _ = child.stdin.take().expect("a pipe").write_all(b"nothing to find\n");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while stderr.read_line(&mut said).expect("messages are text") > 0 {
        if said.contains("listening") {
            let status = Command::new("kill").arg(child.id().to_string()).status();
            assert!(status.expect("kill is installed").success());
            break;
        }
    }
    stderr.read_to_string(&mut said).expect("messages are text");
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("it is text");
    child.wait().expect("it ends");
    (said, out)
}

#[track_caller]
fn check(call: &Call, canary: &Canary) {
    let (said, out) = said(call);
    match &canary.secret {
        Some(secret) => {
            assert!(
                !said.contains(secret.as_str()) && !out.contains(secret.as_str()),
                "{call:?}: {said}{out}"
            );
        }
        None => assert!(!said.contains("REDACTED"), "{call:?}: {said}"),
    }
}

/// Checks all calls with a few threads.
fn check_all(calls: &[(Call, Canary)]) {
    std::thread::scope(|scope| {
        let workers = calls.chunks(calls.len().div_ceil(4).max(1));
        for chunk in workers {
            scope.spawn(move || chunk.iter().for_each(|(call, canary)| check(call, canary)));
        }
    });
}

/// What a verb needs beside the tested flag.
fn needs(path: &[String], flag: &str) -> Vec<String> {
    let words: &[&str] = match path.last().map(String::as_str) {
        Some("forward") => {
            &["--listen=tcp://127.0.0.1:0", "--to=tcp://127.0.0.1:1", "--shared-key-file=none"]
        }
        Some("batch") if !["output", "in-place", "dry-run"].contains(&flag) => &["--dry-run"],
        Some("import") if flag != "form" => &["gitleaks"],
        // All rules would take a while.
        Some("lint" | "test") if !["only", "except", "also"].contains(&flag) => &["--only=email"],
        _ => &[],
    };
    let is_tried = |word: &&&str| word.trim_start_matches("--").split('=').next() == Some(flag);
    words.iter().filter(|word| !is_tried(word)).map(|word| (*word).to_owned()).collect()
}

/// Every way to pass a value to `command` and the verbs below it. Flags that every verb has are
/// tried with all secrets at the top level, and with one of them at each verb. Innocent values take
/// turns.
fn calls(
    command: &clap::Command,
    path: &[String],
    canaries: &[Canary],
    calls_made: &mut Vec<(Call, Canary)>,
) {
    for arg in command.get_arguments() {
        let id = arg.get_long().map_or_else(|| arg.get_id().as_str().to_owned(), str::to_owned);
        if ["help", "help-all"].contains(&id.as_str()) {
            continue;
        }
        let turn = calls_made.len();
        let is_again = arg.is_global_set() && !path.is_empty();
        let is_one = is_again || canaries.iter().all(|canary| canary.secret.is_none());
        let tried = canaries
            .iter()
            .enumerate()
            .filter(|(index, _)| !is_one || *index == turn % canaries.len());
        for (_, canary) in tried {
            let value = &canary.value;
            let mut forms = match (arg.get_long(), arg.get_short()) {
                (Some(long), _) if !arg.get_action().takes_values() => {
                    vec![vec![format!("--{long}={value}")]]
                }
                (Some(long), None) => vec![
                    vec![format!("--{long}={value}")],
                    vec![format!("--{long}"), value.clone()],
                ],
                (Some(long), Some(short)) => {
                    vec![vec![format!("--{long}={value}")], vec![format!("-{short}{value}")]]
                }
                (None, _) => vec![vec![value.clone()], vec!["--".to_owned(), value.clone()]],
            };
            if is_again {
                forms.truncate(1);
            }
            for form in forms {
                let args = path.iter().cloned().chain(needs(path, &id)).chain(form);
                let mut call = Call::new(args);
                calls_made.push((call.clone(), canary.clone()));
                // A file that exists is named in other messages.
                if arg.is_positional() && !value.contains('/') {
                    call.files.push(value.clone());
                    calls_made.push((call, canary.clone()));
                }
            }
        }
    }
    for verb in command.get_subcommands() {
        calls(verb, &[path, &[verb.get_name().to_owned()]].concat(), canaries, calls_made);
    }
}

fn every_call(canaries: &[Canary]) -> Vec<(Call, Canary)> {
    let mut command = logscrub::cli::command();
    command.build();
    let mut made = Vec::new();
    calls(&command, &[], canaries, &mut made);
    made
}

#[test]
fn no_value_of_a_flag_is_told_with_a_secret_in_it() {
    for seed in 0..n_cases() {
        let calls = every_call(&canaries(seed));
        assert!(calls.len() > 500, "{}", calls.len());
        for verb in ["forward", "batch", "explain", "lint", "import"] {
            assert!(
                calls.iter().any(|(call, _)| call.args.iter().any(|arg| arg == verb)),
                "{verb}"
            );
        }
        check_all(&calls);
    }
}

#[test]
fn innocent_values_are_told_as_they_are() {
    check_all(&every_call(&innocents()));
}

/// Words that are neither flags nor verbs, and flags in the wrong place.
#[test]
fn no_word_that_is_unknown_is_told_with_a_secret_in_it() {
    let forms = |value: &str| {
        let with =
            |form: &str| form.replace('@', "\u{1}").replace('%', value).replace('\u{1}', "@");
        [
            "%",
            "--%",
            "-%",
            "--on-eror=%",
            "--%=1",
            "--threads=1%",
            "rules %",
            "rules show %",
            "rules lst --json=%",
            "config %",
            "config check %",
            "completions %",
            "explain --jsn %",
            "man %",
            "batch --outpt=%",
            "batch . -o % --in-place",
            "forward --listen % --to %",
            "forward --listen tls://% --to stdout",
            "forward --listen % --lisen %",
            "--style %=mask",
            "--style mask=%",
            "--style %",
            "--only email,%",
            "--format=%,json",
            "rules import % x",
            "rules import gitleaks % %",
        ]
        .map(|form| Call::new(form.split(' ').map(with)))
    };
    let all = [canaries(0), innocents()].concat();
    let calls =
        all.iter().flat_map(|canary| forms(&canary.value).map(|call| (call, canary.clone())));
    check_all(&calls.collect::<Vec<_>>());
}

/// The keys of the configuration.
fn keys() -> Vec<String> {
    let mut command = Command::new(binary());
    let output = command
        .args(["config", "show", "--json", "-c", "none"])
        .env_clear()
        .output()
        .expect("it starts");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let keys = shown.as_object().expect("an object").keys();
    keys.map(|key| key.split('.').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn no_variable_and_no_key_is_told_with_a_secret_in_it() {
    let keys = keys();
    assert!(keys.len() >= 20 && keys.contains(&"idle-timeout".to_owned()), "{keys:?}");
    let mut calls = Vec::new();
    let (secrets, innocents) = (canaries(1), innocents());
    let name = |key: &str| format!("LOGSCRUB_{}", key.to_uppercase().replace('-', "_"));
    let others = [
        "LOGSCRUB_CPU",
        "LOGSCRUB_FAULT",
        "HOME",
        "XDG_CONFIG_HOME",
        "TERM",
        "NO_COLOR",
        "LOGSCRUB_UNKNOWN",
    ];
    let names = keys.iter().map(|key| name(key)).chain(others.map(str::to_owned));
    for (turn, name) in names.enumerate() {
        for canary in secrets.iter().chain([&innocents[turn % innocents.len()]]) {
            for verb in [&["config", "show"][..], &["config", "path"]] {
                let mut call = Call::new(verb.iter().map(|word| (*word).to_owned()));
                let folder = if name.ends_with("HOME") { "/" } else { "" };
                call.env.push((name.clone(), format!("{folder}{}", canary.value)));
                calls.push((call, canary.clone()));
            }
        }
    }
    let forms = keys.iter().flat_map(|key| {
        [
            format!("{key} = \"%\"\n"),
            format!("{key} = [\"%\"]\n"),
            format!("{key} = [7, \"%\"]\n"),
            format!("[{key}]\n\"%\" = \"%\"\n"),
            format!("[[{key}]]\nvalues = [\"x\"]\nrules = [\"%\"]\n"),
        ]
    });
    let others = [
        "\"%\" = 1\n",
        "x = %\n",
        "%\n",
        "[[allow]]\npatterns = [\"(%\"]\n",
        "[[allow]]\n\"%\" = [\"x\"]\n",
        "[[allow]]\nvalues = [\"%\"]\n",
    ];
    for (turn, form) in forms.chain(others.map(str::to_owned)).enumerate() {
        for canary in [
            &secrets[turn % secrets.len()],
            &secrets[(turn + 1) % secrets.len()],
            &innocents[turn % innocents.len()],
        ] {
            let mut call = Call::new(["config", "show"].map(str::to_owned));
            call.config = Some(form.replace('%', &canary.value));
            calls.push((call, canary.clone()));
        }
    }
    check_all(&calls);
}

#[test]
fn the_hop_tells_no_password_of_an_address() {
    for canary in canaries(2).iter().filter(|canary| canary.value.contains("://")) {
        let host = canary.value.trim_end_matches("/orders");
        for args in [
            format!("forward --listen {host} --to stdout"),
            format!("forward --listen tcp://127.0.0.1:0 --to {host}"),
            format!("forward --listen {} --to stdout", host.replace("tcp:", "tls:")),
            format!(
                "forward --listen tcp://127.0.0.1:0 --to stdout --admin {}",
                host.trim_start_matches("tcp://")
            ),
        ] {
            check(&Call::new(args.split(' ').map(str::to_owned)), canary);
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inside = folder.path().join("bob.smith@example.com");
    fs::create_dir(&inside).expect("the folder can be made");
    let socket = inside.join("hop.sock");
    let listen = format!("unix://{}", socket.display());
    let (said, _) =
        said(&Call::new(["forward", "--listen", &listen, "--to", "stdout"].map(str::to_owned)));
    assert!(
        said.contains("listening")
            && said.contains("REDACTED-email/hop.sock")
            && !said.contains("bob.smith"),
        "{said}"
    );
    assert!(!Path::new("bob.smith@example.com").exists());
}
