//! How much memory an entry of a list takes, near enough to bound a whole list: a
//! page is bounded by itself, but a hostile plugin can give ten thousand of them.

use psa_host_billing::{Account, Contract, Line, LineKey, Service};

/// Has a size in memory.
pub trait Weight {
    /// In bytes, about.
    fn weight(&self) -> usize;
}

fn text(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

impl Weight for Account {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.id.as_str().len()
            + self.name.len()
            + text(self.domain.as_ref())
            + text(self.link.as_ref())
    }
}

impl Weight for Service {
    fn weight(&self) -> usize {
        let parts = self.parts.iter();
        let parts: usize = parts
            .map(|part| size_of_val(part) + part.as_str().len())
            .sum();
        size_of::<Self>()
            + self.id.as_str().len()
            + self.name.len()
            + text(self.sku.as_ref())
            + text(self.link.as_ref())
            + parts
    }
}

impl Weight for Contract {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.id.as_str().len()
            + self.name.len()
            + text(self.note.as_ref())
            + text(self.link.as_ref())
            + self.lines.iter().map(Weight::weight).sum::<usize>()
    }
}

impl Weight for LineKey {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.line.as_str().len()
            + self.contract.as_str().len()
            + self.service.as_str().len()
    }
}

impl Weight for Line {
    fn weight(&self) -> usize {
        let timeline = match &self.timeline {
            Ok(timeline) => size_of_val(timeline.segments()),
            Err(why) => why.len(),
        };
        size_of::<Self>() - size_of::<LineKey>()
            + self.key.weight()
            + text(self.description.as_ref())
            + text(self.link.as_ref())
            + timeline
    }
}

#[cfg(test)]
mod tests {
    use psa_host_billing::{AccountId, Truth};

    use super::*;

    #[test]
    fn long_texts_weigh_what_they_are_long() {
        let account = |name: &str| Account {
            id: AccountId::new("1").unwrap(),
            name: name.to_owned(),
            active: Truth::Yes,
            domain: None,
            link: None,
        };
        let difference = account(&"x".repeat(1_000)).weight() - account("").weight();
        assert_eq!(difference, 1_000);
    }
}
