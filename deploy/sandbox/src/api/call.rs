//! What a handler is given: who calls, what is asked, which body was sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::envelope::{Answer, Failure, Reply};
use crate::store::{Account, Store, Token, World, Zone};

/// An authenticated call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The state to answer from; a frozen one for a stale read.
    pub(super) store: Store,
    /// Whose token it is.
    pub(super) actor: Token,
    /// What compiles uploaded scripts.
    pub(super) workerd: Option<PathBuf>,
    /// The query; of a name given twice the last.
    pub(super) query: BTreeMap<String, String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut call = parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::internal("the call did not pass the gate"))?;
        let query = parts.uri.query().unwrap_or_default();
        call.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(call)
    }
}

impl Call {
    /// One query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Looks at an account.
    pub(super) fn account<T>(
        &self,
        id: &str,
        look: impl FnOnce(&Account) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.store.read(|world| look(account_of(world, id)?))
    }

    /// Looks at a zone.
    pub(super) fn zone<T>(
        &self,
        id: &str,
        look: impl FnOnce(&Zone) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.store.read(|world| look(zone_of(world, id)?))
    }

    /// Changes an account.
    pub(super) fn change_account<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Account) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.store.write(|world| change(world.accounts.get_mut(id).ok_or_else(|| no_account(id))?))
    }

    /// Changes a zone.
    pub(super) fn change_zone<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Zone) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.store.write(|world| change(world.zones.get_mut(id).ok_or_else(|| no_zone(id))?))
    }

    /// Shows one page of a list, as `page` and `per_page` ask.
    pub(super) fn page<T: Serialize>(&self, items: Vec<T>, per_page: Bounds) -> Answer {
        let number = |name: &str, default: usize| match self.query(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<usize>()
                .map_err(|_| Failure::new(400, 1004, format!("Invalid value for {name}: {text}"))),
        };
        let page = number("page", 1)?.max(1);
        let size = number("per_page", per_page.default)?;
        if size < per_page.least || size > per_page.most {
            return Err(Failure::new(
                400,
                1004,
                format!("per_page must be from {} to {}", per_page.least, per_page.most),
            ));
        }
        let total = items.len();
        let shown = items.into_iter().skip((page - 1).saturating_mul(size)).take(size);
        let shown: Vec<Value> = shown.map(|item| json!(item)).collect();
        let info = json!({
            "page": page, "per_page": size, "count": shown.len(), "total_count": total,
            "total_pages": total.div_ceil(size),
        });
        Reply::page(Value::Array(shown), info)
    }
}

/// How many a page may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// At least.
    pub(super) least: usize,
    /// Where nothing is asked.
    pub(super) default: usize,
    /// At most.
    pub(super) most: usize,
}

/// An account by id.
pub(super) fn account_of<'a>(world: &'a World, id: &str) -> Result<&'a Account, Failure> {
    world.accounts.get(id).ok_or_else(|| no_account(id))
}

/// A zone by id.
pub(super) fn zone_of<'a>(world: &'a World, id: &str) -> Result<&'a Zone, Failure> {
    world.zones.get(id).ok_or_else(|| no_zone(id))
}

fn no_account(id: &str) -> Failure {
    Failure::no_route(&format!("/client/v4/accounts/{id}"))
}

fn no_zone(id: &str) -> Failure {
    Failure::no_route(&format!("/client/v4/zones/{id}"))
}

/// A JSON body, whatever content type it claims: wrangler sends some as text.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            Failure::new(400, 6007, format!("Malformed JSON in request body: {error}"))
        })?;
        typed(value).map(Self)
    }
}

/// JSON of the shape a call takes.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::new(400, 9207, format!("Request body is invalid: {error}")))
}

/// A body as it came.
#[derive(Debug)]
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|error| Failure::new(413, 10_413, format!("Request body: {error}")))
    }
}
