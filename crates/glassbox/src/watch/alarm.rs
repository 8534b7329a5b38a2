//! What goes wrong in a training, in numbers and in words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that goes wrong in a training, with its numbers. Prints in words, with what to try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Alarm {
    /// A layer's gradient is tiny beside the output layer's.
    VanishingGradient {
        /// Its norm over that of the output layer's.
        ratio: f64,
    },
    /// The gradient is very large, or grows without end.
    ExplodingGradient {
        /// The norm over all parameters.
        norm: f64,
    },
    /// Units of a ReLU layer are 0 for every row.
    DeadUnits {
        /// How many.
        dead: u64,
        /// Of how many.
        units: u64,
        /// Over how many rows.
        rows: u64,
    },
    /// The outputs of a tanh or sigmoid layer lie where it is flat.
    SaturatedUnits {
        /// Which share of them.
        share: f64,
    },
    /// The loss rises, or stays above that of the simplest guess.
    RateTooHigh {
        /// The mean loss of a row.
        loss: f64,
        /// The best until then, or that of the simplest guess.
        against: f64,
        /// The learning rate.
        rate: f64,
    },
    /// The loss does not fall because steps are tiny.
    RateTooLow {
        /// The largest step seen, as a share of the parameters' norm.
        update_ratio: f64,
        /// The learning rate.
        rate: f64,
    },
    /// The loss does not fall below that of the simplest guess, for no reason that is seen.
    NotLearning {
        /// The mean loss of a row.
        loss: f64,
        /// That of the simplest guess: the largest class, the mean.
        guess: f64,
    },
    /// What a generator makes is of few of the data's modes.
    ModeCollapse {
        /// Of how many.
        covered: usize,
        /// How many there are.
        modes: usize,
        /// Why, as far as can be told.
        cause: Collapse,
    },
    /// The loss of one batch is far above the usual.
    LossSpike {
        /// The loss.
        loss: f64,
        /// The usual.
        usual: f64,
    },
    /// Numbers of a variational code carry nothing.
    PosteriorCollapse {
        /// How many.
        dead: u64,
        /// Of how many.
        code: u64,
        /// What all of them carry together, in nats.
        kl: f64,
    },
}

/// Why a generator makes only some of the data's modes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collapse {
    /// The discriminator tells nearly all rows apart: what it says of those that are made hardly depends on
    /// where they lie, and little gradient reaches the generator.
    VanishingGradient {
        /// Which share it tells apart.
        told: f64,
    },
    /// The modes that are missing are rare in the data.
    BiasedData {
        /// Their rows, against as many for each mode.
        frequency: f64,
    },
    /// Neither: rates and other settings decide whether the two keep pace.
    Settings {
        /// The learning rate.
        rate: f64,
    },
}

impl Alarm {
    /// The word for its kind, as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Alarm::VanishingGradient { .. } => "vanishing_gradient",
            Alarm::ExplodingGradient { .. } => "exploding_gradient",
            Alarm::DeadUnits { .. } => "dead_units",
            Alarm::SaturatedUnits { .. } => "saturated_units",
            Alarm::RateTooHigh { .. } => "rate_too_high",
            Alarm::RateTooLow { .. } => "rate_too_low",
            Alarm::NotLearning { .. } => "not_learning",
            Alarm::ModeCollapse { .. } => "mode_collapse",
            Alarm::LossSpike { .. } => "loss_spike",
            Alarm::PosteriorCollapse { .. } => "posterior_collapse",
        }
    }
}

/// A number with two digits, as alarms say it: `0.21`, `4300`, `1e-7`.
pub fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    match rounded.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e5).contains(&size) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Alarm::VanishingGradient { ratio } => write!(
                f,
                "gradient norm {} of the output layer's (vanishing). Try relu, a skip connection \
                 or fewer layers",
                short(ratio)
            ),
            Alarm::ExplodingGradient { norm } => write!(
                f,
                "gradient norm {} (exploding). Try smaller initial weights, gradient clipping or a \
                 lower learning rate",
                short(norm)
            ),
            Alarm::DeadUnits { dead, units, rows } => write!(
                f,
                "{dead} of {units} units gave 0 for each of {rows} rows (dead). Try a lower \
                 learning rate, or an activation without a flat side, such as softplus"
            ),
            Alarm::SaturatedUnits { share } => write!(
                f,
                "{:.0} % of its outputs lie where the activation is flat (saturated). Try smaller \
                 initial weights, inputs of unit scale, or relu",
                100.0 * share
            ),
            Alarm::RateTooHigh { loss, against, rate } => write!(
                f,
                "the loss is {}, where {} was to be had (learning rate too high). Try {} instead \
                 of {}",
                short(loss),
                short(against),
                short(rate / 10.0),
                short(rate)
            ),
            Alarm::RateTooLow { update_ratio, rate } => write!(
                f,
                "the loss does not fall, and a step moves the weights by only {} of their size \
                 (learning rate too low). Try {} instead of {}",
                short(update_ratio),
                short(rate * 10.0),
                short(rate)
            ),
            Alarm::NotLearning { loss, guess } => write!(
                f,
                "the loss is {}, no better than the simplest guess's {}. Look whether the inputs \
                 tell anything about the target; try another learning rate or a larger model",
                short(loss),
                short(guess)
            ),
            Alarm::ModeCollapse { covered, modes, cause } => {
                write!(
                    f,
                    "what is made is of {covered} of the data's {modes} modes (mode collapse), "
                )?;
                match cause {
                    Collapse::VanishingGradient { told } => write!(
                        f,
                        "and the discriminator tells {:.0} % apart: little gradient reaches the generator \
                         (vanishing). Try a lower rate for discriminator/*, spectral = true, label \
                         smoothing, or wgan-gp",
                        100.0 * told
                    ),
                    Collapse::BiasedData { frequency } => write!(
                        f,
                        "and the missing ones have {} of the rows that an even share would be (biased \
                         data). Try to collect more of them, or a conditional model",
                        short(frequency)
                    ),
                    Collapse::Settings { rate } => write!(
                        f,
                        "which adversaries do where settings do not suit them (learning rate {}). Try a \
                         lower rate, beta1 = 0.5, more units, or wgan-gp",
                        short(rate)
                    ),
                }
            }
            Alarm::LossSpike { loss, usual } => write!(
                f,
                "the loss of a batch jumped to {}, where {} was usual (spike). Look for extreme \
                 values in the data; try gradient clipping or a lower learning rate",
                short(loss),
                short(usual)
            ),
            Alarm::PosteriorCollapse { dead, code, kl } => write!(
                f,
                "{dead} of {code} numbers of the code are the same whatever the row; all together \
                 carry {} nats (posterior collapse). Try model.kl_warmup, model.free_bits, a smaller \
                 model.beta or a smaller code",
                short(kl)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_with_two_digits() {
        for (value, said) in [
            (1.04e-7, "1e-7"),
            (0.0123, "0.012"),
            (2.302, "2.3"),
            (4321.0, "4300"),
            (1.17e30, "1.2e30"),
        ] {
            assert_eq!(short(value), said);
        }
        assert_eq!((short(0.0), short(f64::INFINITY)), ("0".to_owned(), "inf".to_owned()));
    }
}
