//! `zerodrift`: runs a swarm on this machine, and talks to one anywhere.

fn main() -> std::process::ExitCode {
    zerodrift::run()
}
