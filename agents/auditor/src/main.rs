//! The auditor: compares what is running with what is declared.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    runtime::run::<auditor::Auditor>().await
}
