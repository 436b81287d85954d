//! How telemetry leaves the process.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Longest time one export may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Exports over HTTP on the process's own runtime. The batching threads of OpenTelemetry have none,
/// and the usual client needs one.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    runtime: Handle,
}

impl Transport {
    /// Must be called on the runtime that will do the work.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { client, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let mut answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                std::mem::swap(headers, answer.headers_mut());
            }
            let body = answer.bytes().await?;
            Ok::<_, HttpError>(response.body(body)?)
        };
        self.runtime.spawn(exchange).await?
    }
}
