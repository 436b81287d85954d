//! Other processes, by their id.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::Instant;

fn pid_of(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Whether a process with this id is there.
pub(crate) fn is_alive(id: u32) -> bool {
    pid_of(id).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Asks a process to end; nothing where it is gone already.
pub(crate) fn terminate(id: u32) {
    signal(id, Signal::TERM);
}

/// Ends a process at once; nothing where it is gone already.
pub(crate) fn kill(id: u32) {
    signal(id, Signal::KILL);
}

fn signal(id: u32, signal: Signal) {
    if let Some(pid) = pid_of(id) {
        // The only failure is that it is gone, which is what is wanted.
        kill_process(pid, signal).ok();
    }
}

/// Waits until a process is gone; whether it went in time.
pub(crate) async fn gone(id: u32, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while is_alive(id) {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    true
}

/// The program a process runs, where the system tells: process ids are used again, so an id alone
/// does not say whose process it is.
pub(crate) fn program_of(id: u32) -> Option<PathBuf> {
    let link = std::fs::read_link(format!("/proc/{id}/exe")).ok()?;
    // A program that was rebuilt since is shown as `<path> (deleted)`.
    let text = link.to_string_lossy();
    Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text)))
}

/// Whether two paths are the same file, links resolved.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    let resolve = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    resolve(one) == resolve(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_seen_and_ended() {
        let mut child = tokio::process::Command::new("sleep").arg("60").spawn().unwrap();
        let id = child.id().unwrap();
        assert!(is_alive(id));
        terminate(id);
        child.wait().await.unwrap();
        assert!(gone(id, Duration::from_secs(5)).await);
    }

    #[test]
    fn nonsense_is_not_alive() {
        assert!(!is_alive(0));
        assert!(!is_alive(u32::MAX));
    }
}
