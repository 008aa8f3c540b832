//! Workspace and module ids, kept once and named by number in the tables that hold
//! tens of thousands of rows a day.

use std::collections::HashMap;
use std::str::FromStr;

use crate::db::{Optional, Tx};
use crate::error::{Fault, Inside};

/// Text to number, within one transaction.
pub(crate) struct Numbers<'a> {
    change: &'a Tx<'a>,
    known: HashMap<Box<str>, i64>,
}

impl<'a> Numbers<'a> {
    pub(crate) fn new(change: &'a Tx<'a>) -> Self {
        Self {
            change,
            known: HashMap::new(),
        }
    }

    /// The number of a text, given out now if it is new.
    pub(crate) fn of(&mut self, text: &str) -> Inside<i64> {
        if let Some(number) = self.known.get(text) {
            return Ok(*number);
        }
        let found = self
            .change
            .prepare("SELECT id FROM names WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        let number = match found {
            Some(number) => number,
            None => self
                .change
                .prepare("INSERT INTO names (text) VALUES (?1)")?
                .insert([text])?,
        };
        self.known.insert(text.into(), number);
        Ok(number)
    }
}

/// Number to id, within one transaction; equal ids share their text.
pub(crate) struct Texts<'a, T> {
    view: &'a Tx<'a>,
    known: HashMap<i64, T>,
}

impl<'a, T> Texts<'a, T>
where
    T: FromStr + Clone,
    T::Err: std::fmt::Display,
{
    pub(crate) fn new(view: &'a Tx<'a>) -> Self {
        Self {
            view,
            known: HashMap::new(),
        }
    }

    pub(crate) fn of(&mut self, number: i64) -> Inside<T> {
        if let Some(id) = self.known.get(&number) {
            return Ok(id.clone());
        }
        let text: String = self
            .view
            .prepare("SELECT text FROM names WHERE id = ?1")?
            .query_row([number], |row| row.get(0))?;
        let id: T = text
            .parse()
            .map_err(|error| Fault::Row(format!("{text:?} is no id: {error}")))?;
        self.known.insert(number, id.clone());
        Ok(id)
    }
}
