//! The planner: makes of what somebody wants a plan along a golden path, or a refusal that helps.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    runtime::run::<planner::Planner>().await
}
