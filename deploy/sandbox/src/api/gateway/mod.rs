//! The Zero Trust Gateway: lists and rules.

mod format;
mod lists;
mod rules;

use std::sync::Arc;

use axum::Router;

use super::Api;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().merge(lists::routes()).merge(rules::routes())
}
