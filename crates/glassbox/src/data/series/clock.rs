//! The time of each row: how it is written, how far apart rows are, and how it goes on.

use serde::{Deserialize, Serialize};

use super::super::date::{DateOrder, Moment, date_of_days, days_since_epoch};
use super::super::error::{DataError, Problems, quoted};
use super::super::table::RawTable;

/// How a series tells its time.
///
/// ```
/// use glassbox::data::{Clock, Unit};
/// let hourly = Clock { unit: Unit::Days { seconds: true }, step: 1.0 / 24.0 };
/// assert_eq!(hourly.text(19_844.5), "2024-05-01 12:00:00");
/// let monthly = Clock { unit: Unit::Months { day: 0 }, step: 1.0 };
/// assert_eq!(monthly.text(1949.0 * 12.0 + 11.0), "1949-12");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// What times are counted in.
    pub unit: Unit,
    /// From one row to the next, in that unit.
    pub step: f64,
}

/// What times are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Unit {
    /// Numbers as they stand: seconds, years, steps.
    Number,
    /// Days since 1 January 1970.
    Days {
        /// Whether times of day are written, too.
        seconds: bool,
    },
    /// Months since the year 0.
    Months {
        /// The day of the month that is written; 0 where none is.
        day: u8,
    },
}

impl Clock {
    /// A time as it is written.
    pub fn text(&self, time: f64) -> String {
        match self.unit {
            Unit::Number => {
                // 0.1 + 0.2 is written 0.3.
                let rounded = (time * 1e9).round() / 1e9;
                format!("{}", if rounded.is_finite() { rounded } else { time })
            }
            Unit::Days { seconds } => {
                let all = (time * 86_400.0).round() as i64;
                let (days, rest) = (all.div_euclid(86_400), all.rem_euclid(86_400));
                let (year, month, day) = date_of_days(days);
                let date = format!("{year:04}-{month:02}-{day:02}");
                let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
                if seconds { format!("{date} {hour:02}:{minute:02}:{second:02}") } else { date }
            }
            Unit::Months { day } => {
                let months = time.round() as i64;
                let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
                let month = format!("{year:04}-{month:02}");
                if day > 0 { format!("{month}-{day:02}") } else { month }
            }
        }
    }
}

/// How a cell of a time column can be written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Number,
    Date(DateOrder),
    Month,
}

impl Form {
    const ALL: [Form; 5] = [
        Form::Number,
        Form::Date(DateOrder::YearFirst),
        Form::Date(DateOrder::DayFirst),
        Form::Date(DateOrder::MonthFirst),
        Form::Month,
    ];

    /// The time that a text says: a number, days, or months.
    fn read(self, text: &str) -> Option<f64> {
        match self {
            Form::Number => text.parse::<f64>().ok().filter(|x| x.is_finite()),
            Form::Date(order) => Moment::read(text, order).map(|moment| moment.days),
            Form::Month => month(text),
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A month: `1949-01`, `1949/1`, `1949 January`, `Jan 1949`, `1949 1`.
fn month(text: &str) -> Option<f64> {
    let mut parts = text.split(['-', '/', ' ', '.']).filter(|part| !part.is_empty());
    let (first, second) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    let (year, name) = match (is_year(first), is_year(second)) {
        (true, false) => (first, second),
        (false, true) => (second, first),
        _ => return None,
    };
    let lower = name.to_lowercase();
    let named = || lower.len() >= 3 && lower.is_ascii();
    let month = match lower.parse::<usize>() {
        Ok(number @ 1..=12) if lower.len() <= 2 => number - 1,
        Ok(_) => return None,
        Err(_) if named() => MONTHS.iter().position(|month| month.starts_with(&lower))?,
        Err(_) => return None,
    };
    Some(year.parse::<f64>().ok()? * 12.0 + month as f64)
}

/// The time of each row of a table, and how it is written; the step is found later.
pub(super) fn read(table: &RawTable, columns: &[usize]) -> Result<(Vec<f64>, Unit), DataError> {
    let mut texts = vec![String::new(); table.rows()];
    let mut problems = Problems::default();
    for column in columns {
        table.each(*column, |row, cell| {
            let Some(text) = texts.get_mut(row) else { return };
            match cell.value() {
                Some(value) if text.is_empty() => *text = value.into_owned(),
                Some(value) => *text = format!("{text} {value}"),
                None => problems.push(
                    table.place(row, *column),
                    "the row has no time",
                    "fill it in, or leave the row out",
                ),
            }
        })?;
    }
    problems.finish()?;
    let mut forms = Form::ALL.to_vec();
    for text in &texts {
        if forms.len() > 1 {
            let fitting: Vec<Form> =
                forms.iter().copied().filter(|form| form.read(text).is_some()).collect();
            // What nothing fits is a mistake of its row.
            if !fitting.is_empty() {
                forms = fitting;
            }
        }
    }
    let form = forms.first().copied().unwrap_or(Form::Number);
    let mut times = Vec::with_capacity(texts.len());
    let mut problems = Problems::default();
    let column = columns.first().copied().unwrap_or(0);
    for (row, text) in texts.iter().enumerate() {
        match form.read(text) {
            Some(time) => times.push(time),
            None => problems.push(
                table.place(row, column),
                format!("{} is not a time as the other rows have it", quoted(text)),
                "write times as 2024-05-01 13:00, 2024-05 or numbers, and all the same way",
            ),
        }
    }
    problems.finish()?;
    Ok(match form {
        Form::Number => (times, Unit::Number),
        Form::Month => (times, Unit::Months { day: 0 }),
        Form::Date(_) => in_months(&times).unwrap_or_else(|| {
            let seconds = times.iter().any(|time| time.fract() != 0.0);
            (times, Unit::Days { seconds })
        }),
    })
}

/// Dates that all stand on the same day of their months, a month apart at least, counted in months:
/// these are not equally long.
fn in_months(days: &[f64]) -> Option<(Vec<f64>, Unit)> {
    let civil: Vec<(i64, i64, i64)> = days.iter().map(|day| date_of_days(*day as i64)).collect();
    let (_, _, day) = *civil.first()?;
    let same = days.iter().all(|time| time.fract() == 0.0) && civil.iter().all(|c| c.2 == day);
    let mut sorted = days.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let apart = sorted.windows(2).all(|pair| pair[1] - pair[0] > 27.0);
    let months = |&(year, month, _): &(i64, i64, i64)| (year * 12 + month - 1) as f64;
    let several = sorted.len() > 1;
    (same && apart && several)
        .then(|| (civil.iter().map(months).collect(), Unit::Months { day: day as u8 }))
}

/// The sine and cosine of parts of a time that come round: hour and weekday, month; as far as the unit
/// tells them.
pub(super) fn angle(unit: Unit, part: Part, time: f64) -> [f64; 2] {
    let turn = match (unit, part) {
        (Unit::Days { .. }, Part::Hour) => time.rem_euclid(1.0),
        // 1 January 1970 was a Thursday.
        (Unit::Days { .. }, Part::Weekday) => (time.floor() + 3.0).rem_euclid(7.0) / 7.0,
        (Unit::Days { .. }, Part::Season) => {
            let (year, ..) = date_of_days(time.floor() as i64);
            let begin = days_since_epoch(year, 1, 1) as f64;
            (time - begin) / 366.0
        }
        (Unit::Months { .. }, Part::Season) => time.rem_euclid(12.0) / 12.0,
        _ => return [0.0; 2],
    };
    let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
    [sin, cos]
}

/// A part of a time that comes round again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The hour of the day.
    Hour,
    /// The day of the week.
    Weekday,
    /// The time of the year.
    Season,
}

impl Part {
    pub(super) const ALL: [Part; 3] = [Part::Hour, Part::Weekday, Part::Season];

    pub(super) fn word(self) -> &'static str {
        match self {
            Part::Hour => "hour",
            Part::Weekday => "weekday",
            Part::Season => "season",
        }
    }

    /// How long a round is; none where the unit does not tell it.
    pub(super) fn round(self, unit: Unit) -> Option<f64> {
        match (unit, self) {
            (Unit::Days { .. }, Part::Hour) => Some(1.0),
            (Unit::Days { .. }, Part::Weekday) => Some(7.0),
            (Unit::Days { .. }, Part::Season) => Some(365.25),
            (Unit::Months { .. }, Part::Season) => Some(12.0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(column: &[&str]) -> Result<(Vec<f64>, Unit), DataError> {
        let rows: Vec<Vec<&str>> = column.iter().map(|cell| vec![*cell]).collect();
        read(&RawTable::from_rows(&["t"], &rows)?, &[0])
    }

    #[test]
    fn times_are_read_as_they_are_usually_written() {
        let hours = times(&["2016-07-01 00:00:00", "2016-07-01 01:00:00"]).unwrap();
        assert_eq!(hours.1, Unit::Days { seconds: true });
        assert!((hours.0[1] - hours.0[0] - 1.0 / 24.0).abs() < 1e-9);
        assert_eq!(times(&["0.5", "1"]).unwrap(), (vec![0.5, 1.0], Unit::Number));
        let months = (vec![1949.0 * 12.0, 1949.0 * 12.0 + 1.0], Unit::Months { day: 0 });
        for column in
            [["1949-01", "1949-02"], ["1949 January", "1949 February"], ["Jan 1949", "Feb 1949"]]
        {
            assert_eq!(times(&column).unwrap(), months, "{column:?}");
        }
        // The first of each month: months, which are not equally long.
        let first = times(&["2020-01-01", "2020-02-01", "2020-03-01"]).unwrap();
        assert_eq!(first, (vec![24_240.0, 24_241.0, 24_242.0], Unit::Months { day: 1 }));
        assert_eq!(times(&["2020-01-01", "2020-01-02"]).unwrap().1, Unit::Days { seconds: false });
        // Which is the day shows in a later row.
        let days = times(&["01/02/2020", "13/02/2020"]).unwrap().0;
        assert_eq!(days[1] - days[0], 12.0);
    }

    #[test]
    fn a_time_that_is_none_is_named_with_its_line() {
        let error = times(&["2016-07-01", "soon", "2016-07-03"]).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("`soon`"), "{error}");
        let error = times(&["1", "", "3"]).unwrap_err().to_string();
        assert!(error.contains("no time"), "{error}");
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for (text, unit) in [
            ("2016-07-01 13:05:07", Unit::Days { seconds: true }),
            ("2016-02-29", Unit::Days { seconds: false }),
            ("1949-12", Unit::Months { day: 0 }),
            ("0.3", Unit::Number),
        ] {
            let (time, _) = times(&[text]).unwrap();
            assert_eq!(Clock { unit, step: 1.0 }.text(time[0]), text);
        }
    }

    #[test]
    fn parts_of_the_calendar_come_round() {
        let days = Unit::Days { seconds: true };
        // 19844 is Wednesday, 1 May 2024.
        let close = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(angle(days, Part::Hour, 19_844.25), [1.0, 0.0]));
        let wednesday = (2.0 / 7.0 * std::f64::consts::TAU).sin_cos();
        assert!(close(angle(days, Part::Weekday, 19_844.9), wednesday.into()));
        assert!(close(angle(Unit::Months { day: 0 }, Part::Season, 27.0), [1.0, 0.0]));
    }
}
