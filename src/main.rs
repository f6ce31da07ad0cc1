//! Scrubs email addresses, credentials and credential-bearing URLs from logs: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    logscrub::cli::main()
}
