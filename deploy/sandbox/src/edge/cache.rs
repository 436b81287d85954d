//! The edge's cache: whole answers in memory, bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use crate::rules::Request;

/// Longer answers, in bytes, pass by the cache.
const LARGEST: usize = 16 << 20;
/// All answers together, in bytes.
const CAPACITY: usize = 128 << 20;
/// What an answer takes besides its body, about, in bytes.
const OVERHEAD: usize = 1 << 10;

/// A kept answer.
#[derive(Debug)]
pub(super) struct Entry {
    stored: Instant,
    lifetime: Duration,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the cache has for a URL.
#[derive(Debug)]
pub(super) enum Found {
    /// An answer still good.
    Hit(Arc<Entry>),
    /// One that was.
    Expired,
    /// Nothing.
    Nothing,
}

impl Entry {
    /// The answer, with its age.
    pub(super) fn response(&self, with_body: bool) -> Response {
        let body = if with_body { Body::from(self.body.clone()) } else { Body::empty() };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        let age = HeaderValue::from(self.stored.elapsed().as_secs());
        response.headers_mut().insert(header::AGE, age);
        response
    }
}

/// The kept answers.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

/// What answers are kept by.
pub(super) fn key(request: &Request) -> String {
    request.full_uri()
}

impl Cache {
    /// Looks an answer up.
    pub(super) fn find(&self, key: &str) -> Found {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(key) {
            Some(entry) if entry.stored.elapsed() < entry.lifetime => Found::Hit(entry.clone()),
            Some(_) => Found::Expired,
            None => Found::Nothing,
        }
    }

    /// Keeps an answer and gives it on; one that is too long is given on only.
    pub(super) async fn keep(
        &self,
        key: String,
        response: Response,
        lifetime: Duration,
    ) -> Response {
        let (parts, body) = response.into_parts();
        let mut rest = body.into_data_stream();
        let mut read: Vec<Bytes> = Vec::new();
        let mut length = 0;
        while length <= LARGEST {
            match rest.next().await {
                Some(Ok(chunk)) => {
                    length += chunk.len();
                    read.push(chunk);
                }
                Some(Err(error)) => {
                    // Broken off: the client sees it break off too, and nothing is kept.
                    let chunks =
                        stream::iter(read.into_iter().map(Ok)).chain(stream::iter([Err(error)]));
                    return Response::from_parts(parts, Body::from_stream(chunks));
                }
                None => {
                    let body = Bytes::from(read.concat());
                    let mut headers = parts.headers.clone();
                    headers.remove(header::SET_COOKIE);
                    let status = parts.status;
                    let stored = Instant::now();
                    let entry = Entry { stored, lifetime, status, headers, body: body.clone() };
                    self.insert(key, entry);
                    return Response::from_parts(parts, Body::from(body));
                }
            }
        }
        let chunks = stream::iter(read.into_iter().map(Ok)).chain(rest.into_stream());
        Response::from_parts(parts, Body::from_stream(chunks))
    }

    fn insert(&self, key: String, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(key, Arc::new(entry));
        while entries.values().map(|entry| entry.body.len() + OVERHEAD).sum::<usize>() > CAPACITY {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.stored);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { return };
            entries.remove(&oldest);
        }
    }
}
