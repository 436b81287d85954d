//! A child that is kept running: its output in a log, started again when it dies, ended on request.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child as Process, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::local::process::terminate;

/// First pause before a child is started again; doubled at each death in a row.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A child that ran this long is not dying in a row.
const SETTLED: Duration = Duration::from_secs(30);

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// For example `planner-2`.
    pub(crate) name: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// What it finds in its environment besides ours; `None` takes a variable away.
    pub(crate) environment: Vec<(&'static str, Option<OsString>)>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// How long it may take to end when asked.
    pub(crate) grace: Duration,
}

/// What became of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// It runs.
    Started {
        /// Which child.
        name: String,
        /// Its process.
        pid: Option<u32>,
        /// How often it was started before.
        restarts: u32,
    },
    /// It ended though nobody asked.
    Died {
        /// Which child.
        name: String,
        /// How it ended, or why it could not be started.
        how: String,
        /// When it is started again.
        again_in: Duration,
    },
}

/// A child under supervision.
#[derive(Debug)]
pub(crate) struct Child {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Child {
    /// Starts it and keeps it running. `wrapper` is this program itself, where the child shall end
    /// when this process dies, however it dies.
    pub(crate) fn keep(
        spec: Spec,
        wrapper: Option<PathBuf>,
        happenings: mpsc::UnboundedSender<Happening>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(supervise(spec, wrapper, happenings, stopped));
        Self { stop, task }
    }

    /// Asks it to end, and ends it where it does not.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        // The task cannot panic, and is aborted by nobody.
        drop(self.task.await);
    }
}

async fn supervise(
    spec: Spec,
    wrapper: Option<PathBuf>,
    happenings: mpsc::UnboundedSender<Happening>,
    mut stopped: watch::Receiver<bool>,
) {
    // Whether anybody listens makes no difference to the child.
    let tell = |happening| drop(happenings.send(happening));
    let mut pause = PAUSE;
    let mut restarts = 0;
    loop {
        let began = Instant::now();
        let how = match spawn(&spec, wrapper.as_ref(), restarts > 0) {
            Ok(mut process) => {
                tell(Happening::Started { name: spec.name.clone(), pid: process.id(), restarts });
                tokio::select! {
                    ended = process.wait() => describe(ended),
                    () = asked(&mut stopped) => {
                        end(&mut process, spec.grace).await;
                        return;
                    }
                }
            }
            Err(error) => format!("could not be started: {error}"),
        };
        if began.elapsed() >= SETTLED {
            pause = PAUSE;
        }
        tell(Happening::Died { name: spec.name.clone(), how, again_in: pause });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = asked(&mut stopped) => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        restarts += 1;
    }
}

/// Comes back when the child is to end, also when nobody is left who could ask.
async fn asked(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

fn spawn(spec: &Spec, wrapper: Option<&PathBuf>, again: bool) -> io::Result<Process> {
    let log = open_log(&spec.log, again)?;
    let mut command = match wrapper {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command
                .args(["run-child", "--parent", &std::process::id().to_string(), "--"])
                .arg(&spec.program);
            command
        }
        None => Command::new(&spec.program),
    };
    command
        .args(&spec.arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Its own group: Ctrl-C is for us, and the children are ended in order.
        .process_group(0)
        .kill_on_drop(true);
    for (name, value) in &spec.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.spawn()
}

/// A fresh log at each start of the swarm, the same one over restarts.
fn open_log(path: &PathBuf, again: bool) -> io::Result<File> {
    if again {
        OpenOptions::new().create(true).append(true).open(path)
    } else {
        // Appending also the first time: two handles share the file.
        drop(File::create(path)?);
        OpenOptions::new().append(true).open(path)
    }
}

async fn end(process: &mut Process, grace: Duration) {
    if let Some(pid) = process.id() {
        terminate(pid);
    }
    if tokio::time::timeout(grace, process.wait()).await.is_err() {
        // Gone between the two is as good.
        drop(process.kill().await);
    }
}

fn describe(ended: io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(folder: &std::path::Path, script: &str) -> Spec {
        Spec {
            name: "child".to_owned(),
            program: PathBuf::from("/bin/sh"),
            arguments: ["-c", script].map(OsString::from).to_vec(),
            environment: vec![("GREETING", Some("hello".into()))],
            log: folder.join("child.log"),
            grace: Duration::from_secs(5),
        }
    }

    async fn next(happenings: &mut mpsc::UnboundedReceiver<Happening>) -> Happening {
        tokio::time::timeout(Duration::from_secs(10), happenings.recv()).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_child_that_dies_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, mut happenings) = mpsc::unbounded_channel();
        let child = Child::keep(spec(folder.path(), "echo $GREETING; exit 3"), None, tell);
        assert!(matches!(next(&mut happenings).await, Happening::Started { restarts: 0, .. }));
        let Happening::Died { how, .. } = next(&mut happenings).await else { panic!() };
        assert_eq!(how, "exit status: 3");
        assert!(matches!(next(&mut happenings).await, Happening::Started { restarts: 1, .. }));
        let _ = next(&mut happenings).await;
        child.stop().await;
        let log = std::fs::read_to_string(folder.path().join("child.log")).unwrap();
        assert_eq!(log, "hello\nhello\n");
    }

    #[tokio::test]
    async fn a_child_is_ended_cleanly() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, mut happenings) = mpsc::unbounded_channel();
        let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
        let child = Child::keep(spec(folder.path(), script), None, tell);
        assert!(matches!(next(&mut happenings).await, Happening::Started { .. }));
        let log = folder.path().join("child.log");
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(&log).unwrap() != "ready\n" {
            assert!(Instant::now() < deadline);
            tokio::task::yield_now().await;
        }
        child.stop().await;
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "ready\nbye\n");
        assert_eq!(happenings.recv().await, None);
    }
}
