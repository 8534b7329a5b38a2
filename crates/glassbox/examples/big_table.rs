//! Writes a large CSV file to measure with: numbers of several kinds, categories, missing cells, and
//! a class that follows from some of them.
//!
//! `cargo run --release --example big_table -- big.csv 5000000 30`

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use glassbox::engine::random::Stream;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give the file to write, its rows and its columns")?;
    let rows: u64 = arguments.next().unwrap_or("5000000".into()).parse()?;
    let columns: usize = arguments.next().unwrap_or("30".into()).parse()?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for column in 0..columns - 1 {
        write!(out, "{},", name(column))?;
    }
    writeln!(out, "label")?;
    let (random, mut drawn) = (Stream::new(42, "big_table", 0), 0);
    let mut uniform = || {
        drawn += 1;
        random.uniform(drawn)
    };
    for _ in 0..rows {
        let mut score = 0.0;
        for column in 0..columns - 1 {
            let x = uniform();
            if column < 4 {
                score += x - 0.5;
            }
            // A fiftieth of every fourth column is missing.
            match (column % 4 == 3 && uniform() < 0.02, column % 6) {
                (true, _) => {}
                (_, 0) => write!(out, "{:.4}", 20.0 * x - 10.0)?,
                (_, 1) => write!(out, "{}", (1000.0 * x) as u32)?,
                (_, 2) => write!(out, "{:.2}", 5000.0 * x)?,
                (_, 3) => write!(out, "{x}")?,
                (_, 4) => write!(out, "{:.1}", 100.0 * x)?,
                _ => write!(out, "{}", ["north", "east", "south", "west"][(4.0 * x) as usize % 4])?,
            }
            out.write_all(b",")?;
        }
        let noise = 0.4 * (uniform() - 0.5);
        writeln!(out, "{}", if score + noise > 0.0 { "yes" } else { "no" })?;
    }
    out.flush()?;
    Ok(())
}

fn name(column: usize) -> String {
    let kind = ["balance", "count", "amount", "share", "percent", "region"][column % 6];
    format!("{kind}_{}", column / 6 + 1)
}
