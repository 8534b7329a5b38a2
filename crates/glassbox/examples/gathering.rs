//! Measures what share of training goes into gathering batches: a table in memory, and one in a
//! temporary file.
//!
//! `cargo run --release --example gathering -- big.csv 32`

use std::error::Error;
use std::time::Instant;

use glassbox::data::{Options, TargetsMut, epoch_order_into, load};
use glassbox::train::Trainer;
use glassbox::zoo::Mlp;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a table, rows of a batch and hidden units")?;
    let batch: usize = arguments.next().unwrap_or("32".into()).parse()?;
    let hidden: usize = arguments.next().unwrap_or("32".into()).parse()?;
    for memory in [usize::MAX, 0] {
        let data = load(&path, &Options { memory, ..Options::default() })?;
        let rows = &data.train;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        epoch_order_into(&mut order, 42, 0);
        let mut inputs = vec![0.0; batch * rows.width()];
        let (mut labels, mut values) = (vec![0; batch], vec![0.0; batch]);
        let gathering = (0..3).map(|_| {
            let start = Instant::now();
            for part in order.chunks_exact(batch) {
                let targets = match rows.classes() {
                    Some(_) => TargetsMut::Classes(&mut labels),
                    None => TargetsMut::Values(&mut values),
                };
                rows.gather(part, &mut inputs, targets).map_err(|e| e.to_string())?;
            }
            Ok(start.elapsed().as_secs_f64())
        });
        let gathering = gathering.collect::<Result<Vec<_>, String>>()?;
        let outputs = rows.classes().unwrap_or(1);
        let model = Mlp::new([rows.width(), hidden, outputs]);
        let start = Instant::now();
        let run = Trainer::new(model).batch(batch).epochs(1).fit(&data)?;
        let all = start.elapsed().as_secs_f64();
        let epoch = run.history().last().map_or(f64::NAN, |epoch| epoch.seconds);
        let least = gathering.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{} · {} rows of {} numbers, batch {batch}, {hidden} hidden · gathering {gathering:.3?} \
             s · an epoch {epoch:.3} s (all {all:.3} s) · share {:.1} %",
            if memory == 0 { "file" } else { "memory" },
            rows.len(),
            rows.width(),
            100.0 * least / epoch
        );
    }
    Ok(())
}
