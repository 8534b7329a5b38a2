//! A made-up run on the screen, to look at the progress display: `cargo run --example progress -- ko`.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use glassbox::train::event::{Alert, Ending, Epoch, Event, Finished, Outcome, Started, Step};
use glassbox_cli::terminal::{Progress, Screen, outcome};
use glassbox_cli::text::{Lang, Text};

fn main() {
    let lang = std::env::args().nth(1).and_then(|code| Lang::from_code(&code)).unwrap_or_default();
    let text = Text::new(lang);
    let screen = Screen::of(stdout().is_terminal());
    let mut progress = Progress::new(stdout(), screen, text);
    feed(&mut |event| progress.handle(event));
    let result = Outcome {
        run: "runs/2026-11-20-1412-made-up-mlp".into(),
        split: "test".into(),
        rows: 1_797,
        seconds: 1.9,
        metrics: [("loss".to_owned(), 0.11), ("accuracy".to_owned(), 0.967)].into(),
        baseline: [("accuracy".to_owned(), 0.333)].into(),
        ..Outcome::default()
    };
    print!("{}", outcome(&result, false, text, screen.columns()));
}

/// The events of a run that nobody trained.
fn feed(watch: &mut dyn FnMut(&Event)) {
    let epochs = 12;
    watch(&Event::Started(Started {
        model: "mlp".into(),
        parameters: 109_386,
        bytes: 41_600_000,
        device: "cpu".into(),
        threads: 2,
        seed: 42,
        epochs,
        choices: None,
        words: None,
        notices: vec!["loss: cross entropy (species has 3 classes)".into()],
    }));
    for epoch in 1..=epochs {
        let loss = 2.3 * (-(epoch as f64) / 4.0).exp() + 0.1;
        for part in 1..=10 {
            std::thread::sleep(Duration::from_millis(30));
            watch(&Event::Step(Step {
                step: epoch * 10 + part,
                epoch,
                epochs,
                fraction: part as f64 / 10.0,
                loss,
                rows_per_second: 234_000.0,
                remaining: Some((epochs - epoch) as f64 * 0.3),
            }));
        }
        if epoch == 4 {
            watch(&Event::Alert(Alert {
                step: 40,
                place: "fc1".into(),
                message: "gradient norm 1e-7 of the output layer's (vanishing). Try relu or a skip; `glassbox doctor last`".into(),
                alarm: None,
            }));
        }
        watch(&Event::Epoch(Epoch {
            epoch,
            epochs,
            step: epoch * 10,
            train_loss: loss,
            valid_loss: Some(loss * 1.1 + 0.02),
            metrics: [("accuracy".to_owned(), 1.0 - loss / 3.0)].into(),
            rows_per_second: 234_000.0,
            seconds: 0.3,
            remaining: Some((epochs - epoch) as f64 * 0.3),
        }));
    }
    watch(&Event::Finished(Finished {
        ending: Ending::Done,
        step: 120,
        epoch: epochs,
        best_step: Some(110),
        seconds: 3.6,
        loading: Default::default(),
    }));
}
