//! Taking rows of rare classes more often, or those of frequent ones less.

use glassbox_engine::random::Stream;

use crate::data::Rows;
use crate::words::words;

words! {
    /// How often rows of each class are taken in an epoch. Figures are of the data as it is.
    Resample {
        /// Each row once.
        None = "none",
        /// Rows of rare classes again and again, as many of each class as of the most frequent one.
        Over = "over",
        /// As few rows of each class as of the rarest one, the same in every epoch.
        Under = "under",
    }
}

/// The rows of an epoch as positions, before they are put in order.
pub(crate) fn taken(rows: &Rows, how: Resample, seed: u64) -> Vec<usize> {
    let all = || (0..rows.len()).collect();
    let (Some(labels), Resample::Over | Resample::Under) = (rows.labels(), how) else {
        return all();
    };
    let mut classes: Vec<Vec<usize>> = vec![Vec::new(); rows.classes().unwrap_or(0)];
    for (row, &label) in labels.iter().enumerate() {
        if let Some(class) = classes.get_mut(label as usize) {
            class.push(row);
        }
    }
    classes.retain(|class| !class.is_empty());
    let sizes = || classes.iter().map(Vec::len);
    let wanted = match how {
        Resample::Over => sizes().max(),
        _ => sizes().min(),
    };
    let wanted = wanted.unwrap_or(0);
    let mut taken = Vec::with_capacity(wanted * classes.len());
    for (number, class) in classes.iter_mut().enumerate() {
        Stream::new(seed, "resample", number as u64).shuffle(class);
        taken.extend(class.iter().cycle().take(wanted));
    }
    // Where all rows are one batch, their order is that of the data.
    taken.sort_unstable();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Options, from_csv};

    #[test]
    fn classes_are_taken_equally_often_and_every_row_where_rare_ones_repeat() {
        let table: String = (0..50).map(|i| format!("{i}.5,{}\n", i % 10 == 0)).collect();
        let (valid, test) = (Some(0.0), Some(0.0));
        let options = Options { valid, test, ..Options::default() };
        let data = from_csv("t.csv", format!("x,y\n{table}").as_bytes(), &options).unwrap();
        let labels = data.train.labels().unwrap();
        let count = |how, label: i64| {
            taken(&data.train, how, 7).iter().filter(|&&row| labels[row] == label).count()
        };
        assert_eq!((count(Resample::None, 0), count(Resample::None, 1)), (45, 5));
        assert_eq!((count(Resample::Over, 0), count(Resample::Over, 1)), (45, 45));
        assert_eq!((count(Resample::Under, 0), count(Resample::Under, 1)), (5, 5));
        let mut over = taken(&data.train, Resample::Over, 7);
        over.dedup();
        assert_eq!(over, (0..50).collect::<Vec<_>>());
        assert_eq!(taken(&data.train, Resample::Under, 7), taken(&data.train, Resample::Under, 7));
        assert_ne!(taken(&data.train, Resample::Under, 7), taken(&data.train, Resample::Under, 8));
    }
}
