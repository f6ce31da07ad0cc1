//! The progress of `batch`: a bar on a terminal, else a line every 30 seconds.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{batch::Watch, cli::terminal::Terminal, report, source::tree::Found};

/// The time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Display {
    Shown,
    Hidden,
}

/// What has been done so far, and what there is to do.
pub(super) struct Progress {
    display: Display,
    bar: Option<ProgressBar>,
    terminal: Terminal,
    n_bytes: AtomicU64,
    n_files: AtomicU64,
    n_findings: AtomicU64,
    total_files: u64,
    total_bytes: u64,
    /// The names of the files in work.
    current: Mutex<Vec<String>>,
}

impl Progress {
    pub(super) fn new(files: &[Found], display: Display, terminal: Terminal) -> Progress {
        let total_bytes = files.iter().map(|found| found.len).sum();
        let has_bar = display == Display::Shown && io::stderr().is_terminal();
        Progress {
            display,
            bar: has_bar.then(|| new_bar(total_bytes)),
            terminal,
            n_bytes: AtomicU64::new(0),
            n_files: AtomicU64::new(0),
            n_findings: AtomicU64::new(0),
            total_files: files.len() as u64,
            total_bytes,
            current: Mutex::new(Vec::new()),
        }
    }

    /// Shows progress while `work` runs.
    pub(super) fn during<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if self.display == Display::Hidden || self.bar.is_some() {
            let done = work();
            self.bar.iter().for_each(ProgressBar::finish_and_clear);
            return done;
        }
        let (is_over, over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            // Without the thread no lines are printed, and the work is done all the same.
            let _ = thread::Builder::new()
                .name("progress".to_owned())
                .spawn_scoped(scope, move || self.print_lines(&over));
            let done = work();
            drop(is_over);
            done
        })
    }

    fn print_lines(&self, over: &Receiver<()>) {
        while over.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
            self.terminal.say(&format!("{}\n", self.line()));
        }
    }

    fn line(&self) -> String {
        let [bytes, files, findings] = [&self.n_bytes, &self.n_files, &self.n_findings]
            .map(|count| count.load(Ordering::Relaxed));
        let (bytes, total) = (report::bytes(bytes as f64), report::bytes(self.total_bytes as f64));
        format!("{files} of {} files, {bytes} of {total}, {findings} findings", self.total_files)
    }

    fn show(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
        let Some(bar) = &self.bar else { return };
        let names: Vec<String> =
            current.iter().take(2).map(|name| name.escape_debug().to_string()).collect();
        let [files, findings] =
            [&self.n_files, &self.n_findings].map(|count| count.load(Ordering::Relaxed));
        let (total, names) = (self.total_files, names.join(" "));
        bar.set_message(format!("{files}/{total} files {findings} findings {names}"));
    }
}

fn new_bar(total_bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(total_bytes);
    let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta} {msg}";
    bar.set_style(ProgressStyle::with_template(form).expect("the template is valid"));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

impl Watch for Progress {
    fn begin(&self, name: &str) {
        self.show(|current| current.push(name.to_owned()));
    }

    fn advance(&self, n_bytes: u64) {
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        self.bar.iter().for_each(|bar| bar.inc(n_bytes));
    }

    fn end(&self, name: &str, n_findings: u64) {
        self.n_files.fetch_add(1, Ordering::Relaxed);
        self.n_findings.fetch_add(n_findings, Ordering::Relaxed);
        self.show(|current| current.retain(|other| other != name));
    }
}
