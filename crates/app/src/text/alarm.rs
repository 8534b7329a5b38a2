//! Alarms of a training in words.

use glassbox::watch::{Alarm, Collapse, short};

use super::Text;

impl Text {
    /// What is the matter, and what to try.
    pub fn alarm(self, alarm: &Alarm) -> String {
        match *alarm {
            Alarm::VanishingGradient { ratio } => self.alarm_vanishing(short(ratio)),
            Alarm::ExplodingGradient { norm } => self.alarm_exploding(short(norm)),
            Alarm::DeadUnits { dead, units, rows } => self.alarm_dead(dead, units, rows),
            Alarm::SaturatedUnits { share } => {
                self.alarm_saturated(format!("{:.0}", 100.0 * share))
            }
            Alarm::RateTooHigh { loss, against, rate } => {
                let [loss, against, better] = [loss, against, rate / 10.0].map(short);
                self.alarm_rate_too_high(loss, against, short(rate), better)
            }
            Alarm::RateTooLow { update_ratio, rate } => {
                self.alarm_rate_too_low(short(update_ratio), short(rate), short(10.0 * rate))
            }
            Alarm::NotLearning { loss, guess } => {
                self.alarm_not_learning(short(loss), short(guess))
            }
            Alarm::ModeCollapse { covered, modes, cause } => {
                let why = match cause {
                    Collapse::VanishingGradient { told } => {
                        self.collapse_vanishing(format!("{:.0}", 100.0 * told))
                    }
                    Collapse::BiasedData { frequency } => self.collapse_biased(short(frequency)),
                    Collapse::Settings { rate } => self.collapse_settings(short(rate)),
                };
                self.alarm_mode_collapse(covered, modes, why)
            }
            Alarm::LossSpike { loss, usual } => self.alarm_spike(short(loss), short(usual)),
            Alarm::PosteriorCollapse { dead, code, kl } => {
                self.alarm_collapse(dead, code, short(kl))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lang;
    use super::*;

    #[test]
    fn in_english_the_program_says_what_the_library_says() {
        let alarms = [
            Alarm::VanishingGradient { ratio: 1e-7 },
            Alarm::ExplodingGradient { norm: 4321.0 },
            Alarm::DeadUnits { dead: 3, units: 4, rows: 128 },
            Alarm::SaturatedUnits { share: 0.934 },
            Alarm::RateTooHigh { loss: 7.409, against: 1.896, rate: 0.1 },
            Alarm::RateTooLow { update_ratio: 2.3e-6, rate: 1e-7 },
            Alarm::NotLearning { loss: 0.6934, guess: 0.68 },
            Alarm::LossSpike { loss: 31.4, usual: 0.21 },
            Alarm::ModeCollapse {
                covered: 1,
                modes: 8,
                cause: Collapse::VanishingGradient { told: 0.98 },
            },
            Alarm::ModeCollapse {
                covered: 6,
                modes: 8,
                cause: Collapse::BiasedData { frequency: 0.1 },
            },
            Alarm::ModeCollapse { covered: 3, modes: 8, cause: Collapse::Settings { rate: 0.005 } },
            Alarm::PosteriorCollapse { dead: 15, code: 20, kl: 0.034 },
        ];
        for alarm in alarms {
            assert_eq!(Text::new(Lang::English).alarm(&alarm), alarm.to_string());
            let korean = Text::new(Lang::Korean).alarm(&alarm);
            assert!(korean.contains("보세요"), "{korean}");
        }
    }
}
