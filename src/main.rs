//! Draft of the binary.
use std::process::ExitCode;

fn main() -> ExitCode {
    match logscrub::draft() {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_broken_pipe() => {
            let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
            ExitCode::from(141)
        }
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
