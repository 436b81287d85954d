//! What a kind makes its calls with: one attempt in one place.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Answer, Client};
use super::contents::{Contents, bare};
use super::failure::{NO_SUCH_PLACE, absent, conflict};
use super::multipart::module;
use super::request::Request;
use crate::error::{Attempt, Effect, Error};

/// Pages read at most: a list that does not end is a fault.
const MOST_PAGES: u64 = 2_000;

/// Calls about one attempt in one place.
#[derive(Debug)]
pub(super) struct Api<'a> {
    client: &'a Client,
    contents: &'a Contents,
    /// `accounts/<id>` or `zones/<id>`.
    root: [String; 2],
    attempt: Attempt,
    /// Whether a call has taken effect, or may have.
    touched: AtomicBool,
}

impl<'a> Api<'a> {
    pub(super) fn in_account(
        client: &'a Client,
        contents: &'a Contents,
        id: &str,
        attempt: Attempt,
    ) -> Self {
        let root = ["accounts".to_owned(), id.to_owned()];
        Self { client, contents, root, attempt, touched: AtomicBool::new(false) }
    }

    pub(super) fn in_zone(
        client: &'a Client,
        contents: &'a Contents,
        id: &str,
        attempt: Attempt,
    ) -> Self {
        let root = ["zones".to_owned(), id.to_owned()];
        Self { client, contents, root, attempt, touched: AtomicBool::new(false) }
    }

    pub(super) const fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> Request {
        let path = self.root.iter().cloned().chain(path.iter().map(ToString::to_string)).collect();
        Request::new(method, path, self.attempt.clone())
    }

    pub(super) async fn call(&self, request: Request) -> Result<Answer, Error> {
        let changes = request.changes();
        let answer = self.client.call(request).await;
        let effect = answer.as_ref().map_or_else(Error::took_effect, |_| Effect::Unknown);
        if changes && effect == Effect::Unknown {
            self.touched.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// What came of the attempt as a whole: that its last call had no effect does not mean that none
    /// had.
    pub(super) fn whole<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let touched = self.touched.load(Ordering::Relaxed);
        result.map_err(|error| if touched { error.unfinished() } else { error })
    }

    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, Error> {
        Ok(self.call(self.request(Method::GET, path)).await?.result.unwrap_or_default())
    }

    /// As [`Api::get`]; `None` where there is no such object.
    pub(super) async fn find(&self, path: &[&str]) -> Result<Option<Value>, Error> {
        absent_as_none(self.get(path).await)
    }

    /// What `read` reads of an object and its listing leaves out, not read again while the listing says
    /// that it was last changed at `version`: a time, and what else tells versions apart after a `/`.
    pub(super) async fn details(
        &self,
        path: &[&str],
        version: Option<String>,
        read: impl Future<Output = Result<Option<Value>, Error>>,
    ) -> Result<Option<Value>, Error> {
        let Some(version) = version else { return read.await };
        let path = format!("{}/{}", self.root.join("/"), path.join("/"));
        if let Some(known) = self.contents.details(&path, &version) {
            return Ok(Some(known));
        }
        let details = read.await?;
        if let Some(details) = &details {
            self.contents.put_details(path, &version, details);
        }
        Ok(details)
    }

    /// The source of a script, not read again where it still has the tag it was read with.
    pub(super) async fn source(
        &self,
        script: &str,
        tag: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let [_, account] = &self.root;
        let key = format!("{account}/{script}");
        if let Some(known) = tag.and_then(|tag| self.contents.get(&key, bare(tag))) {
            return Ok(Some(known));
        }
        let request = self.request(Method::GET, &["workers", "scripts", script]);
        let answer = self.client.raw(&request).await?;
        let source = module(&answer);
        if let (Some(tag), Some(source)) = (&answer.tag, &source) {
            self.contents.put(key, bare(tag).to_owned(), source.clone());
        }
        Ok(source)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Value,
    ) -> Result<Value, Error> {
        let answer = self.call(self.request(method, path).json(body)).await?;
        Ok(answer.result.unwrap_or_default())
    }

    /// Removes an object; one that is gone already is no error.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<(), Error> {
        absent_as_none(self.call(self.request(Method::DELETE, path)).await).map(drop)
    }

    /// Everything of a list that is numbered by pages.
    pub(super) async fn pages(&self, path: &[&str], per_page: u32) -> Result<Vec<Value>, Error> {
        self.pages_of(path, per_page, Some).await
    }

    /// What is made of each object of a list that is numbered by pages, where something is. One page
    /// at a time is held as it came: a list can be long.
    pub(super) async fn pages_of<I: DeserializeOwned, O>(
        &self,
        path: &[&str],
        per_page: u32,
        make: impl Fn(I) -> Option<O>,
    ) -> Result<Vec<O>, Error> {
        let (mut all, mut listed) = (Vec::new(), 0);
        for page in 1..=MOST_PAGES {
            let request = self
                .request(Method::GET, path)
                .query("page", page.to_string())
                .query("per_page", per_page.to_string());
            let Answer { result, info } = self.client.call::<Vec<I>>(request).await?;
            let items = result.unwrap_or_default();
            let count = items.len() as u64;
            listed += count;
            all.extend(items.into_iter().filter_map(&make));
            // Not every list says how many pages there are, nor keeps to the size asked for.
            let last = match (info.total_pages, info.total_count) {
                (Some(pages), _) => page >= pages,
                (None, Some(total)) => listed >= total,
                (None, None) => {
                    info.page.is_none() || count < info.per_page.unwrap_or(per_page.into())
                }
            };
            if last || count == 0 {
                return Ok(all);
            }
        }
        Err(self.invalid("the list does not end"))
    }

    /// Everything of a list that goes on from a cursor; `field` is where its items are.
    pub(super) async fn cursor(
        &self,
        path: &[&str],
        field: &str,
        per_page: u32,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 1..=MOST_PAGES {
            let mut request =
                self.request(Method::GET, path).query("per_page", per_page.to_string());
            if let Some(cursor) = &cursor {
                request = request.query("cursor", cursor.as_str());
            }
            let Answer { mut result, info } = self.call(request).await?;
            let items = result.as_mut().and_then(|it| it.get_mut(field)).map(Value::take);
            let items = items.unwrap_or_default();
            all.extend(self.items(items)?);
            cursor = info.cursor.filter(|it| !it.is_empty());
            if cursor.is_none() {
                return Ok(all);
            }
        }
        Err(self.invalid("the list does not end"))
    }

    fn items(&self, result: Value) -> Result<Vec<Value>, Error> {
        match result {
            Value::Array(items) => Ok(items),
            Value::Null => Ok(Vec::new()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(self.invalid("a list was expected"))
            }
        }
    }

    /// An answer that is not as documented.
    pub(super) fn invalid(&self, reason: impl Into<String>) -> Error {
        let attempt = self.attempt.clone();
        Error::InvalidResponse { attempt, reason: reason.into(), source: None }
    }

    /// An object is in the way.
    pub(super) fn conflict(&self, message: impl Into<String>) -> Error {
        conflict(self.attempt.clone(), message)
    }

    /// What was to be changed is not there.
    pub(super) fn absent(&self, message: impl Into<String>) -> Error {
        absent(self.attempt.clone(), message)
    }

    /// What this kind cannot do.
    pub(super) fn unsupported(&self, reason: impl Into<String>) -> Error {
        Error::Unsupported { attempt: self.attempt.clone(), reason: reason.into() }
    }

    /// For kinds of which Cloudflare would make a second one under the same name.
    pub(super) fn no_other_named(&self, objects: &[Value], name: &str) -> Result<(), Error> {
        let taken = objects.iter().any(|it| it.get("name").and_then(Value::as_str) == Some(name));
        if taken { Err(self.conflict(format!("there is one named {name}"))) } else { Ok(()) }
    }

    /// What a projection made of an object; Cloudflare left out what it always gives otherwise.
    pub(super) fn projected<T>(&self, projected: Option<T>) -> Result<T, Error> {
        projected.ok_or_else(|| self.invalid("the object has no id or name"))
    }
}

fn absent_as_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        // A place that is gone is not an object that is gone.
        Err(Error::NotFound { reply, .. }) if !reply.has_code(NO_SUCH_PLACE) => Ok(None),
        Err(error) => Err(error),
    }
}
