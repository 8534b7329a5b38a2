//! The verdict on a training, in words.

use glassbox::practice::{Cure, Kind, Reason, Verdict};

use super::format::{figure, grouped};
use super::line::wrap;
use crate::text::Text;

/// The verdict with its reason, and below it what to try.
pub fn verdict(verdict: &Verdict, text: Text, columns: usize) -> String {
    let kind = kind(verdict.kind, text);
    let mut out = lines(&format!("{kind}: {}", reason(verdict, text)), columns);
    if !verdict.cures.is_empty() {
        let cures: Vec<String> = verdict.cures.iter().map(|cure| self::cure(*cure, text)).collect();
        let mut cures = text.verdict_try(cures.join(", "));
        if verdict.kind == Kind::Underfitting {
            cures = format!("{cures} {}", text.verdict_not_more_data());
        }
        out += &lines(&cures, columns);
    }
    out
}

/// The verdict in a word.
pub fn kind(kind: Kind, text: Text) -> String {
    match kind {
        Kind::Healthy => text.verdict_healthy(),
        Kind::Overfitting => text.verdict_overfitting(),
        Kind::Underfitting => text.verdict_underfitting(),
        Kind::Unclear => text.verdict_unclear(),
    }
}

/// The text in lines; where columns are not limited, in one.
pub fn lines(text: &str, columns: usize) -> String {
    wrap(text, columns).iter().map(|line| format!("{line}\n")).collect()
}

fn reason(verdict: &Verdict, text: Text) -> String {
    let known = |x: Option<f64>| x.map_or("–".into(), figure);
    // Adding 0 turns −0 into 0.
    let percent =
        |x: Option<f64>| x.map_or("–".into(), |x| ((100.0 * x).round() + 0.0).to_string());
    let (train, guess) = (figure(verdict.train_loss), figure(verdict.baseline_loss));
    let (held_out, end) = (known(verdict.held_out_loss), known(verdict.end_loss));
    let (gap, margin) = (percent(verdict.gap()), percent(verdict.gap_margin()));
    let rows = grouped(verdict.held_out_rows as u64);
    match verdict.reason {
        Reason::Gap | Reason::SmallGap => {
            text.reason_gap(train, held_out, rows, gap, margin, guess)
        }
        Reason::Rise => text.reason_rise(held_out, end),
        Reason::NothingHolds => text.reason_nothing_holds(train, held_out, rows, guess),
        Reason::Diverged => text.reason_diverged(train, guess),
        Reason::NothingLearned => text.reason_nothing_learned(train, guess),
        Reason::Neighbours => {
            let beside = verdict.neighbours;
            let model = percent(beside.map(|n| n.model / n.baseline));
            let neighbours = percent(beside.map(|n| n.neighbours / n.baseline));
            text.reason_neighbours(model, neighbours)
        }
        Reason::StillFalling => text.reason_still_falling(train),
        Reason::StoppedInTime => text.reason_stopped_in_time(held_out, end),
        Reason::NothingHeldOut => text.reason_nothing_held_out(),
        Reason::TooFewRows => match verdict.rows_wanted() {
            Some(wanted) => text.reason_too_few_rows_of(rows, gap, margin, grouped(wanted as u64)),
            None => text.reason_too_few_rows(rows, gap, margin),
        },
    }
}

fn cure(cure: Cure, text: Text) -> String {
    match cure {
        Cure::MoreData => text.cure_more_data(),
        Cure::LessCapacity => text.cure_less_capacity(),
        Cure::Penalty => text.cure_penalty(),
        Cure::Dropout => text.cure_dropout(),
        Cure::EarlyStopping => text.cure_early_stopping(),
        Cure::MoreCapacity => text.cure_more_capacity(),
        Cure::LessPenalty => text.cure_less_penalty(),
        Cure::Longer => text.cure_longer(),
        Cure::HigherRate => text.cure_higher_rate(),
        Cure::LowerRate => text.cure_lower_rate(),
        Cure::Clip => text.cure_clip(),
        Cure::BetterInputs => text.cure_better_inputs(),
        Cure::MoreHeldOut => text.cure_more_held_out(),
    }
}

#[cfg(test)]
mod tests {
    use glassbox::practice::Evidence;

    use super::*;
    use crate::text::Lang;

    #[test]
    fn a_verdict_says_its_numbers_and_what_to_try() {
        let evidence = Evidence {
            baseline: 1.0,
            train: vec![0.1; 100],
            held_out: (0..100).map(|row| f64::from(row % 2)).collect(),
            ..Evidence::default()
        };
        let judged = Verdict::of(&evidence);
        let english = verdict(&judged, Text::new(Lang::English), 80);
        assert!(english.starts_with("overfitting: the loss is 0.100 on the training part"));
        assert!(english.contains("0.500") && english.contains("dropout"), "{english}");
        let korean = verdict(&judged, Text::new(Lang::Korean), 80);
        assert!(korean.starts_with("과대적합:") && korean.contains("드롭아웃"), "{korean}");
    }
}
