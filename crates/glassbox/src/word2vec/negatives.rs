//! Drawing words by their counts to the power ¾, at the same cost for each.

/// Numbers by given weights, with two steps a draw: the alias method of Walker (1977), as Vose (1991)
/// builds it.
#[derive(Clone, Debug)]
pub(super) struct Alias {
    /// For each number the share of 2³² below which it stands, and who stands above.
    slots: Vec<(u32, u32)>,
}

impl Alias {
    /// By weights that are positive and finite.
    pub(super) fn new(weights: &[f64]) -> Self {
        let (count, sum) = (weights.len(), weights.iter().sum::<f64>());
        let mut shares: Vec<f64> = weights.iter().map(|w| w / sum * count as f64).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..count).partition(|&number| shares[number] < 1.0);
        let mut slots: Vec<(u32, u32)> = (0..count as u32).map(|n| (u32::MAX, n)).collect();
        while let (Some(less), Some(&more)) = (small.pop(), large.last()) {
            slots[less] = ((shares[less] * 4_294_967_296.0) as u32, more as u32);
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Alias { slots }
    }

    /// The number that two random words mean.
    #[inline]
    pub(super) fn draw(&self, slot: u32, share: u32) -> u32 {
        let slot = ((u64::from(slot) * self.slots.len() as u64) >> 32) as u32;
        let (limit, other) = self.slots[slot as usize];
        if share <= limit { slot } else { other }
    }
}

#[cfg(test)]
mod tests {
    use glassbox_engine::random::Stream;

    use super::*;

    #[test]
    fn numbers_come_as_often_as_their_weights_say() {
        let weights = [5.0, 1.0, 0.5, 3.0, 0.5];
        let alias = Alias::new(&weights);
        let stream = Stream::new(3, "alias", 0);
        let (mut counts, draws) = ([0u32; 5], 200_000);
        for draw in 0..draws {
            let [slot, share, ..] = stream.block(draw);
            counts[alias.draw(slot, share) as usize] += 1;
        }
        for (count, weight) in counts.iter().zip(weights) {
            let share = f64::from(*count) / draws as f64;
            assert!((share - weight / 10.0).abs() < 0.004, "{share} for {weight}");
        }
    }
}
