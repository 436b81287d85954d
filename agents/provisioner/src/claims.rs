//! Who holds an object that is always there and cannot say whose it is, as a zone's setting.
//!
//! A record of ours says it. Several stacks hold one object while they want the same of it; the last
//! to leave puts back what was there before the first came.

use std::time::Duration;

use bus_schema::{Claim, KindName, Place, Properties, ResourceAddress};
use runtime::{Retry, Retryable, Revision, StoreError};
use sha2::{Digest, Sha256};

use crate::records::Records;

/// Another stack holds the object and wants something else of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{holder} holds it as {}; both stacks must declare the same, or {holder} must let go of it first",
    serde_json::to_string(held).unwrap_or_default()
)]
pub struct Disputed {
    /// Who holds it.
    pub holder: ResourceAddress,
    /// As what.
    pub held: Properties,
}

/// A claim could not be made or given up.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another stack wants something else.
    #[error(transparent)]
    Disputed(#[from] Disputed),
    /// The record cannot be read or written.
    #[error("the record of who holds it cannot be reached")]
    Store(#[from] StoreError),
}

impl Retryable for ClaimError {
    fn retry(&self) -> Retry {
        match self {
            Self::Disputed(_) => Retry::Never,
            Self::Store(source) => source.retry(),
        }
    }
}

/// What leaving means.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaving {
    /// Nothing is left to do.
    Gone,
    /// Others stay: this is the claim without the leaver.
    Shared(Claim),
    /// Nobody stays: what was there before is to be put back.
    Last(Claim),
}

/// The key of the record: a digest, since a natural key can hold what a bucket's key cannot.
pub fn key(kind: &KindName, place: &Place, natural: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\n{place}\n{natural}").as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// The claim once `holder` has joined it, wanting `wanted`; `prior`: what is there now, kept where
/// it is the first.
///
/// # Errors
/// When others hold the object and want something else.
pub fn joined(
    current: Option<&Claim>,
    holder: &ResourceAddress,
    wanted: &Properties,
    prior: &Properties,
) -> Result<Claim, Disputed> {
    let mut holders = current.map(|claim| claim.holders.clone()).unwrap_or_default();
    holders.retain(|other| other != holder);
    if let (Some(claim), Some(other)) = (current, holders.first())
        && claim.properties != *wanted
    {
        return Err(Disputed { holder: other.clone(), held: claim.properties.clone() });
    }
    holders.push(holder.clone());
    holders.sort();
    Ok(Claim {
        holders,
        properties: wanted.clone(),
        prior: current.map_or(prior, |claim| &claim.prior).clone(),
    })
}

/// What it means that `holder` leaves.
pub fn leaving(current: Option<&Claim>, holder: &ResourceAddress) -> Leaving {
    let Some(current) = current else { return Leaving::Gone };
    let mut left = current.clone();
    left.holders.retain(|other| other != holder);
    if left.holders.is_empty() { Leaving::Last(left) } else { Leaving::Shared(left) }
}

/// How often a claim is tried again that somebody else wrote meanwhile.
const ATTEMPTS: u32 = 10;

/// Joins a claim.
///
/// # Errors
/// When others want something else, or the record cannot be reached.
pub async fn join(
    records: &dyn Records,
    key: &str,
    holder: &ResourceAddress,
    wanted: &Properties,
    prior: &Properties,
) -> Result<Claim, ClaimError> {
    let mut attempt = 1;
    loop {
        let current = records.claim(key).await?;
        let claim = joined(current.as_ref().map(|(claim, _)| claim), holder, wanted, prior)?;
        if current.as_ref().is_some_and(|(current, _)| *current == claim) {
            return Ok(claim);
        }
        runtime::failpoint!("claim::before_joining");
        match records.put_claim(key, &claim, current.map(|(_, revision)| revision)).await {
            Ok(_) => {
                runtime::failpoint!("claim::after_joining");
                return Ok(claim);
            }
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => again(&mut attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Leaves a claim, and says what follows. Where nobody stays the record is kept, empty, until
/// [`forget`]: a crash before what was there is put back must not lose it.
///
/// # Errors
/// When the record cannot be reached.
pub async fn leave(
    records: &dyn Records,
    key: &str,
    holder: &ResourceAddress,
) -> Result<(Leaving, Option<Revision>), ClaimError> {
    let mut attempt = 1;
    loop {
        let current = records.claim(key).await?;
        let leaving = leaving(current.as_ref().map(|(claim, _)| claim), holder);
        let (Leaving::Shared(left) | Leaving::Last(left)) = &leaving else {
            return Ok((leaving, None));
        };
        if let Some((_, revision)) = current.as_ref().filter(|(current, _)| current == left) {
            return Ok((leaving, Some(*revision)));
        }
        runtime::failpoint!("claim::before_leaving");
        match records.put_claim(key, left, current.map(|(_, revision)| revision)).await {
            Ok(revision) => {
                runtime::failpoint!("claim::after_leaving");
                return Ok((leaving, Some(revision)));
            }
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => again(&mut attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Deletes the record of a claim nobody holds; `false` where somebody joined meanwhile, who may now
/// have found his value overwritten.
///
/// # Errors
/// When the record cannot be reached.
pub async fn forget(records: &dyn Records, key: &str, over: Revision) -> Result<bool, ClaimError> {
    runtime::failpoint!("claim::before_forgetting");
    match records.delete_claim(key, over).await {
        Ok(()) => {
            runtime::failpoint!("claim::after_forgetting");
            Ok(true)
        }
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn again(attempt: &mut u32) {
    tokio::time::sleep(Duration::from_millis(20) * *attempt).await;
    *attempt += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(value: &str) -> Properties {
        [("value".to_owned(), serde_json::Value::from(value))].into_iter().collect()
    }

    fn address(text: &str) -> ResourceAddress {
        text.parse().unwrap()
    }

    #[test]
    fn stacks_share_while_they_agree_and_the_last_puts_back() {
        let (a, b) =
            (address("a/cloudflare.zone_setting/tls"), address("b/cloudflare.zone_setting/x"));
        let (on, off) = (properties("on"), properties("off"));
        let first = joined(None, &a, &on, &off).unwrap();
        let both = joined(Some(&first), &b, &on, &on).unwrap();
        assert_eq!(both.holders, [a.clone(), b.clone()]);
        assert_eq!(both.prior, off, "what was there before the first");
        assert_eq!(joined(Some(&both), &a, &off, &on).unwrap_err().holder, b);
        let Leaving::Shared(left) = leaving(Some(&both), &a) else { panic!("b stays") };
        assert_eq!(left.holders, std::slice::from_ref(&b));
        let Leaving::Last(left) = leaving(Some(&left), &b) else { panic!("nobody stays") };
        assert_eq!(left.prior, off);
        assert_eq!(leaving(None, &b), Leaving::Gone);
    }

    #[test]
    fn a_sole_holder_may_change_its_mind() {
        let a = address("a/cloudflare.zone_setting/tls");
        let first = joined(None, &a, &properties("on"), &properties("off")).unwrap();
        let changed = joined(Some(&first), &a, &properties("strict"), &properties("on")).unwrap();
        assert_eq!(changed.properties, properties("strict"));
        assert_eq!(changed.prior, properties("off"));
    }

    #[test]
    fn a_key_is_one_token() {
        let kind = KindName::new("cloudflare.zone_setting").unwrap();
        let key = key(&kind, &Place::Zone("example.com".to_owned()), "min_tls_version");
        assert_eq!(key.len(), 32);
        assert!(key.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
