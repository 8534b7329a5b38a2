//! What was inferred and chosen, said before the first step.

use glassbox::train::event::Choices;

use super::format::{figure, grouped};
use crate::text::Text;

/// Names that are written out of a long list.
const SHOWN: usize = 6;

/// One line each: the data, what is read, what is predicted, how it is trained.
pub fn choices(choices: &Choices, epochs: u64, text: Text) -> Vec<String> {
    let [train, valid, test] = choices.rows.map(|rows| grouped(rows as u64));
    let mut lines = vec![text.chosen_rows(train, valid, test)];
    let kind = |word: &str| match word {
        "number" => text.chosen_numbers(),
        "boolean" => text.chosen_booleans(),
        "date" => text.chosen_dates(),
        _ => text.chosen_categories(),
    };
    let columns =
        |(word, names): &(String, Vec<String>)| format!("{} ({})", kind(word), listed(names));
    let shape = choices.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    lines.push(match (choices.columns.is_empty(), choices.tokens) {
        (_, Some(tokens)) => text.chosen_tokens(shape, grouped(tokens as u64)),
        (true, _) => text.chosen_shape(shape),
        (false, _) => {
            let read = choices.columns.iter().map(columns).collect::<Vec<_>>().join(", ");
            text.chosen_inputs(read, shape)
        }
    });
    lines.extend(layers(&choices.layers).map(|layers| text.chosen_layers(layers)));
    let quoted =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    lines.push(match (choices.classes.is_empty(), choices.outputs.is_empty()) {
        (true, _) if choices.loss == "L" => text.chosen_themselves(),
        (true, _) if choices.tokens.is_some() => text.chosen_told(&choices.target),
        (true, true) => text.chosen_number(&choices.target),
        (true, false) => text.chosen_numbers_of(listed(&quoted(&choices.outputs))),
        (false, _) => {
            text.chosen_classes(&choices.target, choices.classes.len(), listed(&choices.classes))
        }
    });
    if let Some(column) = &choices.row_weights {
        lines.push(match column.is_empty() {
            true => text.chosen_row_weights(),
            false => text.chosen_row_weights_of(column),
        });
    }
    if !choices.class_weights.is_empty() {
        let of_class = choices.classes.iter().zip(&choices.class_weights);
        let weights: Vec<String> =
            of_class.map(|(name, weight)| format!("{name} {}", figure(*weight))).collect();
        lines.push(text.chosen_class_weights(listed(&weights)));
    }
    if let Some(weights) = &choices.weights {
        lines.push(text.chosen_weights(grouped(weights.taken as u64), &weights.from));
        if !weights.drawn.is_empty() {
            lines.push(text.chosen_drawn(listed(&weights.drawn)));
        }
        if !weights.unused.is_empty() {
            lines.push(text.chosen_unused(listed(&weights.unused)));
        }
    }
    if !choices.frozen.is_empty() {
        let numbers = grouped(choices.frozen_numbers);
        lines.push(text.chosen_frozen(numbers, listed(&choices.frozen)));
    }
    if !choices.augment.is_empty() {
        lines.push(text.chosen_augment(choices.augment.join(", ")));
    }
    let loss = text.loss(&choices.loss);
    let rate = figure(choices.rate);
    let rate = match choices.schedule.as_str() {
        "constant" => rate,
        schedule => format!("{rate} ({schedule})"),
    };
    let batch = grouped(choices.batch as u64);
    let mut line = text.chosen_training(loss, &choices.optimizer, rate, batch, epochs);
    // Where so many epochs do not come, nothing can stop it.
    if let Some((metric, patience)) = &choices.stop
        && *patience < epochs
    {
        line += &text.chosen_stop(metric, patience);
    }
    lines.push(line);
    lines
}

/// Each layer's name and how many numbers it gives; of a long list the first and the last ones.
fn layers(layers: &[(String, Vec<usize>)]) -> Option<String> {
    let told = |(name, shape): &(String, Vec<usize>)| {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        format!("{name} {}", shape.join(" × "))
    };
    let mut all: Vec<String> = layers.iter().map(told).collect();
    if all.len() > 2 * SHOWN {
        let hidden = all.len() - 2 * SHOWN;
        all.splice(SHOWN..SHOWN + hidden, [format!("… +{hidden} …")]);
    }
    (!all.is_empty()).then(|| all.join(" → "))
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, … +{more}"),
    }
}

#[cfg(test)]
mod tests {
    use glassbox::train::event::Weights;

    use super::*;
    use crate::text::Lang;

    fn chosen() -> Choices {
        Choices {
            rows: [278, 60, 60],
            target: "mpg, acceleration".into(),
            outputs: vec!["mpg".into(), "acceleration".into()],
            classes: Vec::new(),
            columns: vec![("number".into(), vec!["weight".into()])],
            shape: vec![1],
            tokens: None,
            layers: vec![("fc1/linear".into(), vec![8]), ("out/linear".into(), vec![2])],
            row_weights: Some("count".into()),
            class_weights: Vec::new(),
            weights: Some(Weights {
                from: "net.safetensors".into(),
                taken: 1200,
                drawn: vec!["fc2/bias".into(), "fc2/weight".into()],
                unused: vec!["aux.weight".into()],
            }),
            frozen: vec!["fc1/weight".into(), "fc1/bias".into()],
            frozen_numbers: 16,
            loss: "MSE".into(),
            optimizer: "adam".into(),
            rate: 0.001,
            schedule: "constant".into(),
            augment: Vec::new(),
            batch: 32,
            stop: None,
        }
    }

    #[test]
    fn what_was_chosen_is_said_in_both_languages() {
        let english = choices(&chosen(), 10, Text::new(Lang::English));
        assert_eq!(
            english[2..9],
            [
                "layers: fc1/linear 8 → out/linear 2",
                "targets: `mpg`, `acceleration`, numbers",
                "rows count by their `count`",
                "weights: 1,200 arrays of net.safetensors",
                "  drawn anew: fc2/bias, fc2/weight",
                "  not used: aux.weight",
                "frozen: 16 parameters, in fc1/weight, fc1/bias",
            ]
        );
        let of_classes = Choices {
            outputs: Vec::new(),
            classes: vec!["a".into(), "b".into()],
            class_weights: vec![1.0, 2.5],
            ..chosen()
        };
        let korean = choices(&of_classes, 10, Text::new(Lang::Korean));
        assert!(korean.contains(&"부류의 가중치: a 1.00, b 2.50".to_string()), "{korean:?}");
        assert!(korean[10].starts_with("훈련: 제곱 오차"), "{korean:?}");
        // Every loss has words of its own.
        let text = Text::new(Lang::English);
        let symbols = ["CE", "BCE", "MSE", "SSR", "MAE", "Huber", "NLL", "loss"];
        let words: std::collections::BTreeSet<String> =
            symbols.iter().map(|symbol| text.loss(symbol)).collect();
        assert_eq!(words.len(), symbols.len());
    }

    #[test]
    fn of_many_layers_the_first_and_the_last_are_said() {
        let many: Vec<_> = (1..=40).map(|i| (format!("fc{i}"), vec![4])).collect();
        let told = layers(&many).unwrap_or_default();
        assert!(told.contains("fc6 4 → … +28 … → fc35 4"), "{told}");
    }
}
