//! Walking a list in order of id, page by page, without trusting the PSA's next-page
//! links: the next page is "id greater than the last one seen".

use crate::{Error, invalid};

/// Where a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdWalk {
    /// Rows with a greater id are still to come.
    pub after: i64,
    page_size: usize,
}

/// What the PSA said about further pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// There are more.
    Yes,
    /// This was the last one.
    No,
    /// It said nothing: then a full page means that there may be more.
    Unsaid,
}

impl IdWalk {
    /// Goes on after the row with the id `after`, by pages of `page_size` rows.
    #[must_use]
    pub fn new(after: i64, page_size: usize) -> Self {
        Self { after, page_size }
    }

    /// Takes note of a page's ids, as they came, and says whether to ask for another.
    ///
    /// # Errors
    /// Where going on would lose rows or never end: more is to come but the page is
    /// empty or not in order of id, or nothing in it is new. Single rows that come again
    /// are left to the caller, who knows rows by their id.
    pub fn seen(&mut self, ids: &[i64], more: More) -> Result<bool, Error> {
        let go_on = match more {
            More::Yes => true,
            More::No => false,
            More::Unsaid => ids.len() >= self.page_size,
        };
        if !ids.is_empty() && ids.iter().all(|id| *id <= self.after) {
            return Err(invalid(format!(
                "rows after id {} were asked for, and only rows up to it came again: the answer does not follow the filter",
                self.after
            )));
        }
        if go_on {
            if !ids.is_sorted() {
                return Err(invalid(
                    "the rows are not in order of id, so that reading on would lose some",
                ));
            }
            match ids.last() {
                Some(last) => self.after = *last,
                None => return Err(invalid("an empty page says that there are more rows")),
            }
        }
        Ok(go_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_on_after_the_last_id() {
        let mut walk = IdWalk::new(0, 2);
        assert!(walk.seen(&[3, 7], More::Yes).unwrap());
        assert_eq!(walk.after, 7);
        assert!(!walk.seen(&[9], More::No).unwrap());
    }

    #[test]
    fn a_full_page_goes_on_where_the_psa_says_nothing() {
        assert!(IdWalk::new(0, 2).seen(&[1, 2], More::Unsaid).unwrap());
        assert!(!IdWalk::new(0, 2).seen(&[1], More::Unsaid).unwrap());
    }

    #[test]
    fn a_full_last_page_ends_where_the_psa_says_so() {
        assert!(!IdWalk::new(0, 2).seen(&[1, 2], More::No).unwrap());
    }

    #[test]
    fn a_walk_never_loops_and_never_loses_rows() {
        assert!(IdWalk::new(6, 2).seen(&[5, 6], More::Yes).is_err());
        assert!(IdWalk::new(6, 2).seen(&[5, 6], More::No).is_err());
        assert!(IdWalk::new(0, 2).seen(&[], More::Yes).is_err());
        assert!(IdWalk::new(0, 2).seen(&[2, 1], More::Yes).is_err());
    }

    #[test]
    fn a_row_that_comes_again_does_not_stop_a_walk() {
        let mut walk = IdWalk::new(6, 2);
        assert!(walk.seen(&[6, 7], More::Yes).unwrap());
        assert_eq!(walk.after, 7);
    }

    #[test]
    fn the_order_of_a_last_page_does_not_matter() {
        assert!(!IdWalk::new(0, 2).seen(&[2, 1], More::No).unwrap());
    }
}
