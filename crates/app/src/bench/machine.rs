//! What the machine says of this process and of the others; nothing where it is not Linux.

use std::fs::read_to_string;
use std::time::Instant;

/// Ticks a second, in which Linux counts processors' time towards programs on every architecture.
const TICKS: f64 = 100.0;

/// The largest memory that this process has held, in MiB.
pub fn peak_memory() -> Option<f64> {
    let status = read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Processors' time so far, in seconds.
struct Spent {
    at: Instant,
    /// By all processes.
    all: f64,
    /// By this one and its children that have ended.
    own: f64,
    /// By other machines on the same host.
    stolen: f64,
}

impl Spent {
    fn now() -> Option<Spent> {
        let all = read_to_string("/proc/stat").ok()?;
        let ticks = |word: &str| word.parse::<f64>().unwrap_or(0.0) / TICKS;
        let all: Vec<f64> = all.lines().next()?.split_whitespace().skip(1).map(ticks).collect();
        let own = read_to_string("/proc/self/stat").ok()?;
        // The program's name stands in brackets and may hold spaces.
        let own = own.rsplit_once(')')?.1.split_whitespace().skip(11).take(4).map(ticks).sum();
        let &[user, nice, system, _, _, interrupts, soft_interrupts, stolen, ..] = &all[..] else {
            return None;
        };
        let all = user + nice + system + interrupts + soft_interrupts;
        Some(Spent { at: Instant::now(), all, own, stolen })
    }
}

/// Watches what others use of the processors.
pub struct Watch(Option<Spent>);

impl Watch {
    /// From now.
    pub fn new() -> Self {
        Watch(Spent::now())
    }

    /// Processors that other processes, and other machines on the same host, have kept busy since.
    pub fn others(&self) -> Option<(f64, f64)> {
        let (before, now) = (self.0.as_ref()?, Spent::now()?);
        let seconds = (now.at - before.at).as_secs_f64().max(1e-9);
        let others = (now.all - before.all) - (now.own - before.own);
        Some((others.max(0.0) / seconds, (now.stolen - before.stolen) / seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_linux_says_is_understood() {
        let held = vec![1u8; 64 << 20];
        let peak = peak_memory().unwrap_or(0.0);
        assert!(peak >= 64.0, "{peak} beside {} bytes held", held.len());
        let watch = Watch::new();
        let started = Instant::now();
        while started.elapsed().as_millis() < 100 {}
        let spent = Spent::now().map_or(0.0, |now| now.own);
        assert!(spent > 0.0, "this process has worked");
        let seen = watch.others();
        assert!(seen.is_some_and(|(others, stolen)| others >= 0.0 && stolen >= 0.0), "{seen:?}");
    }
}
