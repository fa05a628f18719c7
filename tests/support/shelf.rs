//! What may be in one conversation, given what was asked and what was answered.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Where a deletion cuts off, as far as that is known.
pub type CutOff = RangeInclusive<u64>;

/// The model of one conversation.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// What was saved and acknowledged, above the floor.
    there: BTreeSet<u64>,
    /// Saves that were asked and not answered: each is there wholly or not at all.
    maybe: Vec<RangeInclusive<u64>>,
    /// Up to where it is erased, as far as that is known.
    floor: RangeInclusive<u64>,
    /// Cut-offs of deletions that may have happened or not.
    doubts: Vec<RangeInclusive<u64>>,
    /// The highest position that the device has certainly accepted.
    known: u64,
    /// The highest position that was ever used.
    head: u64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            there: BTreeSet::new(),
            maybe: Vec::new(),
            floor: 0..=0,
            doubts: Vec::new(),
            known: 0,
            head: 0,
        }
    }
}

impl Shelf {
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Up to here everything is gone for ever.
    pub fn gone_through(&self) -> u64 {
        *self.floor.start()
    }

    pub fn there(&self) -> &BTreeSet<u64> {
        &self.there
    }

    /// Where a deletion that is asked now cuts off.
    pub fn cut_off(&self) -> RangeInclusive<u64> {
        self.known..=self.head
    }

    /// The device has heard of all that there is.
    pub fn all_is_known(&mut self) {
        self.known = self.head;
    }

    /// Everything up to `head` may be there.
    pub fn may_grow_to(&mut self, head: u64) {
        for position in self.head + 1..=head {
            self.maybe.push(position..=position);
        }
        self.head = self.head.max(head);
    }

    /// These are elsewhere, and may come.
    pub fn may_return(&mut self, positions: &[u64]) {
        self.maybe.extend(positions.iter().map(|at| *at..=*at));
    }

    pub fn save_asked(&mut self, positions: RangeInclusive<u64>) {
        self.known = self.known.max(*positions.end());
        self.head = self.head.max(*positions.end());
        self.maybe.push(positions);
    }

    /// A save was answered: its messages are there, or none of them is.
    pub fn save_answered(&mut self, positions: &RangeInclusive<u64>, saved: bool) {
        let at = self.maybe.iter().position(|asked| asked == positions);
        self.maybe.remove(at.expect("it was asked"));
        if saved {
            let gone = self.gone_through();
            self.there
                .extend(positions.clone().filter(|position| *position > gone));
        }
    }

    /// A deletion was asked whose cut-off lies in this range.
    pub fn delete_asked(&mut self, cut_off: RangeInclusive<u64>) {
        self.doubts.push(cut_off);
    }

    /// It has succeeded.
    pub fn delete_succeeded(&mut self, cut_off: &RangeInclusive<u64>) {
        self.no_longer_in_doubt(cut_off);
        let start = *cut_off.start().max(self.floor.start());
        let end = *cut_off.end().max(self.floor.end());
        self.floor = start..=end;
        self.there.retain(|position| *position > start);
    }

    /// It has failed, and all is as if it had not been asked.
    pub fn delete_failed(&mut self, cut_off: &RangeInclusive<u64>) {
        self.no_longer_in_doubt(cut_off);
    }

    fn no_longer_in_doubt(&mut self, cut_off: &RangeInclusive<u64>) {
        let at = self.doubts.iter().position(|doubt| doubt == cut_off);
        self.doubts.remove(at.expect("it was asked"));
    }

    /// What was saved above the floor may be lost: no flush has confirmed it.
    pub fn may_lose(&mut self, positions: &RangeInclusive<u64>) {
        let lost: Vec<u64> = self.there.range(positions.clone()).copied().collect();
        for position in lost {
            self.there.remove(&position);
            self.maybe.push(position..=position);
        }
    }

    /// What a read that begins now must give, as far as no deletion is in doubt.
    pub fn certain(&self) -> BTreeSet<u64> {
        let doubts = self.doubts.iter().map(|doubt| *doubt.end());
        let above = doubts.max().unwrap_or(0).max(*self.floor.end());
        self.there.range(above + 1..).copied().collect()
    }

    /// Compares what was found beside undo windows that hide everything up to `veil`: beneath it
    /// nothing is seen, and nothing is learnt.
    pub fn settle_above(&mut self, veil: u64, found: &BTreeSet<u64>) -> Result<(), String> {
        if let Some(shown) = found.first().filter(|first| **first <= veil) {
            return Err(format!(
                "{shown} is shown, but hidden up to {veil}: {self:?}"
            ));
        }
        let mut above = self.clone();
        above.there.retain(|at| *at > veil);
        above.maybe = clipped(&self.maybe, veil + 1..=u64::MAX);
        above.settle(found)?;
        self.there.retain(|at| *at <= veil);
        self.there.extend(found);
        self.maybe = clipped(&self.maybe, 0..=veil);
        // What hides may have been accepted by a life that lost what it hides.
        let known = self.there.last().copied().unwrap_or(0);
        self.known = known.max(self.gone_through());
        Ok(())
    }

    /// Compares with what was found when nothing is under way, which from then on is the truth.
    pub fn settle(&mut self, found: &BTreeSet<u64>) -> Result<(), String> {
        let floors = self.doubts.iter().chain([&self.floor]).cloned().flatten();
        let fitting: Vec<u64> = floors
            .filter(|floor| floor >= self.floor.start() && self.fits(*floor, found))
            .collect();
        let (Some(low), Some(high)) = (fitting.iter().min(), fitting.iter().max()) else {
            return Err(format!("found {found:?}, which nothing explains: {self:?}"));
        };
        self.known = found.last().copied().unwrap_or(0).max(*low);
        self.floor = *low..=*high;
        self.there.clone_from(found);
        self.maybe.clear();
        self.doubts.clear();
        Ok(())
    }

    /// Whether what was found is what remains above a floor.
    fn fits(&self, floor: u64, found: &BTreeSet<u64>) -> bool {
        let all_there = self.there.range(floor + 1..).all(|at| found.contains(at));
        let explained = |at: &u64| {
            *at > floor
                && (self.there.contains(at) || self.maybe.iter().any(|maybe| maybe.contains(at)))
        };
        let all_or_none = self.maybe.iter().all(|maybe| {
            let mut new = maybe
                .clone()
                .filter(|at| *at > floor && !self.there.contains(at))
                .map(|at| found.contains(&at));
            let first = new.next();
            first.is_none_or(|first| new.all(|found| found == first))
        });
        all_there && all_or_none && found.iter().all(explained)
    }
}

/// What of these ranges lies within another.
fn clipped(
    ranges: &[RangeInclusive<u64>],
    within: RangeInclusive<u64>,
) -> Vec<RangeInclusive<u64>> {
    let clip = |range: &RangeInclusive<u64>| {
        *range.start().max(within.start())..=*range.end().min(within.end())
    };
    ranges
        .iter()
        .map(clip)
        .filter(|range| !range.is_empty())
        .collect()
}
