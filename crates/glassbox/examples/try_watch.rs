use glassbox::prelude::*;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn main() -> Result<(), glassbox::Error> {
    let digits = data::digits();
    let sizes: Vec<Vec<usize>> = vec![vec![64, 512, 256, 10], vec![64, 32, 10], vec![64, 6, 10]];
    for size in sizes {
        let rounds = if size[1] > 100 { 3 } else { 6 };
        let mut best = std::collections::BTreeMap::new();
        for _ in 0..rounds {
            for every in [0u64, 50, 10, 1] {
                let epochs = if size[1] > 100 { 12 } else { 60 };
                let t0 = cpu();
                Trainer::new(Mlp::new(size.clone())).epochs(epochs).threads(1).watch(every).fit(&digits)?;
                let t = cpu() - t0;
                let held = best.entry(every).or_insert(f64::INFINITY);
                if t < *held { *held = t; }
            }
        }
        println!("{size:?} {best:?} {:?}", best.iter().map(|(e, t)| (*e, (t / best[&0] - 1.0) * 100.0)).collect::<Vec<_>>());
    }
    Ok(())
}
