//! Plans that look at the same scope at once share a listing, and none is shown what is older than
//! its question.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bus_schema::{KindName, Place, Properties, Resource};
use cloud::{Attempt, Cloud, Error, Observed};
use provisioner::clouds::Clouds;
use tokio::sync::Semaphore;

/// A cloud whose listings show how many began before, each answered when it is let.
#[derive(Debug)]
struct Counting {
    begun: AtomicUsize,
    may_answer: Semaphore,
    fails: bool,
}

impl Counting {
    fn new(may_answer: usize, fails: bool) -> Arc<Self> {
        let may_answer = Semaphore::new(may_answer);
        Arc::new(Self { begun: AtomicUsize::new(0), may_answer, fails })
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

fn unsupported(verb: &'static str, kind: &KindName, place: &Place) -> Error {
    let attempt = Attempt::on_scope(verb, kind, place);
    Error::Unsupported { attempt, reason: "it only lists".to_owned() }
}

#[async_trait]
impl Cloud for Counting {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    async fn list(&self, kind: &KindName, place: &Place) -> Result<Vec<Observed>, Error> {
        let before = self.begun.fetch_add(1, Ordering::SeqCst);
        self.may_answer.acquire().await.unwrap().forget();
        if self.fails {
            return Err(unsupported("list", kind, place));
        }
        Ok(vec![
            Observed {
                id: String::new(),
                key: String::new(),
                owner: None,
                properties: Properties::default(),
                outputs: std::collections::BTreeMap::new(),
                modified_at: None,
            };
            before
        ])
    }

    async fn read(
        &self,
        kind: &KindName,
        place: &Place,
        _: &str,
    ) -> Result<Option<Observed>, Error> {
        Err(unsupported("read", kind, place))
    }

    async fn create(&self, it: &Resource) -> Result<Observed, Error> {
        Err(unsupported("create", &it.address.kind, &it.place))
    }

    async fn update(&self, it: &Resource, _: &str) -> Result<Observed, Error> {
        Err(unsupported("update", &it.address.kind, &it.place))
    }

    async fn delete(&self, kind: &KindName, place: &Place, _: &str) -> Result<(), Error> {
        Err(unsupported("delete", kind, place))
    }
}

fn scope(zone: &str) -> (KindName, Place) {
    ("cloudflare.dns_record".parse().unwrap(), Place::Zone(zone.to_owned()))
}

/// Which listing answered: 0 is the first.
async fn look(clouds: Clouds) -> Option<usize> {
    let survey = clouds.survey([scope("example.com")], 8).await.ok()?;
    survey.0.get(&scope("example.com")).map(|listing| listing.len())
}

async fn spins() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_a_listing_is_under_way_shares_the_next() {
    let cloud = Counting::new(0, false);
    let clouds = Clouds::new(vec![cloud.clone()]);
    let first = tokio::spawn(look(clouds.clone()));
    spins().await;
    let later: Vec<_> = (0..5).map(|_| tokio::spawn(look(clouds.clone()))).collect();
    spins().await;
    assert_eq!(cloud.begun(), 1, "the next one waits");
    cloud.may_answer.add_permits(2);
    assert_eq!(first.await.unwrap(), Some(0));
    for looked in later {
        assert_eq!(looked.await.unwrap(), Some(1), "begun after it was asked for");
    }
    assert_eq!(cloud.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_hangs_holds_up_the_next_for_a_second_only() {
    let cloud = Counting::new(0, false);
    let clouds = Clouds::new(vec![cloud.clone()]);
    let hanging = tokio::spawn(look(clouds.clone()));
    spins().await;
    let next = tokio::spawn(look(clouds.clone()));
    spins().await;
    tokio::time::advance(std::time::Duration::from_millis(1_001)).await;
    spins().await;
    assert_eq!(cloud.begun(), 2);
    hanging.abort();
    spins().await;
    cloud.may_answer.add_permits(1);
    assert_eq!(next.await.unwrap(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_keeps_nobody_from_the_listing() {
    let cloud = Counting::new(0, false);
    let clouds = Clouds::new(vec![cloud.clone()]);
    let begun = tokio::spawn(look(clouds.clone()));
    spins().await;
    let leaves = tokio::spawn(look(clouds.clone()));
    spins().await;
    begun.abort();
    leaves.abort();
    spins().await;
    cloud.may_answer.add_permits(1);
    assert!(look(clouds).await.is_some());
}

#[tokio::test]
async fn a_failure_is_everybodys_who_waited_for_it_and_of_nobody_after() {
    let cloud = Counting::new(0, true);
    let clouds = Clouds::new(vec![cloud.clone()]);
    let first = tokio::spawn(look(clouds.clone()));
    spins().await;
    let later = [tokio::spawn(look(clouds.clone())), tokio::spawn(look(clouds.clone()))];
    spins().await;
    cloud.may_answer.add_permits(3);
    assert_eq!(first.await.unwrap(), None);
    for looked in later {
        assert_eq!(looked.await.unwrap(), None);
    }
    assert_eq!(cloud.begun(), 2);
    assert_eq!(look(clouds).await, None);
    assert_eq!(cloud.begun(), 3);
}

#[tokio::test]
async fn scopes_do_not_wait_for_each_other() {
    let cloud = Counting::new(0, false);
    let clouds = Clouds::new(vec![cloud.clone()]);
    let hanging = tokio::spawn(look(clouds.clone()));
    spins().await;
    let other = tokio::spawn(async move { clouds.survey([scope("example.net")], 8).await.is_ok() });
    spins().await;
    assert_eq!(cloud.begun(), 2);
    cloud.may_answer.add_permits(2);
    assert!(other.await.unwrap());
    hanging.await.unwrap();
}
