//! Two lists in, scored pairs out. Exact facts (key, name, name without its suffix) are
//! looked up and always found; likeness is looked for only among the few names with the
//! most letters in common, so that 10,000 by 10,000 takes seconds. What is safe depends
//! on exact facts alone, so that no shortcut of the search can change it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::fold::Name;
use super::{Confidence, NEAR, SAFE};

/// One thing to match.
#[derive(Debug)]
pub(super) struct Party<'a, I> {
    pub id: &'a I,
    pub names: Vec<Name>,
    /// Domain or stock number.
    pub key: Option<String>,
    /// Can be proposed.
    pub free: bool,
}

/// Words of the reasons.
#[derive(Debug)]
pub(super) struct Words {
    /// Before an equal key.
    pub key: &'static str,
    /// What two unequal keys speak against; none: nothing.
    pub keys_differ: Option<&'static str>,
    /// Cores are equal.
    pub core: &'static str,
}

/// A scored pair, by position.
#[derive(Debug)]
pub(super) struct ScoredPair {
    pub left: usize,
    pub right: usize,
    pub score: u8,
    pub reason: String,
    pub verdict: Confidence,
    pub near_left: Vec<usize>,
    pub near_right: Vec<usize>,
}

/// Names that so many on one side have are no names.
const CROWD: usize = 20;

/// Alike names looked at for each name.
const MOST_ALIKE: usize = 12;

/// Letters compared; longer names are compared by their beginning.
const MOST_LETTERS: usize = 80;

/// In percent; less is chance.
const LEAST_ALIKE: usize = 60;

/// Rivals named for a pair.
const MOST_RIVALS: usize = 5;

// Exact facts score at least 94 and everything else at most 84, so that the two are
// never near one another.
const KEY_AND_NAME: u8 = 100;
const KEY_AND_CORE: u8 = 99;
const KEY_AND_ALIKE: u8 = 97;
const SAME_NAME: u8 = 96;
const KEY: u8 = 95;
const SAME_CORE: u8 = 94;
/// Equal names with keys that contradict: below [`SAFE`].
const BUT_KEYS_DIFFER: u8 = 12;
const WORDS_WITHIN: u8 = 78;
const ALIKE: usize = 85;

/// How two names relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Unlike,
    /// In percent.
    Alike(usize),
    /// Each word of the shorter stands in the longer.
    Within,
    Core,
    Full,
}

impl Relation {
    /// What it is worth where the keys say nothing.
    fn score(self) -> u8 {
        match self {
            Self::Unlike => 0,
            Self::Alike(percent) => u8::try_from(percent * ALIKE / 100).unwrap_or(0),
            Self::Within => WORDS_WITHIN,
            Self::Core => SAME_CORE,
            Self::Full => SAME_NAME,
        }
    }
}

struct Candidate {
    right: usize,
    score: u8,
    reason: String,
}

pub(super) fn pair<C, P>(
    left: &[Party<'_, C>],
    right: &[Party<'_, P>],
    words: &Words,
) -> Vec<ScoredPair> {
    let index = Index::new(right);
    let mut candidates: Vec<Vec<Candidate>> = left
        .iter()
        .map(|one| index.candidates(one, right, words))
        .collect();
    let safe = safe_pairs(&candidates);
    let spoken_for: HashSet<usize> = safe.values().copied().collect();
    for (at, of) in candidates.iter_mut().enumerate() {
        let own = safe.get(&at);
        of.retain(|candidate| {
            own == Some(&candidate.right) || !spoken_for.contains(&candidate.right)
        });
    }
    let claims = claims(&candidates);
    let mut found = Vec::new();
    for (at, of) in candidates.into_iter().enumerate() {
        let best = best(&of);
        let fits: Vec<usize> = of
            .iter()
            .filter(|candidate| near(candidate.score, best))
            .map(|candidate| candidate.right)
            .collect();
        for candidate in of {
            let Candidate {
                right,
                score,
                reason,
            } = candidate;
            let is_best = near(score, best);
            let is_safe = safe.get(&at) == Some(&right);
            let rivals = claims.get(&right).into_iter().flatten();
            let near_left: Vec<usize> = rivals
                .take_while(|(theirs, _)| near(*theirs, score))
                .filter(|(_, other)| *other != at)
                .map(|(_, other)| *other)
                .take(if is_best && !is_safe { MOST_RIVALS } else { 0 })
                .collect();
            let others = fits.iter().filter(|other| **other != right);
            let near_right: Vec<usize> = others
                .copied()
                .take(if is_best { MOST_RIVALS } else { 0 })
                .collect();
            let verdict = match () {
                () if is_safe => Confidence::Safe,
                () if !is_best => Confidence::Weak,
                () if near_left.is_empty() && near_right.is_empty() => Confidence::Likely,
                () => Confidence::Ambiguous,
            };
            found.push(ScoredPair {
                left: at,
                right,
                score,
                reason,
                verdict,
                near_left,
                near_right,
            });
        }
    }
    found
}

/// Whether a score is about as good as another, or better.
fn near(score: u8, other: u8) -> bool {
    score.saturating_add(NEAR) > other
}

fn best(of: &[Candidate]) -> u8 {
    of.first().map_or(0, |candidate| candidate.score)
}

/// Who has each right among its best, with the score, highest first.
fn claims(candidates: &[Vec<Candidate>]) -> HashMap<usize, Vec<(u8, usize)>> {
    let mut claims: HashMap<usize, Vec<(u8, usize)>> = HashMap::new();
    for (left, of) in candidates.iter().enumerate() {
        let best = best(of);
        for candidate in of.iter().filter(|candidate| near(candidate.score, best)) {
            let of_right = claims.entry(candidate.right).or_default();
            of_right.push((candidate.score, left));
        }
    }
    for of_right in claims.values_mut() {
        of_right.sort_by_key(|(score, left)| (Reverse(*score), *left));
    }
    claims
}

/// Left to right, where an exact fact shows it and nobody else claims either.
fn safe_pairs(candidates: &[Vec<Candidate>]) -> BTreeMap<usize, usize> {
    let claims = claims(candidates);
    let mut safe = BTreeMap::new();
    for (left, of) in candidates.iter().enumerate() {
        let mut fits = of
            .iter()
            .filter(|candidate| near(candidate.score, best(of)));
        let (Some(only), None) = (fits.next(), fits.next()) else {
            continue;
        };
        let claimed = claims.get(&only.right).into_iter().flatten();
        let rivals = claimed.filter(|(score, other)| *other != left && near(*score, only.score));
        if only.score >= SAFE && rivals.count() == 0 {
            safe.insert(left, only.right);
        }
    }
    safe
}

/// One side, prepared for look-ups.
struct Index<'a> {
    /// How many have a key, free or not.
    keys: HashMap<&'a str, usize>,
    by_key: HashMap<&'a str, Vec<usize>>,
    by_full: HashMap<&'a str, Vec<usize>>,
    by_core: HashMap<&'a str, Vec<usize>>,
    by_letters: HashMap<[char; 3], Vec<usize>>,
    /// Three letters that more have say nothing.
    most_common: usize,
}

impl<'a> Index<'a> {
    fn new<P>(right: &'a [Party<'_, P>]) -> Self {
        let mut index = Self {
            keys: HashMap::new(),
            by_key: HashMap::new(),
            by_full: HashMap::new(),
            by_core: HashMap::new(),
            by_letters: HashMap::new(),
            most_common: (right.len() / 10).max(100),
        };
        for (at, party) in right.iter().enumerate() {
            if let Some(key) = &party.key {
                *index.keys.entry(key).or_default() += 1;
            }
            if !party.free {
                continue;
            }
            if let Some(key) = &party.key {
                index.by_key.entry(key).or_default().push(at);
            }
            for name in &party.names {
                index.by_full.entry(&name.full).or_default().push(at);
                index.by_core.entry(&name.core).or_default().push(at);
                for letters in letters(&name.core) {
                    index.by_letters.entry(letters).or_default().push(at);
                }
            }
        }
        index
    }

    fn candidates<C, P>(
        &self,
        one: &Party<'_, C>,
        right: &[Party<'_, P>],
        words: &Words,
    ) -> Vec<Candidate> {
        let mut seen: HashSet<usize> = HashSet::new();
        if let Some(key) = &one.key
            && self.keys.get(key.as_str()) == Some(&1)
        {
            seen.extend(self.by_key.get(key.as_str()).into_iter().flatten());
        }
        for name in &one.names {
            let equal = [
                self.by_full.get(name.full.as_str()),
                self.by_core.get(name.core.as_str()),
            ];
            let equal = equal.into_iter().flatten();
            seen.extend(equal.filter(|all| all.len() <= CROWD).flatten());
            seen.extend(self.alike(name));
        }
        let scored = seen.into_iter().filter_map(|at| {
            let (score, reason) = self.score(one, &right[at], words)?;
            Some(Candidate {
                right: at,
                score,
                reason,
            })
        });
        let mut all: Vec<Candidate> = scored.collect();
        all.sort_by_key(|candidate| (Reverse(candidate.score), candidate.right));
        all
    }

    /// Those whose names have the most groups of three letters in common with this one.
    fn alike(&self, name: &Name) -> Vec<usize> {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for letters in letters(&name.core) {
            let having = self.by_letters.get(&letters).map_or(&[][..], Vec::as_slice);
            if having.len() <= self.most_common {
                for &at in having {
                    *shared.entry(at).or_default() += 1;
                }
            }
        }
        let mut most: Vec<(Reverse<usize>, usize)> = shared
            .into_iter()
            .map(|(at, times)| (Reverse(times), at))
            .collect();
        if most.len() > MOST_ALIKE {
            most.select_nth_unstable(MOST_ALIKE);
            most.truncate(MOST_ALIKE);
        }
        most.into_iter().map(|(_, at)| at).collect()
    }

    fn score<C, P>(
        &self,
        one: &Party<'_, C>,
        other: &Party<'_, P>,
        words: &Words,
    ) -> Option<(u8, String)> {
        let pairs = one
            .names
            .iter()
            .flat_map(|name| other.names.iter().map(move |theirs| (name, theirs)));
        let relation = pairs
            .map(|(name, theirs)| self.relation(name, theirs))
            .max_by_key(|relation| relation.score())
            .unwrap_or(Relation::Unlike);
        let in_words = match relation {
            Relation::Unlike => String::new(),
            Relation::Alike(percent) => format!("name {percent} % alike"),
            Relation::Within => "every word of the shorter name is in the longer".to_owned(),
            Relation::Core => words.core.to_owned(),
            Relation::Full => "name equal".to_owned(),
        };
        let keys = one.key.as_ref().zip(other.key.as_ref());
        if let Some((key, theirs)) = keys
            && key == theirs
            && self.keys.get(key.as_str()) == Some(&1)
        {
            let score = match relation {
                Relation::Full => KEY_AND_NAME,
                Relation::Core => KEY_AND_CORE,
                Relation::Within | Relation::Alike(_) => KEY_AND_ALIKE,
                Relation::Unlike => KEY,
            };
            let also = match relation {
                Relation::Unlike => String::new(),
                _ => format!(", {in_words}"),
            };
            return Some((score, format!("{} {key}{also}", words.key)));
        }
        if relation == Relation::Unlike {
            return None;
        }
        let score = relation.score();
        match (keys, words.keys_differ) {
            (Some((key, theirs)), Some(differ)) if key != theirs => {
                let reason = format!("{in_words}, but {differ} ({key} and {theirs})");
                Some((score.saturating_sub(BUT_KEYS_DIFFER), reason))
            }
            _ => Some((score, in_words)),
        }
    }

    fn relation(&self, name: &Name, theirs: &Name) -> Relation {
        let crowded = |by: &HashMap<&str, Vec<usize>>, name: &str| {
            by.get(name).is_some_and(|all| all.len() > CROWD)
        };
        if name.core == theirs.core && crowded(&self.by_core, &theirs.core) {
            return Relation::Unlike;
        }
        if name.full == theirs.full {
            return Relation::Full;
        }
        if name.core == theirs.core {
            return Relation::Core;
        }
        let (few, many) = match name.words().count() <= theirs.words().count() {
            true => (name, theirs),
            false => (theirs, name),
        };
        let within: HashSet<&str> = many.words().collect();
        if few.words().count() > 1 && few.words().all(|word| within.contains(word)) {
            return Relation::Within;
        }
        let percent = alike(&name.core, &theirs.core).max(alike(&name.sorted, &theirs.sorted));
        match percent >= LEAST_ALIKE {
            // Not equal, so never all of it.
            true => Relation::Alike(percent.min(99)),
            false => Relation::Unlike,
        }
    }
}

/// In percent of the longer text: letters that need no change to make one the other.
fn alike(a: &str, b: &str) -> usize {
    let [a, b]: [String; 2] = [a, b].map(|text| text.chars().take(MOST_LETTERS).collect());
    let longer = a.chars().count().max(b.chars().count());
    let changes = strsim::osa_distance(&a, &b);
    match longer {
        0 => 0,
        longer => longer.saturating_sub(changes) * 100 / longer,
    }
}

/// Each group of three letters once, with a space at either end.
fn letters(core: &str) -> HashSet<[char; 3]> {
    let padded: Vec<char> = std::iter::once(' ')
        .chain(core.chars().take(MOST_LETTERS))
        .chain(std::iter::once(' '))
        .collect();
    padded
        .windows(3)
        .map(|three| [three[0], three[1], three[2]])
        .collect()
}
