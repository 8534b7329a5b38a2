use crate::words::words;

words! {
    /// How the learning rate changes over a training.
    Schedule {
        /// It stays.
        Constant = "constant",
        /// It falls to 0 along half a cosine (Loshchilov and Hutter 2017, without restarts).
        Cosine = "cosine",
    }
}

impl Schedule {
    /// The learning rate of step `step` (from 1) of `steps`, where it begins with `rate`.
    ///
    /// ```
    /// use glassbox::nn::Schedule;
    /// assert_eq!(Schedule::Constant.rate(0.1, 7, 10), 0.1);
    /// assert_eq!(Schedule::Cosine.rate(0.1, 1, 10), 0.1);
    /// assert!((Schedule::Cosine.rate(0.1, 6, 10) - 0.05).abs() < 1e-12);
    /// ```
    pub fn rate(self, rate: f64, step: u64, steps: u64) -> f64 {
        match self {
            Schedule::Constant => rate,
            Schedule::Cosine => {
                let done = step.saturating_sub(1) as f64 / steps.max(1) as f64;
                rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}
