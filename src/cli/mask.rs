//! Masks secrets in messages about arguments, paths, variables and configuration.
//!
//! A message quotes what the user typed: a path, a URL, the value of a flag. The value of `--listen
//! tcp://user:secret@host` must not get into a log, although no user belongs there. So every
//! message is scrubbed with the embedded rules that are on by default, as a whole and word by word.
//! The rules in force are not used: they may be the cause of the error, and they may find less.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{batch::Names, policy::Policy, rules::RuleSet, scrub::Scrubber};

/// `text` with its secrets masked.
pub(super) fn masked(text: &str) -> String {
    static NAMES: OnceLock<Option<Mutex<Names>>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).ok()?;
        Some(Mutex::new(Names::new(&scrubber)))
    });
    // A text that cannot be examined is not shown.
    let Some(names) = names else { return String::new() };
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    // Line by line, so that no state is carried from one line to the next.
    text.split_inclusive('\n').map(|line| names.shown(line.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_all_but_secrets() {
        for text in [
            "--listen nowhere: no address",
            "--shared-key-file /run/secrets/fluent.key: the first line is empty",
            "error: invalid value 'many' for '--threads <N>': invalid digit found in string\n\nFor more information, try '--help'.\n",
            "/etc/logscrub/config.toml:12: unknown field `on_eror`, expected one of `rules`, `only`",
            "--to-user-file /etc/logscrub/user:1: not USER:PASSWORD",
            "listening address=\"tcp://127.0.0.1:24224\"",
        ] {
            assert_eq!(masked(text), text);
        }
        let text = masked(
            "invalid value 'bob@example.com' for '--threads <N>'\n--listen tcp://u:Zq7xK29vLm@h: no port\n",
        );
        assert!(!text.contains("bob@") && !text.contains("Zq7xK29vLm"), "{text}");
        assert_eq!(text.lines().count(), 2);
    }
}
