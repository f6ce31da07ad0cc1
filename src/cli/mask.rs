//! What is told of arguments, paths, variables and configuration, without what the rules find in
//! it.
//!
//! A message names what was typed: a path, a URL, the value of a flag. `--listen
//! tcp://user:secret@host` typed where no user belongs must not put the secret into a log. So every
//! message passes the embedded rules that are on by default, as a whole and word by word. The rules
//! in force are not asked: they may be what is wrong, and they may look for less.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{batch::Names, policy::Policy, rules::RuleSet, scrub::Scrubber};

/// `text` as it may be told.
pub(super) fn masked(text: &str) -> String {
    static NAMES: OnceLock<Option<Mutex<Names>>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).ok()?;
        Some(Mutex::new(Names::new(&scrubber)))
    });
    // Where nothing can be examined, nothing is told.
    let Some(names) = names else { return String::new() };
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    // Line by line: what stands in one says nothing about the next.
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
