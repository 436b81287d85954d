//! Cloudflare: its kinds and their calls, behind [`Cloud`](crate::Cloud).

mod expression;
mod fields;
mod kinds;
mod names;

use crate::kind::Catalogue;

/// Every kind of Cloudflare's there is, for those who decide and hold no credential.
pub fn catalogue() -> Catalogue {
    Catalogue(&kinds::KINDS)
}
