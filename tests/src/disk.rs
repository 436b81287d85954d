//! A disk that can be full: a file system of a fixed size in memory, mounted for its users alone.
//!
//! It is mounted in a namespace of its own, which needs no rights, and lives as long as the process
//! that holds the namespace open.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::process::Process;

/// A small disk. Gone when dropped, with all that is on it.
#[derive(Debug)]
pub struct SmallDisk {
    holder: u32,
    /// Where it is mounted, for those inside.
    at: PathBuf,
    /// Keeps the namespace.
    _process: Process,
}

impl SmallDisk {
    /// Mounts one of this size at a new folder.
    pub async fn mount(folder: &Path, mebibytes: usize) -> anyhow::Result<Self> {
        let at = folder.join("disk");
        std::fs::create_dir(&at)?;
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]).arg(format!(
            "mount -t tmpfs -o size={mebibytes}m tmpfs '{}' && echo mounted && exec sleep infinity",
            at.display()
        ));
        let (process, line) = Process::start_and_read("disk", command, folder)
            .await
            .context("a disk of its own, which needs user namespaces (util-linux' `unshare`)")?;
        ensure!(line == "mounted", "{line}");
        let holder = process.pid().context("the disk is held")?;
        Ok(Self { holder, at, _process: process })
    }

    /// A command that sees the disk.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--user", "--mount", "--preserve-credentials", "--target"])
            .arg(self.holder.to_string())
            .arg(program);
        command
    }

    /// Where it is mounted, for those inside.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Uses up all that is left.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = std::fs::File::create(self.ballast())?;
        let mut block = vec![0; 256 * 1024];
        // Block by block, then byte by byte, until nothing fits any more.
        while !block.is_empty() {
            if std::io::Write::write_all(&mut ballast, &block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
        Ok(())
    }

    /// Gives it back.
    pub fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    /// The file that uses it up, as seen from outside.
    fn ballast(&self) -> PathBuf {
        let inside = self.at.strip_prefix("/").unwrap_or(&self.at);
        Path::new("/proc").join(self.holder.to_string()).join("root").join(inside).join("ballast")
    }
}
