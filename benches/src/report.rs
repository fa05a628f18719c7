//! What was measured, round by round, and whether it is what was promised.

use serde_json::{Value, json};

use crate::statistics::{Samples, median};

/// What is promised of a row: of its ratio to the floor where it has one, else of its result.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The middle of the rounds is not above this.
    AtMost(f64),
    /// The middle of the rounds is not below this.
    AtLeast(f64),
    /// No round is above this.
    NeverAbove(f64),
}

impl Goal {
    /// Whether these rounds keep it.
    fn kept(self, rounds: &[f64]) -> bool {
        match self {
            Self::AtMost(limit) => median(rounds) <= limit,
            Self::AtLeast(limit) => median(rounds) >= limit,
            Self::NeverAbove(limit) => rounds.iter().all(|value| *value <= limit),
        }
    }

    fn json(self) -> Value {
        match self {
            Self::AtMost(limit) => json!({ "at_most": limit }),
            Self::AtLeast(limit) => json!({ "at_least": limit }),
            Self::NeverAbove(limit) => json!({ "never_above": limit }),
        }
    }
}

/// One quantity, as one round found it; the report adds the rounds up.
pub struct Row {
    what: String,
    unit: &'static str,
    samples: Samples,
    floor: Option<(&'static str, f64)>,
    ratio: Option<f64>,
    goal: Option<Goal>,
    why_missed: Option<&'static str>,
}

impl Row {
    /// A quantity that was measured once in this round.
    pub fn value(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let mut samples = Samples::default();
        samples.push_value(value);
        Self::samples(what, &samples, unit)
    }

    /// One that was measured several times in this round.
    pub fn samples(what: impl Into<String>, samples: &Samples, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            unit,
            samples: samples.clone(),
            floor: None,
            ratio: None,
            goal: None,
            why_missed: None,
        }
    }

    /// Its ratio is its middle by this floor, which the same round took.
    pub fn over(mut self, name: &'static str, floor: f64) -> Self {
        self.floor = Some((name, floor));
        self.ratio = Some(self.samples.median() / floor);
        self
    }

    /// Its ratio is this floor by its middle: how many times less it takes.
    pub fn under(mut self, name: &'static str, floor: f64) -> Self {
        self.floor = Some((name, floor));
        self.ratio = Some(floor / self.samples.median());
        self
    }

    /// What is promised of it.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// What is known of where the goal is missed; said only then.
    pub fn why_missed(mut self, why: &'static str) -> Self {
        self.why_missed = Some(why);
        self
    }
}

/// A row with all its rounds.
pub struct Summary {
    /// The section that it belongs to.
    pub section: &'static str,
    /// What it is.
    pub what: String,
    /// Its unit; "" for a number of things.
    pub unit: &'static str,
    /// Its goal.
    pub goal: Option<Goal>,
    why_missed: Option<&'static str>,
    floor_name: Option<&'static str>,
    all: Samples,
    rounds: Vec<f64>,
    floors: Vec<f64>,
    ratios: Vec<f64>,
}

impl Summary {
    /// The middle of all samples.
    pub fn median(&self) -> f64 {
        self.all.median()
    }

    /// The 99th percentile, where there are enough samples for one.
    pub fn p99(&self) -> Option<f64> {
        (self.all.count() >= 20).then(|| self.all.quantile(0.99))
    }

    /// The middle of the floors.
    pub fn floor(&self) -> Option<f64> {
        self.floor_name.map(|_| median(&self.floors))
    }

    /// The middle of the ratios, each taken within its round.
    pub fn ratio(&self) -> Option<f64> {
        self.floor_name.map(|_| median(&self.ratios))
    }

    /// Whether the goal is kept.
    pub fn kept(&self) -> Option<bool> {
        self.goal.map(|goal| goal.kept(self.judged()))
    }

    /// Why it is missed, where that is so and is known.
    pub fn why_missed(&self) -> Option<&'static str> {
        self.why_missed.filter(|_| self.kept() == Some(false))
    }

    /// How far the rounds lie apart, as a share of their middle.
    pub fn spread(&self) -> Option<f64> {
        let rounds = self.judged();
        let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = median(rounds);
        (rounds.len() > 1 && middle != 0.0).then(|| (most - least) / middle.abs())
    }

    fn judged(&self) -> &[f64] {
        if self.ratios.is_empty() {
            &self.rounds
        } else {
            &self.ratios
        }
    }

    /// As the file of figures has it.
    pub fn json(&self) -> Value {
        let mut row = json!({
            "section": self.section, "what": self.what, "unit": self.unit,
            "samples": self.all.count(), "rounds": self.rounds, "median": self.median(),
            "p99": self.p99(), "slowest": self.all.quantile(1.0), "spread": self.spread(),
            "floor": self.floor(), "floor_name": self.floor_name, "ratio": self.ratio(),
            "ratios": self.ratios, "goal": self.goal.map(Goal::json), "kept": self.kept(),
            "why_missed": self.why_missed(),
        });
        if self.all.count() >= 5 {
            let percentiles = (0..=100).map(|at| self.all.quantile(f64::from(at) / 100.0));
            row["percentiles"] = percentiles.collect();
        }
        row
    }
}

/// What has no figures, and why.
#[derive(PartialEq)]
pub struct Missing {
    /// The section that it belongs to.
    pub section: &'static str,
    /// What it is.
    pub what: String,
    /// Why there are none.
    pub why: String,
    /// Whether something went wrong; otherwise it was left out.
    pub failed: bool,
}

impl Missing {
    /// As the file of figures has it, among the rows.
    pub fn json(&self) -> Value {
        let kind = if self.failed { "failed" } else { "left_out" };
        json!({ "section": self.section, "what": self.what, kind: self.why })
    }
}

/// Everything measured so far.
#[derive(Default)]
pub struct Report {
    section: &'static str,
    rows: Vec<Summary>,
    missing: Vec<Missing>,
}

impl Report {
    /// What comes next belongs to this section.
    pub fn section(&mut self, name: &'static str) {
        self.section = name;
    }

    /// What one round found of a quantity. Rows of the same name are one.
    pub fn add(&mut self, row: Row) {
        let found = self
            .rows
            .iter()
            .position(|known| known.section == self.section && known.what == row.what);
        let at = found.unwrap_or_else(|| {
            // The rows of a section stand together, also those that only a later round has.
            let after = self
                .rows
                .iter()
                .rposition(|known| known.section == self.section);
            let at = after.map_or(self.rows.len(), |after| after + 1);
            let summary = Summary {
                section: self.section,
                what: row.what,
                unit: row.unit,
                goal: row.goal,
                why_missed: row.why_missed,
                floor_name: row.floor.map(|(name, _)| name),
                all: Samples::default(),
                rounds: Vec::new(),
                floors: Vec::new(),
                ratios: Vec::new(),
            };
            self.rows.insert(at, summary);
            at
        });
        if let Some(known) = self.rows.get_mut(at) {
            known.rounds.push(row.samples.median());
            known.all.append(row.samples);
            known.floors.extend(row.floor.map(|(_, floor)| floor));
            known.ratios.extend(row.ratio);
        }
    }

    /// A figure without a goal.
    pub fn figure(&mut self, what: &str, value: f64, unit: &'static str) {
        self.add(Row::value(what, value, unit));
    }

    /// Something of this section went wrong: what it has measured stays, the rest is missing.
    pub fn failed(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.miss(what.into(), why.into(), true);
    }

    /// Something of this section is not measured on this machine, or in this run.
    pub fn left_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.miss(what.into(), why.into(), false);
    }

    fn miss(&mut self, what: String, why: String, failed: bool) {
        let missing = Missing {
            section: self.section,
            what,
            why,
            failed,
        };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// What has no figures.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// All rows.
    pub fn rows(&self) -> &[Summary] {
        &self.rows
    }
}
