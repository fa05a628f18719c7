//! Medians and tails.

use std::time::Duration;

/// Samples of one quantity; times are in microseconds.
#[derive(Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a time.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample.as_secs_f64() * 1e6);
    }

    /// Adds a number, or a time in microseconds.
    pub fn push_value(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// Adds those of another.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// The same in another unit.
    pub fn times(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|sample| sample * factor).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which a share of the samples lies.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.0, share)
    }

    /// The middle.
    pub fn median(&self) -> f64 {
        median(&self.0)
    }
}

/// The middle of some numbers, or between the two that are.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2);
    match (lower, upper) {
        (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

fn quantile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{median, quantile};

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(median(&[3.0, 1.0]), 2.0);
        assert_eq!(median(&[3.0, 1.0, 9.0]), 3.0);
        assert!(median(&[]).is_nan());
        assert_eq!(quantile(&[3.0, 1.0, 9.0], 1.0), 9.0);
    }
}
