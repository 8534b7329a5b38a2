//! Dates in tables: how they are written, and the numbers they become.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// Which way round a column writes its dates. What follows the date, if anything, is a time:
/// `2024-05-01 13:45`, `01.05.2024T13:45:10.5Z`. A zone is read over: the time is taken as it is
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `2024-05-01`, `2024/05/01`, `2024.05.01`.
    YearFirst,
    /// `01.05.2024`, `01/05/2024`, `01-05-2024`: the first of May.
    DayFirst,
    /// `05/01/2024`, `05-01-2024`: the first of May.
    MonthFirst,
}

impl DateOrder {
    /// All of them; of two that fit a column the first is taken.
    pub(super) const ALL: [DateOrder; 3] =
        [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst];
}

/// A date and time of day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// Days since 1 January 1970, the time of day as their fraction.
    pub(super) days: f64,
    /// 0 (January) to 11.
    month: u8,
    /// 0 (Monday) to 6.
    weekday: u8,
    /// In hours, 0 to below 24.
    hour: f64,
}

/// A part of a date that comes round again and is told by two numbers: the sine and the cosine of
/// its angle in the round, so that December stands beside January.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cycle {
    /// The month of the year.
    Month,
    /// The day of the week.
    Weekday,
    /// The hour of the day, with its minutes as a fraction.
    Hour,
}

impl Cycle {
    pub(super) const ALL: [Cycle; 3] = [Cycle::Month, Cycle::Weekday, Cycle::Hour];

    pub(super) fn word(self) -> &'static str {
        match self {
            Cycle::Month => "month",
            Cycle::Weekday => "weekday",
            Cycle::Hour => "hour",
        }
    }
}

impl Moment {
    /// Reads a date, with or without a time; none where it is written otherwise or does not exist.
    pub(super) fn read(text: &str, order: DateOrder) -> Option<Moment> {
        let end = text.find(['T', ' ']).unwrap_or(text.len());
        let (date, time) = (&text[..end], text.get(end + 1..));
        let mark = date.chars().find(|c| !c.is_ascii_digit())?;
        if !['-', '/', '.'].contains(&mark) {
            return None;
        }
        let mut fields = date.split(mark);
        let fields = [fields.next()?, fields.next()?, fields.next()?, fields.next().unwrap_or("")];
        let [first, second, third, ""] = fields else { return None };
        let (year, month, day) = match order {
            DateOrder::YearFirst => (first, second, third),
            DateOrder::DayFirst => (third, second, first),
            // With points the day comes first everywhere.
            DateOrder::MonthFirst if mark == '.' => return None,
            DateOrder::MonthFirst => (third, first, second),
        };
        let year: i64 = number(year, 4, 4)?;
        let (month, day) = (number(month, 1, 2)?, number(day, 1, 2)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
        if !(1..=length).contains(&day) {
            return None;
        }
        let hour = time.map_or(Some(0.0), hours)?;
        let days = days_since_epoch(year, month, day);
        Some(Moment {
            days: days as f64 + hour / 24.0,
            month: (month - 1) as u8,
            // 1 January 1970 was a Thursday.
            weekday: (days + 3).rem_euclid(7) as u8,
            hour,
        })
    }

    /// Where in its round a part is, from 0 to below 1.
    pub(super) fn turn(&self, cycle: Cycle) -> f64 {
        match cycle {
            Cycle::Month => f64::from(self.month) / 12.0,
            Cycle::Weekday => f64::from(self.weekday) / 7.0,
            Cycle::Hour => self.hour / 24.0,
        }
    }

    /// Sine and cosine of the angle of a part.
    pub(super) fn angle(&self, cycle: Cycle) -> [f64; 2] {
        let (sin, cos) = (self.turn(cycle) * TAU).sin_cos();
        [sin, cos]
    }
}

/// The number that so many digits write.
fn number(digits: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}

/// The hours of a time of day: `13:45`, `13:45:10`, `13:45:10.5`, and a zone after it.
fn hours(text: &str) -> Option<f64> {
    let text = text.trim();
    let zone = text.find(['Z', '+', '-', ' ']).unwrap_or(text.len());
    let rest = text[zone..].trim_start();
    let is_zone = |c: char| c.is_ascii_digit() || c == ':';
    let zone_fits = match rest.chars().next() {
        None => true,
        Some('Z') => rest.len() == 1,
        Some('+' | '-') => rest.len() > 1 && rest[1..].chars().all(is_zone),
        Some(_) => rest == "UTC" || rest == "GMT",
    };
    let mut fields = text[..zone].split(':');
    let (hour, minute) = (number(fields.next()?, 1, 2)?, number(fields.next()?, 2, 2)?);
    let second = match fields.next() {
        None => 0.0,
        Some(second) => {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
            number(whole, 2, 2)?;
            number(fraction, 1, 9)?;
            second.parse::<f64>().ok()?
        }
    };
    let fits = zone_fits && fields.next().is_none() && hour < 24 && minute < 60 && second < 61.0;
    fits.then_some(hour as f64 + minute as f64 / 60.0 + second / 3600.0)
}

/// Days from 1 January 1970 to a date of the Gregorian calendar (Hinnant 2013,
/// howardhinnant.github.io/date_algorithms.html).
pub(super) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day, so many days after 1 January 1970: the inverse of [`days_since_epoch`].
pub(super) fn date_of_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DateOrder::{DayFirst, MonthFirst, YearFirst};

    #[test]
    fn dates_are_days_since_1970() {
        let days = |text, order| Moment::read(text, order).map(|m| m.days);
        // Python: (datetime.date(2024, 5, 1) - datetime.date(1970, 1, 1)).days == 19844
        assert_eq!(days("2024-05-01", YearFirst), Some(19_844.0));
        assert_eq!(days("2024/5/1", YearFirst), Some(19_844.0));
        assert_eq!(days("01.05.2024", DayFirst), Some(19_844.0));
        assert_eq!(days("05/01/2024", MonthFirst), Some(19_844.0));
        assert_eq!(days("1969-12-31", YearFirst), Some(-1.0));
        assert_eq!(days("2024-05-01 12:00", YearFirst), Some(19_844.5));
        assert_eq!(days("2024-05-01T06:00:00.000Z", YearFirst), Some(19_844.25));
        assert_eq!(days("2024-05-01T18:00:00+09:00", YearFirst), Some(19_844.75));
        // The jiff crate knows the calendar, too.
        for day in [-719_162, -1, 0, 11_016, 11_017, 19_782, 47_540, 2_932_896] {
            let span = jiff::Span::new().days(day);
            let date = jiff::civil::date(1970, 1, 1).checked_add(span).unwrap();
            let read = Moment::read(&date.to_string(), YearFirst).unwrap();
            assert_eq!(read.days, day as f64, "{date}");
            let weekday = date.weekday().to_monday_zero_offset();
            assert_eq!(i64::from(read.weekday), i64::from(weekday), "{date}");
        }
    }

    #[test]
    fn what_does_not_exist_is_no_date() {
        for (text, order) in [
            ("2023-02-29", YearFirst),
            ("2024-13-01", YearFirst),
            ("2024-00-10", YearFirst),
            ("24-05-01", YearFirst),
            ("2024-05", YearFirst),
            ("2024-05-01-02", YearFirst),
            ("2024-05/01", YearFirst),
            ("13/01/2024", MonthFirst),
            ("01.05.2024", MonthFirst),
            ("2024-05-01 25:00", YearFirst),
            ("2024-05-01 12", YearFirst),
            ("192.168.0.1", DayFirst),
            ("2024-05-01 noon", YearFirst),
            ("", YearFirst),
            ("2024-05-01T", YearFirst),
        ] {
            assert_eq!(Moment::read(text, order), None, "{text}");
        }
    }
}
