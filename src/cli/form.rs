//! The form of a report: `--json` or text.

use clap::Args;

/// `--json` of a report.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Json {
    /// Print JSON
    ///
    /// It has the same content as the text.
    #[arg(long, help_heading = "Report")]
    json: bool,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

impl From<Json> for Form {
    fn from(Json { json }: Json) -> Form {
        if json { Form::Json } else { Form::Text }
    }
}
