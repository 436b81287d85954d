//! One handler at a time for a key, in the order the messages came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

type Lines = HashMap<String, VecDeque<oneshot::Sender<()>>>;

/// The lines before each key; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Lines>>);

/// A place in a key's line. Gives way to the next when dropped, waiting or not.
#[derive(Debug)]
pub(crate) struct Turn {
    key: String,
    turns: Turns,
    /// Absent once it is this one's turn.
    called: Option<oneshot::Receiver<()>>,
}

impl Turns {
    /// Takes a place at the end of the key's line, now: not first when it is waited for.
    pub(crate) fn join(&self, key: String) -> Turn {
        let mut lines = self.lines();
        let called = match lines.get_mut(&key) {
            None => {
                lines.insert(key.clone(), VecDeque::new());
                None
            }
            Some(waiting) => {
                let (call, called) = oneshot::channel();
                waiting.push_back(call);
                Some(called)
            }
        };
        drop(lines);
        Turn { key, turns: self.clone(), called }
    }

    /// Calls the first in the key's line who still waits.
    fn call_next(&self, key: &str) {
        let mut lines = self.lines();
        let Some(waiting) = lines.get_mut(key) else { return };
        while let Some(next) = waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        lines.remove(key);
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until everyone who came before is done.
    pub(crate) async fn come(&mut self) {
        if let Some(called) = &mut self.called {
            // Whoever calls holds the key until it does, so the call always comes.
            if called.await.is_err() {
                tracing::debug!(key = self.key, "line dissolved");
            }
            self.called = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let holds = match &mut self.called {
            None => true,
            // Called in the moment of leaving: the turn has to be passed on.
            Some(called) => {
                called.close();
                called.try_recv().is_ok()
            }
        };
        if holds {
            self.turns.call_next(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_the_order_of_joining() {
        let turns = Turns::default();
        let first = turns.join("a".to_owned());
        let mut second = turns.join("a".to_owned());
        let mut third = turns.join("a".to_owned());
        let mut other = turns.join("b".to_owned());
        other.come().await;
        assert!(futures::FutureExt::now_or_never(third.come()).is_none());
        drop(first);
        assert!(futures::FutureExt::now_or_never(third.come()).is_none());
        second.come().await;
        drop(second);
        third.come().await;
    }

    #[tokio::test]
    async fn who_leaves_the_line_is_passed_over_and_nothing_is_kept() {
        let turns = Turns::default();
        let first = turns.join("a".to_owned());
        let second = turns.join("a".to_owned());
        let mut third = turns.join("a".to_owned());
        drop(second);
        drop(first);
        third.come().await;
        drop(third);
        assert!(turns.lines().is_empty());
    }

    #[tokio::test]
    async fn a_turn_given_to_someone_leaving_goes_on() {
        let turns = Turns::default();
        let first = turns.join("a".to_owned());
        let second = turns.join("a".to_owned());
        let mut third = turns.join("a".to_owned());
        drop(first);
        drop(second);
        third.come().await;
    }
}
