//! A plain HTTP client for what runs on this machine: readiness, and the proof from outside.
//!
//! Deliberately small: no TLS, no redirects, no pool. What it says to the edge is exactly what it is
//! told to say, `Host` included.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, whole.
    pub(crate) body: Bytes,
}

impl Answer {
    /// One header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// Nobody listens.
    #[error("nobody answers at {address}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection to {address} broke")]
    Broken {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: hyper::Error,
    },
    /// The request cannot be put into words.
    #[error("no such request can be made")]
    Request(#[source] hyper::http::Error),
    /// Too slow.
    #[error("{address} did not answer within {} s", PATIENCE.as_secs())]
    Slow {
        /// Where.
        address: SocketAddr,
    },
}

/// Asks for a path with these headers. Without a `host` header the address is named.
pub(crate) async fn get(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer, HttpError> {
    send(address, Method::GET, path, headers, Bytes::new()).await
}

/// Writes to a path.
pub(crate) async fn put(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, HttpError> {
    send(address, Method::PUT, path, headers, body.into()).await
}

/// Sends any request.
pub(crate) async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Answer, HttpError> {
    tokio::time::timeout(PATIENCE, ask(address, method, path, headers, body))
        .await
        .unwrap_or(Err(HttpError::Slow { address }))
}

async fn ask(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Answer, HttpError> {
    let broken = |source| HttpError::Broken { address, source };
    let stream = TcpStream::connect(address)
        .await
        .map_err(|source| HttpError::Connect { address, source })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // What breaks the connection is told to whoever waits for the answer.
    let connection = tokio::spawn(async move { drop(connection.await) });
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", address.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).map_err(HttpError::Request)?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(broken)?.to_bytes();
    connection.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn the_host_is_the_one_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 1024];
            let length = stream.read(&mut seen).await.unwrap();
            stream
                .write_all(
                    b"HTTP/1.1 403 Forbidden\r\ncf-mitigated: block\r\ncontent-length: 2\r\n\r\nno",
                )
                .await
                .unwrap();
            String::from_utf8_lossy(&seen[..length]).into_owned()
        });
        let answer = get(address, "/.env", &[("host", "api.example.com")]).await.unwrap();
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.header("cf-mitigated"), Some("block"));
        assert_eq!(&answer.body[..], b"no");
        let seen = server.await.unwrap();
        assert!(seen.starts_with("GET /.env HTTP/1.1\r\nhost: api.example.com\r\n"), "{seen}");
    }
}
