//! Workloads of the comparison in candle and burn: `peers candle mlp --seconds 3 --threads 2` prints the
//! JSON line that `glassbox bench mlp` prints.

mod candle;
mod in_burn;

use std::error::Error;
use std::time::Instant;

/// Batches that are made beforehand and gone through in turn.
const POOL: usize = 8;
/// Timed runs.
const RUNS: usize = 7;

/// Steps of training that are ready to be taken.
pub struct Work {
    /// Takes the step with this number.
    pub step: Box<dyn FnMut(usize) -> Result<Loss, Box<dyn Error>>>,
    /// What a step makes, and of what.
    pub items: usize,
    pub unit: &'static str,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Multiply-adds × 2 of a step.
    pub flops: usize,
}

/// Reads a step's loss, which costs time, where it is wanted.
pub type Loss = Box<dyn FnOnce() -> Result<f64, Box<dyn Error>>>;

/// What the workloads are, for both libraries.
pub const MLP: [usize; 4] = [784, 256, 128, 10];
pub const MLP_BATCH: usize = 128;
pub const LENET_BATCH: usize = 64;
pub const GPT: Gpt = Gpt { vocabulary: 65, width: 256, time: 128, blocks: 4, heads: 4, batch: 16 };

/// Sizes of the transformer.
pub struct Gpt {
    pub vocabulary: usize,
    pub width: usize,
    pub time: usize,
    pub blocks: usize,
    pub heads: usize,
    pub batch: usize,
}

/// Multiply-adds × 2 of a step; the first layer's input needs no gradient.
pub fn mlp_flops() -> usize {
    let products = MLP.windows(2).map(|sizes| sizes[0] * sizes[1]);
    2 * MLP_BATCH * (3 * products.sum::<usize>() - MLP[0] * MLP[1])
}

pub fn lenet_flops() -> usize {
    let first = 28 * 28 * 25 * 32;
    let rest = 14 * 14 * 25 * 32 * 64 + 3136 * 1024 + 1024 * 10;
    2 * LENET_BATCH * (2 * first + 3 * rest)
}

pub fn gpt_flops() -> usize {
    let Gpt { vocabulary, width, time, blocks, batch, .. } = GPT;
    let block = 12 * width * width + 2 * time * width;
    2 * 3 * batch * time * (blocks * block + width * vocabulary)
}

/// Numbers that are as good as random: uniform in 0..1.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 40
    }

    pub fn uniform(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next() as f32 / (1 << 24) as f32).collect()
    }

    pub fn below(&mut self, end: usize, count: usize) -> Vec<i64> {
        (0..count).map(|_| (self.next() as usize * end >> 24) as i64).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "peers candle|burn mlp|lenet|gpt [--seconds S] [--threads N]";
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [library, name, rest @ ..] = &words[..] else { return Err(usage.into()) };
    let (mut seconds, mut threads) = (3.0, 2);
    for pair in rest.chunks(2) {
        match pair {
            [flag, value] if flag == "--seconds" => seconds = value.parse()?,
            [flag, value] if flag == "--threads" => threads = value.parse()?,
            _ => return Err(usage.into()),
        }
    }
    // SAFETY: nothing else runs yet.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        std::env::set_var("CANDLE_NUM_THREADS", threads.to_string());
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let mut work = match (library.as_str(), name.as_str()) {
        ("candle", "mlp") => candle::mlp()?,
        ("candle", "lenet") => candle::lenet()?,
        ("candle", "gpt") => candle::gpt()?,
        ("burn", "mlp") => in_burn::mlp(),
        ("burn", "lenet") => in_burn::lenet(),
        ("burn", "gpt") => in_burn::gpt(),
        _ => return Err(usage.into()),
    };
    let mut taken = 0;
    let mut timed = |count: usize| -> Result<(f64, Loss), Box<dyn Error>> {
        let start = Instant::now();
        let mut last: Loss = Box::new(|| Ok(f64::NAN));
        for _ in 0..count {
            last = (work.step)(taken)?;
            taken += 1;
        }
        Ok((start.elapsed().as_secs_f64() / count as f64, last))
    };
    let fit = |seconds: f64, each: f64| ((seconds / each).round() as usize).max(1);
    let (_, first) = timed(1)?;
    let first = first()?;
    let (each, _) = timed(2)?;
    let (each, _) = timed(fit(seconds / 4.0, each))?;
    let steps = fit(seconds / RUNS as f64, each);
    let mut runs = Vec::new();
    let mut last = f64::NAN;
    for _ in 0..RUNS {
        let (each, loss) = timed(steps)?;
        runs.push(work.items as f64 / each);
        last = loss()?;
    }
    runs.sort_by(f64::total_cmp);
    let median = runs[RUNS / 2];
    let version = match library.as_str() {
        "candle" => ("candle_version", "0.11"),
        _ => ("burn_version", "0.22"),
    };
    println!(
        "{}",
        serde_json::json!({
            "workload": name,
            "backend": library,
            "variant": if library == "burn" { "flex" } else { "default" },
            "threads": threads,
            "unit": work.unit,
            "median": median,
            "min": runs[0],
            "max": runs[RUNS - 1],
            "runs": RUNS,
            "steps_per_run": steps,
            "items_per_step": work.items,
            "params": work.parameters,
            "flops_per_step": work.flops,
            "gflops": work.flops as f64 * median / work.items as f64 / 1e9,
            "peak_rss_mb": peak_memory(),
            "loss_first": first,
            "loss_last": last,
            version.0: version.1,
        })
    );
    Ok(())
}

/// The most memory that the process has had, in MB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0 / 1e6)
}
