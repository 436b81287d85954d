//! The remediator: has put back what drifts, and asks a person where it should not.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    runtime::run::<remediator::Remediator>().await
}
