//! The pages the server remembers.
//!
//! A page is asked for by the verb of its query, a POST with the same body again
//! [LIVE WYRE, INFO]; the server keeps the 50 most recent ones [DERIVED SKILL].

use std::collections::VecDeque;

use super::run::Begin;
use crate::schema::Entity;

/// Pages kept.
pub(crate) const KEPT: usize = 50;

/// A page that may be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its number in the paging token.
    pub number: u64,
    /// The entity asked.
    pub entity: Entity,
    /// Whether the query was a POST.
    pub post: bool,
    /// The query as text: a POST's body, a GET's `search`.
    pub query: String,
    /// Where it begins.
    pub begin: Begin,
    /// The page before it.
    pub previous: Option<u64>,
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    kept: VecDeque<Page>,
    last: u64,
}

impl Pages {
    /// Remembers a page and returns its number; the oldest is forgotten.
    pub(crate) fn keep(
        &mut self,
        entity: Entity,
        post: bool,
        query: &str,
        begin: Begin,
        previous: Option<u64>,
    ) -> u64 {
        self.last += 1;
        let number = self.last;
        self.kept.push_back(Page {
            number,
            entity,
            post,
            query: query.to_owned(),
            begin,
            previous,
        });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        number
    }

    /// A remembered page.
    pub(crate) fn get(&self, number: u64) -> Option<&Page> {
        self.kept.iter().find(|p| p.number == number)
    }
}
