//! The flags of `batch`, and what they mean.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::Args;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::{
    batch::{
        Expansion, Target,
        codecs::{self, Codec},
    },
    cli::{flags::kind::parse_size, settings::Settings},
    error::Error,
    source::tree::Filter,
    tally::Day,
};

const EXAMPLES: &str = "\
Examples:
  logscrub batch /var/log/old -o /srv/clean    copy a tree, scrubbed
  logscrub batch --in-place --backup .orig app.tar.gz
  logscrub batch logs -o clean --include '*.gz' --since 2026-01-01
  logscrub batch logs --dry-run --summary json count findings, write nothing
  logscrub batch --verify-manifest clean       check the output of a run

Exit codes:
    0  done
    1  something was found, with --fail-on-findings
    2  usage or configuration error; nothing was read
    3  something could not be examined; it is not in the output (in place: it
       stays as it was)
    4  --verify-manifest failed, or an output was withheld by verification
   74  the output could not be written
  130  ended by SIGINT; run the same command again to continue
  143  ended by SIGTERM; run the same command again to continue";

/// Scrub files, folders and archives, and keep their formats
///
/// Reads text, gzip, zstd, xz, bzip2, lz4, snappy, tar, zip and jar, also inside one another; the
/// format is recognised by content. Anything that cannot be examined (binary data, encrypted
/// entries, unknown formats, corrupt files) is left out of the output and listed with its reason,
/// and the exit code is 3. A manifest lists what was done with each file.
///
/// Metadata inside archives is scrubbed like text: entry names, link targets, owners, comments,
/// attributes and extra fields. An entry whose name contains a finding is renamed, with a number if
/// two would get the same name, and links follow it. A binary field of unknown layout is left out
/// (in place: kept) and listed. Names of files on the disk are not changed.
///
/// Finished files are recorded in the manifest every second. SIGINT and SIGTERM end the run after
/// that; a second signal ends it at once. Run the same command again to continue.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Batch {
    /// Files and folders to scrub
    ///
    /// Hidden files only with --hidden. Symbolic links are not followed.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Write to this folder, the manifest too
    ///
    /// The files of one folder keep their path below it; with several PATHs, the name of each PATH
    /// comes first. Files that an earlier run did with the same rules are skipped, so an
    /// interrupted run continues. DIR must not be a PATH or be inside one. It may contain a PATH,
    /// if no output replaces an input.
    #[arg(short, long, value_name = "DIR", conflicts_with = "dry-run", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    /// Replace each file in which something was found
    ///
    /// The new file is written and synced, then renamed over the original. Mode, owner, times and
    /// extended attributes are kept. Anything that cannot be examined stays as it was, also inside
    /// archives.
    #[arg(long, conflicts_with_all = ["output", "dry-run"], help_heading = "Output")]
    pub(super) in_place: bool,
    /// Keep each replaced original under its name with this suffix
    ///
    /// An existing backup is kept, because it is the older one.
    #[arg(long, value_name = "SUFFIX", requires = "in_place", help_heading = "Output")]
    pub(super) backup: Option<String>,
    /// Where to write the manifest of --in-place
    ///
    /// Files outside its folder are listed by their absolute path. [default:
    /// logscrub-manifest.jsonl in the first PATH, or beside it if it is a file]
    #[arg(long, value_name = "FILE", requires = "in_place", help_heading = "Output")]
    pub(super) manifest: Option<PathBuf>,
    /// Copy what cannot be examined unchanged
    ///
    /// Only if you know that it holds no secret. It is still listed, and the exit code is 3.
    #[arg(long, help_heading = "Output")]
    pub(super) copy_unexamined: bool,
    /// Compress with this format and level, as in zstd:9
    ///
    /// gzip, zstd, xz, bzip2, lz4 or snappy. File names do not change. [default: the format of the
    /// input, at about its level]
    #[arg(long, value_name = "FORMAT[:LEVEL]", help_heading = "Output")]
    pub(super) recompress: Option<String>,
    /// Check a folder against its manifest, and for findings
    ///
    /// Exit code 4 if a file is missing, has changed, is not in the manifest, or contains something
    /// that the rules in force find; metadata of archives counts too. DIR may also be the path of
    /// the manifest.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["paths", "output", "in_place", "dry-run"],
        help_heading = "Output"
    )]
    pub(super) verify_manifest: Option<PathBuf>,
    /// Read only files whose name or path matches this glob
    ///
    /// The path is the one below PATH. May be repeated.
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    include: Vec<String>,
    /// Skip files whose name or path matches this glob
    ///
    /// May be repeated. Takes precedence over --include.
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    exclude: Vec<String>,
    /// Read only files changed at this time or later
    ///
    /// 2026-01-31, 2026-01-31T12:00:00Z (UTC), or an age in s, m, h, d or w, such as 7d.
    #[arg(long, value_name = "TIME", help_heading = "Files")]
    since: Option<String>,
    /// Read only files changed before this time
    ///
    /// Written as for --since.
    #[arg(long, value_name = "TIME", help_heading = "Files")]
    until: Option<String>,
    /// Read hidden files and folders too
    ///
    /// Those with a name that begins with a dot.
    #[arg(long, help_heading = "Files")]
    hidden: bool,
    /// Read more PATHs from this file; - for standard input
    ///
    /// One per line. If the file contains NUL bytes, they separate the PATHs instead.
    #[arg(long, value_name = "FILE|-", help_heading = "Files")]
    pub(super) files_from: Option<PathBuf>,
    /// How many archives may be inside one another
    ///
    /// Anything deeper cannot be examined. A compressed tar file counts as one. [default: 3]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    depth: Option<u32>,
    /// Memory for all threads together, at least 64MiB
    ///
    /// If it is not enough for all threads, fewer are used. [default: 512MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<String>,
    /// How large a compressed file may become
    ///
    /// A multiple of its size, or a size with a unit; repeat the flag to set both. Up to 64MiB are
    /// allowed at any ratio. [default: 1000 and 1024GiB]
    #[arg(long, value_name = "RATIO|SIZE", help_heading = "Limits")]
    max_expansion: Vec<String>,
    /// Write a report as one HTML file
    ///
    /// It has counts by rule, file and day, file names and reasons, but nothing that was found. It
    /// needs no network and can be printed.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(super) report: Option<PathBuf>,
    /// Print no progress
    ///
    /// Errors and the summary are still printed.
    #[arg(long, help_heading = "Report")]
    pub(super) no_progress: bool,
}

impl Batch {
    /// Where the output goes.
    pub(super) fn target(&self, settings: &Settings) -> Result<Target, Error> {
        if let Some(folder) = &self.output {
            return Ok(Target::Mirror(folder.clone()));
        }
        if self.in_place {
            let suffix = self.backup.as_deref();
            if suffix.is_some_and(|suffix| suffix.is_empty() || suffix.contains('/')) {
                return Err(Error::usage("--backup: the suffix is empty or contains a slash"));
            }
            return Ok(Target::InPlace(suffix.map(str::to_owned)));
        }
        if settings.dry_run {
            return Ok(Target::Nowhere);
        }
        Err(Error::usage("batch: no output")
            .hint("-o DIR writes copies, --in-place replaces files, --dry-run only counts"))
    }

    /// Which files are read.
    pub(super) fn filter(&self) -> Result<Filter, Error> {
        Ok(Filter {
            hidden: self.hidden,
            include: globs("--include", &self.include)?,
            exclude: globs("--exclude", &self.exclude)?,
            since: self.since.as_deref().map(|text| time("--since", text)).transpose()?,
            until: self.until.as_deref().map(|text| time("--until", text)).transpose()?,
        })
    }

    pub(super) fn depth(&self) -> u32 {
        self.depth.unwrap_or(3)
    }

    pub(super) fn memory(&self) -> Result<u64, Error> {
        let memory = self.memory.as_deref().map_or(Some(512 << 20), parse_size);
        let memory = memory.filter(|memory| *memory >= 64 << 20);
        memory.ok_or_else(|| Error::usage("--memory: expected a size of at least 64MiB"))
    }

    pub(super) fn expansion(&self) -> Result<Expansion, Error> {
        let mut expansion = Expansion::default();
        for text in &self.max_expansion {
            match text.parse() {
                Ok(ratio) => expansion.ratio = ratio,
                Err(_) => {
                    expansion.absolute = parse_size(text).ok_or_else(|| {
                        Error::usage("--max-expansion: expected a number or a size")
                            .hint("write 1000 or 50GiB")
                    })?;
                }
            }
        }
        Ok(expansion)
    }

    pub(super) fn recompress(&self) -> Result<Option<(&'static dyn Codec, u32)>, Error> {
        self.recompress.as_deref().map(recompress).transpose()
    }
}

/// `zstd:9` as format and level.
fn recompress(typed: &str) -> Result<(&'static dyn Codec, u32), Error> {
    let (name, level) = match typed.split_once(':') {
        Some((name, level)) => (name, Some(level)),
        None => (typed, None),
    };
    let codec = codecs::named(name).ok_or_else(|| {
        let known = codecs::ALL.map(Codec::name).join(", ");
        Error::usage(format!("--recompress: expected one of {known}"))
    })?;
    let Some(level) = level else { return Ok((codec, codec.default_level())) };
    let levels = codec.levels();
    let level = level.parse().ok().filter(|level| levels.contains(level));
    let level = level.ok_or_else(|| {
        let (first, last) = (levels.start(), levels.end());
        Error::usage(format!("--recompress: {name} has the levels {first} to {last}"))
    })?;
    Ok((codec, level))
}

fn globs(flag: &str, typed: &[String]) -> Result<Option<GlobSet>, Error> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for text in typed {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|error| Error::usage(format!("{flag}: {error}")))?);
    }
    set.build().map(Some).map_err(|error| Error::usage(format!("{flag}: {error}")))
}

/// The time of a day, a moment, or an age.
fn time(flag: &str, text: &str) -> Result<SystemTime, Error> {
    let moment = moment(text).map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    moment.or_else(|| SystemTime::now().checked_sub(age(text)?)).ok_or_else(|| {
        Error::usage(format!("{flag}: expected a time"))
            .hint("write 2026-01-31, 2026-01-31T12:00:00Z, or an age such as 7d")
    })
}

/// `7d` as a duration.
fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

/// Seconds since 1970 of `2026-01-31` or `2026-01-31T12:00:00Z`.
fn moment(text: &str) -> Option<u64> {
    let (day, clock) = text.split_once('T').map_or((text, None), |(day, clock)| (day, Some(clock)));
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = Day { year, month, day }.since_1970();
    let seconds = match clock {
        None => 0,
        Some(clock) => {
            let mut parts =
                clock.strip_suffix('Z')?.splitn(3, ':').map(|part| part.parse::<u64>().ok());
            parts.next()?? * 3600 + parts.next()?? * 60 + parts.next()??
        }
    };
    u64::try_from(days).ok().map(|days| days * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_seconds_since_1970() {
        assert_eq!(moment("1970-01-01"), Some(0));
        assert_eq!(moment("2000-03-01"), Some(951_868_800));
        assert_eq!(moment("2026-11-26T00:00:01Z"), Some(1_795_651_201));
        for text in ["2026", "2026-13-01", "2026-01-01T1", "-1-1-1", ""] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert!(
            time("--since", "7d").is_ok()
                && time("--since", "7y").is_err()
                && time("--since", "é").is_err()
        );
    }

    #[test]
    fn levels_are_those_of_the_format() {
        for (typed, expected) in
            [("zstd:9", ("zstd", 9)), ("lz4", ("lz4", 0)), ("zstd", ("zstd", 3))]
        {
            let (codec, level) = recompress(typed).expect(typed);
            assert_eq!((codec.name(), level), expected);
        }
        assert!(recompress("zstd:23").is_err() && recompress("rar").is_err());
    }
}
