//! The planner: makes of what somebody wants a plan along a golden path, or a refusal that helps.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    Box::pin(runtime::run::<planner::Planner>()).await
}
