//! Scrubs email addresses, credentials and credential-bearing URLs from logs: parse, run, exit
//! code.

use std::process::ExitCode;

ctor::declarative::ctor! {
    /// Before `main` the standard library opens `/dev/null` in place of standard descriptors that
    /// are closed. Then nobody could tell an output that was closed by mistake from one that is
    /// thrown away on purpose. So they are looked at before that.
    #[ctor(unsafe)]
    fn remember_closed_descriptors() {
        logscrub::cli::remember_closed_descriptors();
    }
}

fn main() -> ExitCode {
    logscrub::cli::main()
}
