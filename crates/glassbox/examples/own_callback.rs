//! Callbacks of one's own: closures that hear every event of a training and can end it.
//!
//! `cargo run --release --example own_callback`

use std::ops::ControlFlow;
use std::sync::mpsc;

use glassbox::prelude::*;
use glassbox::train::event::Event;

/// Trains until the callback has seen enough.
pub fn main() -> Result<(), glassbox::Error> {
    let digits = data::digits();
    // What a callback learns it sends to whom it may concern; here to this same thread.
    let (send, curve) = mpsc::channel();

    let run = Trainer::new(Mlp::new([64, 32, 10]))
        .epochs(50)
        // Draws the curve.
        .on_event(move |event| {
            if let Event::Epoch(epoch) = event {
                let bar = "▪".repeat((epoch.train_loss * 20.0) as usize);
                println!("epoch {:2}  {:.3}  {bar}", epoch.epoch, epoch.train_loss);
                let _ = send.send(epoch.train_loss);
            }
            ControlFlow::Continue(())
        })
        // Ends the training once it is good enough.
        .on_event(|event| match event {
            Event::Epoch(epoch) if epoch.valid_loss.is_some_and(|loss| loss < 0.3) => {
                println!("good enough after {} steps", epoch.step);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })
        .fit(&digits)?;

    let curve: Vec<f64> = curve.try_iter().collect();
    assert_eq!(curve.len(), run.history().len());
    assert!(curve.len() < 50);
    println!("{}", run.evaluate(&digits.test)?);
    Ok(())
}
