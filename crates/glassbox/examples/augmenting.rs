//! Measures how long each change of a training image takes on one thread, and flip and crop together;
//! with settings it trains, too, and says how long steps waited for their rows.
//!
//! `cargo run --release --example augmenting -- digits 'augment=["crop"]' epochs=2`

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use glassbox::data::{Augment, Augmenter, Options, Scratch, load};
use glassbox::train::Job;
use glassbox::train::event::Event;
use glassbox::train::folder::RunFolder;

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
    let settings: Vec<String> = std::env::args().skip(2).collect();
    if settings.is_empty() {
        return Ok(());
    }
    let job = Job::new(&path, |base| base.set(&settings))?;
    let root = tempfile::tempdir()?;
    let folder = RunFolder::create_at(&root.path().join("run"), &job.config)?;
    let mut hear = |event: &Event| match event {
        Event::Epoch(epoch) => println!("trained by {:.0} rows/s", epoch.rows_per_second),
        Event::Finished(finished) => println!("{:?}", finished.loading),
        _ => {}
    };
    job.train(&folder, &mut hear, &AtomicBool::new(false))?;
    Ok(())
}
