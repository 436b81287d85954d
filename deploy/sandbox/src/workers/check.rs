//! Whether a script compiles and starts, asked of workerd before the script is saved.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::code::Code;
use super::config::Config;

/// Cloudflare gives a script's top level one second of CPU; a busy machine needs more time for it.
const LIMIT: Duration = Duration::from_secs(20);

/// Compiles a script in V8 and runs its top level. The error is for the API's code 10021: workerd's
/// `Uncaught …` line and where it is. Without workerd only the module types are checked: an upload
/// works still, and the edge says what is missing when the script is asked for.
pub async fn check(workerd: Option<&Path>, code: &Code) -> Result<(), String> {
    let config = Config::checking(code)?;
    let Some(workerd) = workerd else { return Ok(()) };
    let folder = super::write(&config).await.map_err(|error| format!("cannot check: {error}"))?;
    let mut command = Command::new(workerd);
    command.arg("test").arg(folder.path().join(Config::NAME)).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = match tokio::time::timeout(LIMIT, command.output()).await {
        Ok(output) => output.map_err(|error| format!("cannot run workerd: {error}"))?,
        Err(_) => return Err("Script startup exceeded CPU time limit.".to_owned()),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(fault(&said).unwrap_or_else(|| format!("workerd ended with {}", output.status)))
}

/// The line about the script, with the indented ones after it.
pub(super) fn fault(said: &str) -> Option<String> {
    let mut lines = said.lines().skip_while(|line| !line.starts_with("service "));
    let (_, first) = lines.next()?.split_once(": ")?;
    let rest = lines.take_while(|line| line.starts_with(' '));
    Some(rest.fold(first.to_owned(), |all, line| all + "\n" + line))
}
