//! Progress on standard error: bars on a terminal, occasional lines otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use memdil_records::{EpochRecord, Status};
use memdil_runner::{SweepProgress, TrainEvent};

/// A bar over the epochs of a run.
pub(crate) fn epochs(epochs: usize) -> ProgressBar {
    let bar = ProgressBar::new(epochs as u64);
    bar.set_style(style("{bar:30} epoch {pos}/{len}, {eta} left  {msg}"));
    bar
}

/// Shows an event of a run.
pub(crate) fn training(bar: &ProgressBar, event: &TrainEvent<'_>) {
    match event {
        TrainEvent::Epoch(record) => epoch(bar, record),
        TrainEvent::Resumed(epochs) => {
            // Epochs of an earlier process must not count for the speed of this one.
            bar.set_position(*epochs as u64);
            bar.reset_eta();
            bar.suspend(|| eprintln!("note: resumed from the checkpoint after epoch {epochs}"));
        }
        TrainEvent::Warning(text) => bar.suspend(|| eprintln!("warning: {text}")),
        _ => {}
    }
}

/// Advances the bar; without a terminal, prints a line after every tenth of the run.
fn epoch(bar: &ProgressBar, record: &EpochRecord) {
    let accuracy = record
        .test
        .as_ref()
        .map(|t| format!(", test accuracy {:.2} %", 100.0 * t.accuracy));
    let text = format!("loss {:.4}{}", record.loss, accuracy.unwrap_or_default());
    bar.set_position(record.epoch as u64);
    if bar.is_hidden() {
        let all = bar.length().unwrap_or_default() as usize;
        let tenth = |epoch: usize| 10 * epoch / all.max(1);
        if tenth(record.epoch) > tenth(record.epoch - 1) {
            let left = human(bar.eta());
            eprintln!("epoch {}/{all}: {text}, {left} left", record.epoch);
        }
    }
    bar.set_message(text);
}

/// Progress of a sweep.
pub(crate) struct SweepBar {
    bar: ProgressBar,
    terminal: bool,
}

/// A bar over the epochs of all runs.
pub(crate) fn sweep() -> SweepBar {
    let bar = ProgressBar::new(0);
    bar.set_style(style("{bar:30} {percent:>3} %  {msg}"));
    SweepBar {
        bar,
        terminal: std::io::stderr().is_terminal(),
    }
}

impl SweepBar {
    pub(crate) fn show(&self, state: &SweepProgress) {
        let left = state
            .remaining
            .map(|d| format!(", {} left", human(d)))
            .unwrap_or_default();
        let text = format!("{} of {} runs{left}", state.finished, state.runs);
        if let Some((id, status)) = &state.ended {
            let diverged = *status == Status::Diverged;
            if diverged {
                self.bar.println(format!("{id}: diverged"));
            }
            if !self.terminal {
                eprintln!("{text}: {id}{}", if diverged { " diverged" } else { "" });
            }
        }
        if let Some(failure) = &state.failed {
            self.print_line(&format!("failed: {failure}"));
        }
        self.bar.set_length(state.epochs.1 as u64);
        self.bar.set_position(state.epochs.0 as u64);
        self.bar.set_message(text);
    }

    pub(crate) fn print_line(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A spinner with the name of the current step.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(style("{spinner} {elapsed} {msg}"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Progress through files.
pub(crate) struct FileBar {
    bar: ProgressBar,
    terminal: bool,
    lines: bool,
    file: String,
    tenth: u64,
}

/// A bar over the bytes of each file in turn. Without a terminal, nothing is shown, or with `lines`
/// a line after every tenth of a file.
pub(crate) fn files(lines: bool) -> FileBar {
    let bar = ProgressBar::new(0);
    bar.set_style(style(
        "{msg} {bar:30} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left",
    ));
    let terminal = std::io::stderr().is_terminal();
    FileBar {
        bar,
        terminal,
        lines: lines && !terminal,
        file: String::new(),
        tenth: 0,
    }
}

impl FileBar {
    /// `resumed` of the `done` bytes come from an earlier download and do not count for the speed.
    pub(crate) fn show(&mut self, file: &str, done: u64, total: u64, resumed: u64) {
        let tenth = 10 * done / total.max(1);
        if self.file != file || done <= resumed {
            self.file = file.to_owned();
            self.tenth = tenth;
            self.bar.set_length(total);
            self.bar.set_message(self.file.clone());
            self.bar.set_position(resumed);
            self.bar.reset_eta();
        }
        self.bar.set_position(done);
        if tenth > self.tenth {
            self.tenth = tenth;
            if self.lines {
                eprintln!("{file}: {} of {}", DecimalBytes(done), DecimalBytes(total));
            }
        }
    }

    pub(crate) fn print_line(&self, line: &str) {
        if self.terminal {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}
