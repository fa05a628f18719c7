//! Looking for many texts in many bytes at once.

use std::collections::HashMap;

/// Shortest text that is looked for: shorter ones appear by chance.
pub const SHORTEST: usize = 8;

const FILTER_BITS: usize = 1 << 22;

/// A set of texts, ready to be looked for. A text's first eight bytes find its candidates; a
/// bit filter before that keeps almost every position of the haystack away from the table.
pub struct Search<'a> {
    texts: &'a [Vec<u8>],
    by_start: HashMap<u64, Vec<u32>>,
    filter: Vec<u64>,
}

impl<'a> Search<'a> {
    /// Prepares texts of at least [`SHORTEST`] bytes; shorter ones are never found.
    pub fn new(texts: &'a [Vec<u8>]) -> Self {
        let mut by_start: HashMap<u64, Vec<u32>> = HashMap::new();
        let mut filter = vec![0; FILTER_BITS / 64];
        for (index, text) in texts.iter().enumerate() {
            if let Some(start) = text.first_chunk() {
                let start = u64::from_le_bytes(*start);
                by_start.entry(start).or_default().push(index as u32);
                let bit = filter_bit(start);
                filter[bit / 64] |= 1 << (bit % 64);
            }
        }
        Self {
            texts,
            by_start,
            filter,
        }
    }

    /// Marks every text that occurs in `haystack`.
    pub fn mark(&self, haystack: &[u8], found: &mut [bool]) {
        for (at, window) in haystack.windows(SHORTEST).enumerate() {
            let Some(start) = window.first_chunk() else {
                continue;
            };
            let start = u64::from_le_bytes(*start);
            let bit = filter_bit(start);
            if self.filter[bit / 64] & (1 << (bit % 64)) == 0 {
                continue;
            }
            for index in self.by_start.get(&start).map_or(&[][..], Vec::as_slice) {
                let index = *index as usize;
                if !found[index] && haystack[at..].starts_with(&self.texts[index]) {
                    found[index] = true;
                }
            }
        }
    }
}

fn filter_bit(start: u64) -> usize {
    (start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there_at_either_end_and_nothing_else() {
        let texts: Vec<Vec<u8>> = [
            "the lake at dawn",
            "the lake at dusk",
            "the lake",
            "short",
            "at the end",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        let mut found = vec![false; texts.len()];
        Search::new(&texts).mark(
            b"the lake at dawn, short, then we meet at the end",
            &mut found,
        );
        assert_eq!(found, [true, false, true, false, true]);
    }
}
