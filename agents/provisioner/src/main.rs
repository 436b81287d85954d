//! The provisioner: makes the clouds be as plans declare.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    runtime::run::<provisioner::Provisioner>().await
}
