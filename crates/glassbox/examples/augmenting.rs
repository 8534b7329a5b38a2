//! Measures how long each change of a training image takes on one thread, and flip and crop together.
//!
//! `cargo run --release --example augmenting -- digits` (or images of one's own)

use std::error::Error;
use std::time::Instant;

use glassbox::data::{Augment, Augmenter, Options, Scratch, load};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or("digits".into());
    let data = load(&path, &Options::default())?;
    let rows = &data.train;
    println!("{} images of {:?}", rows.len(), data.input.shape);
    let mut lists: Vec<Vec<Augment>> = vec![Vec::new()];
    lists.extend(Augment::ALL.iter().map(|&change| vec![change]));
    lists.push(
        [Augment::from_word("flip"), Augment::from_word("crop")].into_iter().flatten().collect(),
    );
    let (mut image, mut scratch) = (vec![0.0; rows.width()], Scratch::default());
    for list in lists {
        let augmenter = Augmenter::new(&list, &data, 42)?;
        let mut best = f64::INFINITY;
        for epoch in 0..5 {
            let started = Instant::now();
            let count = rows.len().min(10_000);
            for row in 0..count {
                augmenter.image(rows, row, epoch, &mut image, &mut scratch)?;
            }
            best = best.min(started.elapsed().as_secs_f64() / count as f64);
        }
        let name = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
        let name = if name.is_empty() { "as stored".to_string() } else { name };
        println!("{name:>20}  {:7.2} us a row  {:9.0} rows/s", 1e6 * best, 1.0 / best);
    }
    Ok(())
}
