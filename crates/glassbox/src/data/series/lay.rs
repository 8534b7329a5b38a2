//! Rows of a table in the order of their time, and where it goes on without a gap.

use std::collections::HashMap;
use std::ops::Range;

use super::super::error::{DataError, Place, Problems, count, quoted};
use super::super::table::RawTable;
use super::clock::{self, Clock};
use crate::nearest::suggestion;

/// How far a step may be from what it should be, as a share of it.
const JITTER: f64 = 0.25;
/// How many gaps are told one by one.
const TOLD: usize = 3;

/// The rows of a table in the order of groups, and within these of time.
pub(super) struct Laid {
    /// The row of the table at each place.
    pub(super) rows: Vec<u32>,
    /// The time at each place; empty without a time column.
    pub(super) times: Vec<f64>,
    pub(super) clock: Option<Clock>,
    /// Places of each group, in the order in which they come in the table.
    pub(super) groups: Vec<(String, Range<usize>)>,
    /// Places that follow each other step by step.
    pub(super) runs: Vec<Range<usize>>,
    pub(super) notices: Vec<String>,
}

/// The columns that tell the time, and the one that tells series apart.
pub(super) struct Keys {
    pub(super) time: Vec<usize>,
    pub(super) group: Option<usize>,
}

impl Keys {
    /// The columns of these names; an error naming all that a table lacks.
    pub(super) fn find(
        table: &RawTable,
        time: &[&str],
        group: Option<&str>,
    ) -> Result<Self, DataError> {
        let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
        let mut problems = Problems::default();
        let mut find = |name: &str, what: &str| {
            let found = table.column(name);
            if found.is_none() {
                problems.push(
                    Place::file(table.file()),
                    format!("there is no column {} {what}", quoted(name)),
                    suggestion(name, "columns", &names),
                );
            }
            found
        };
        let columns: Vec<Option<usize>> =
            time.iter().map(|name| find(name, "to tell the time")).collect();
        let group = group.map(|name| find(name, "to tell series apart"));
        problems.finish()?;
        Ok(Keys { time: columns.into_iter().flatten().collect(), group: group.flatten() })
    }
}

/// Puts the rows of a table in order. A clock that is known says how far rows are apart.
pub(super) fn lay(table: &RawTable, keys: &Keys, known: Option<Clock>) -> Result<Laid, DataError> {
    let (names, group_of) = groups(table, keys.group)?;
    let mut rows: Vec<u32> = (0..table.rows() as u32).collect();
    let mut notices = Vec::new();
    if keys.time.is_empty() {
        rows.sort_by_key(|row| group_of[*row as usize]);
        let groups = ranges(&rows, names, &group_of);
        let runs = groups.iter().map(|(_, places)| places.clone()).collect();
        return Ok(Laid { rows, times: Vec::new(), clock: None, groups, runs, notices });
    }
    let (times, unit) = clock::read(table, &keys.time)?;
    let time = |row: u32| times[row as usize];
    let key = |row: u32| (group_of[row as usize], time(row));
    let in_order = |a: &u32, b: &u32| key(*a).0.cmp(&key(*b).0).then(time(*a).total_cmp(&time(*b)));
    let back = rows.windows(2).filter(|pair| {
        group_of[pair[0] as usize] == group_of[pair[1] as usize] && time(pair[1]) < time(pair[0])
    });
    let back = back.count();
    rows.sort_by(in_order);
    if back > 0 {
        notices.push(format!(
            "{} came before the row above: put in the order of time",
            count(back, "row")
        ));
    }
    let groups = ranges(&rows, names, &group_of);
    let sorted: Vec<f64> = rows.iter().map(|row| time(*row)).collect();
    let step = match known {
        Some(clock) => clock.step,
        None => usual_step(&sorted, &groups),
    };
    let runs = runs(table, keys, &rows, &sorted, &groups, step, &mut notices)?;
    let clock = Some(Clock { unit, step });
    Ok(Laid { rows, times: sorted, clock, groups, runs, notices })
}

/// The names of the groups in the order in which they come, and that of each row by its place.
fn groups(table: &RawTable, column: Option<usize>) -> Result<(Vec<String>, Vec<u32>), DataError> {
    let Some(column) = column else {
        return Ok((vec![String::new()], vec![0; table.rows()]));
    };
    let mut places: HashMap<String, u32> = HashMap::new();
    let (mut names, mut of) = (Vec::new(), Vec::with_capacity(table.rows()));
    let mut problems = Problems::default();
    table.each(column, |row, cell| {
        let Some(name) = cell.value() else {
            let cure = "fill it in, or leave the row out";
            problems.push(table.place(row, column), "the row belongs to no series", cure);
            return;
        };
        let next = names.len() as u32;
        let place = *places.entry(name.to_string()).or_insert(next);
        if place == next {
            names.push(name.into_owned());
        }
        of.push(place);
    })?;
    problems.finish()?;
    Ok((names, of))
}

/// The places of each group, of rows that are sorted by it.
fn ranges(rows: &[u32], names: Vec<String>, of: &[u32]) -> Vec<(String, Range<usize>)> {
    let mut first = 0;
    let range = |(group, name): (usize, String)| {
        let end = first + rows[first..].partition_point(|row| of[*row as usize] as usize <= group);
        (name, std::mem::replace(&mut first, end)..end)
    };
    names.into_iter().enumerate().map(range).collect()
}

/// The middle of the steps from row to row.
fn usual_step(times: &[f64], groups: &[(String, Range<usize>)]) -> f64 {
    let mut steps: Vec<f64> = Vec::new();
    for (_, places) in groups {
        let apart = times[places.clone()].windows(2).map(|pair| pair[1] - pair[0]);
        steps.extend(apart.filter(|step| *step > 0.0));
    }
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(1.0)
}

/// The places that follow each other step by step; times that come twice or are uneven are mistakes.
fn runs(
    table: &RawTable,
    keys: &Keys,
    rows: &[u32],
    times: &[f64],
    groups: &[(String, Range<usize>)],
    step: f64,
    notices: &mut Vec<String>,
) -> Result<Vec<Range<usize>>, DataError> {
    let column = keys.time.first().copied().unwrap_or(0);
    let written = |row: u32| -> String {
        let parts = keys.time.iter().map(|column| table.cell(row as usize, *column).into_owned());
        parts.collect::<Vec<_>>().join(" ")
    };
    let mut problems = Problems::default();
    let (mut runs, mut gaps) = (Vec::new(), Vec::new());
    for (_, places) in groups {
        let mut first = places.start;
        for at in places.start + 1..places.end {
            let steps = (times[at] - times[at - 1]) / step;
            let whole = steps.round();
            let (row, line) = (rows[at], table.line(rows[at - 1] as usize));
            if steps == 0.0 {
                problems.push(
                    table.place(row as usize, column),
                    format!("the time {} stands in line {line}, too", quoted(&written(row))),
                    match keys.group {
                        None => {
                            "leave one of them out; where there are several series, name the \
                                 column that tells them apart: --group COLUMN"
                        }
                        Some(_) => "leave one of them out",
                    },
                );
            } else if (steps - whole).abs() > JITTER || whole < 1.0 {
                problems.push(
                    table.place(row as usize, column),
                    format!(
                        "{} comes {} steps after the row before: steps differ",
                        quoted(&written(row)),
                        (steps * 100.0).round() / 100.0
                    ),
                    "bring the rows to even steps, such as means of each hour; or leave --time out, \
                     where it is their order alone that counts",
                );
            } else if whole > 1.0 {
                runs.push(first..at);
                first = at;
                gaps.push((whole as u64 - 1, row));
            }
        }
        runs.push(first..places.end);
    }
    problems.finish()?;
    if !gaps.is_empty() {
        let told = gaps.iter().take(TOLD).map(|(missing, row)| {
            format!("{} before {}", count(*missing as usize, "row"), written(*row))
        });
        let told: Vec<String> = told.collect();
        let more = if gaps.len() > TOLD { " …" } else { "" };
        notices.push(format!(
            "the series has {} ({}{more}): no window reaches across",
            count(gaps.len(), "gap"),
            told.join(", ")
        ));
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(rows: &[[&str; 2]], group: bool) -> Result<Laid, DataError> {
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.to_vec()).collect();
        let table = RawTable::from_rows(&["t", "who"], &rows)?;
        lay(&table, &Keys { time: vec![0], group: group.then_some(1) }, None)
    }

    #[test]
    fn rows_are_put_in_order_and_gaps_end_a_run() {
        let found =
            laid(&[["3", "a"], ["1", "a"], ["2", "a"], ["6", "a"], ["7", "a"]], false).unwrap();
        assert_eq!(found.rows, [1, 2, 0, 3, 4]);
        assert_eq!(found.runs, [0..3, 3..5]);
        assert_eq!(found.notices.len(), 2, "{:?}", found.notices);
        assert!(found.notices[1].contains("2 rows before 6"), "{:?}", found.notices);
    }

    #[test]
    fn each_series_has_its_own_time() {
        let rows = [["1", "b"], ["1", "a"], ["2", "b"], ["2", "a"], ["3", "a"]];
        let found = laid(&rows, true).unwrap();
        assert_eq!(found.rows, [0, 2, 1, 3, 4]);
        assert_eq!(found.groups, [("b".to_string(), 0..2), ("a".to_string(), 2..5)]);
        assert_eq!(found.runs, [0..2, 2..5]);
        let error = laid(&rows, false).err().unwrap().to_string();
        assert!(error.contains("line 2") && error.contains("--group"), "{error}");
    }

    #[test]
    fn uneven_steps_are_named() {
        let rows = [["0", ""], ["10", ""], ["20", ""], ["24", ""], ["34", ""]];
        let error = laid(&rows, false).err().unwrap().to_string();
        assert!(error.contains("line 4") && error.contains("0.4 steps"), "{error}");
        // Watches are not exact.
        let rows = [["0", ""], ["10", ""], ["20.5", ""], ["30", ""], ["40", ""]];
        assert_eq!(laid(&rows, false).unwrap().runs, vec![0..5; 1]);
    }
}
