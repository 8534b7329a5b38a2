//! What the values of a column are, and how they are written in a table.

use std::io::Write;

use super::Broken;
use super::thrift::Value;
use crate::data::date::date_of_days;
use crate::data::npy::half;

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Physical {
    Bool,
    I32,
    I64,
    I96,
    F32,
    F64,
    Bytes,
    Fixed(usize),
}

/// A value as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'p> {
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Bytes(&'p [u8]),
}

/// What values mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// What is stored: a number, true or false.
    Plain,
    /// Never a value.
    Null,
    /// A whole number ≥ 0 of so many bits.
    Unsigned(u32),
    /// A number with so many decimals.
    Decimal(usize),
    Date,
    /// Of day, in so many parts of a second.
    Time(u32),
    /// Parts of a second since 1970, and whether that is UTC.
    Moment(u32, bool),
    /// Days and nanoseconds of an older way to write moments.
    JulianMoment,
    Half,
    Text,
    Uuid,
}

const MILLIS: u32 = 1_000;
const MICROS: u32 = 1_000_000;
const NANOS: u32 = 1_000_000_000;

impl Physical {
    /// How the values of a column of the schema are stored.
    pub(super) fn read(element: &Value<'_>) -> Result<Physical, Broken> {
        Ok(match element.int(1) {
            Some(0) => Physical::Bool,
            Some(1) => Physical::I32,
            Some(2) => Physical::I64,
            Some(3) => Physical::I96,
            Some(4) => Physical::F32,
            Some(5) => Physical::F64,
            Some(6) => Physical::Bytes,
            Some(7) => match element.int(2) {
                Some(length @ 1..=0xFFFF) => Physical::Fixed(length as usize),
                _ => return Err(Broken::new("has values of a wrong length")),
            },
            _ => return Err(Broken::new("is of no known type")),
        })
    }

    /// Bytes of a value, where all have as many; booleans are bits.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Physical::I32 | Physical::F32 => Some(4),
            Physical::I64 | Physical::F64 => Some(8),
            Physical::I96 => Some(12),
            Physical::Fixed(size) => Some(size),
            Physical::Bool | Physical::Bytes => None,
        }
    }

    /// The value that these bytes are.
    pub(super) fn raw(self, bytes: &[u8]) -> Raw<'_> {
        let four = || bytes.first_chunk().copied().unwrap_or_default();
        let eight = || bytes.first_chunk().copied().unwrap_or_default();
        match self {
            Physical::I32 => Raw::Int(i64::from(i32::from_le_bytes(four()))),
            Physical::I64 => Raw::Int(i64::from_le_bytes(eight())),
            Physical::F32 => Raw::Float(f32::from_le_bytes(four())),
            Physical::F64 => Raw::Double(f64::from_le_bytes(eight())),
            _ => Raw::Bytes(bytes),
        }
    }
}

impl Kind {
    /// What the values of a column mean: by its logical type, else by its older converted type.
    pub(super) fn read(element: &Value<'_>, physical: Physical) -> Result<Kind, Broken> {
        use Physical::{Bytes, Fixed, I32, I64, I96};
        let no = |what: &str| Err(Broken::new(format!("holds {what}, which is not read")));
        let decimals = |scale: Option<i64>| match scale.unwrap_or(0) {
            scale @ 0..=38 => Ok(Kind::Decimal(scale as usize)),
            _ => no("decimals of a wrong scale"),
        };
        let unit = |about: &Value<'_>| {
            let unit = about.field(2);
            let is = |number| unit.is_some_and(|unit| unit.field(number).is_some());
            if is(1) {
                MILLIS
            } else if is(2) {
                MICROS
            } else {
                NANOS
            }
        };
        let logical = match element.field(10) {
            Some(Value::Struct(fields)) => fields.first(),
            _ => None,
        };
        let kind = match (logical, element.int(6)) {
            (Some((1 | 4 | 12, _)), _) | (None, Some(0 | 4 | 19)) => Kind::Text,
            (Some((5, about)), _) => decimals(about.int(1))?,
            (None, Some(5)) => decimals(element.int(7))?,
            (Some((6, _)), _) | (None, Some(6)) => Kind::Date,
            (Some((7, about)), _) => Kind::Time(unit(about)),
            (None, Some(7)) => Kind::Time(MILLIS),
            (None, Some(8)) => Kind::Time(MICROS),
            (Some((8, about)), _) => Kind::Moment(unit(about), about.bool(1).unwrap_or(false)),
            (None, Some(9)) => Kind::Moment(MILLIS, true),
            (None, Some(10)) => Kind::Moment(MICROS, true),
            (Some((10, about)), _) => match (about.bool(2), about.int(1)) {
                (Some(false), Some(bits @ (8 | 16 | 32 | 64))) => Kind::Unsigned(bits as u32),
                _ => Kind::Plain,
            },
            (None, Some(bits @ 11..=14)) => Kind::Unsigned(8 << (bits - 11)),
            (Some((11, _)), _) => Kind::Null,
            (Some((14, _)), _) => Kind::Uuid,
            (Some((15, _)), _) => Kind::Half,
            (Some((13, _)), _) | (None, Some(20)) => return no("BSON"),
            (None, Some(21)) => return no("intervals of time"),
            (Some((16.., _)), _) => return no("values of a newer kind"),
            _ => match physical {
                // Older writers do not say that bytes are text.
                Bytes | Fixed(_) => Kind::Text,
                I96 => Kind::JulianMoment,
                _ => Kind::Plain,
            },
        };
        let fits = match kind {
            Kind::Null => true,
            Kind::Plain => !matches!(physical, Bytes | Fixed(_) | I96),
            Kind::Unsigned(_) => matches!(physical, I32 | I64),
            Kind::Decimal(_) => matches!(physical, I32 | I64 | Bytes | Fixed(_)),
            Kind::Date => physical == I32,
            Kind::Time(_) => matches!(physical, I32 | I64),
            Kind::Moment(..) => physical == I64,
            Kind::JulianMoment => physical == I96,
            Kind::Half => physical == Fixed(2),
            Kind::Text => matches!(physical, Bytes | Fixed(_)),
            Kind::Uuid => physical == Fixed(16),
        };
        match fits {
            true => Ok(kind),
            false => Err(Broken::new("is stored otherwise than its type says")),
        }
    }

    /// Adds a value's text to `out`: nothing where it is not a number, or null.
    pub(super) fn write(self, raw: Raw<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
        // Writing to memory does not fail.
        let _ = match (self, raw) {
            (Kind::Null, _) => Ok(()),
            (Kind::Plain, Raw::Bool(value)) => write!(out, "{value}"),
            (Kind::Plain, Raw::Int(value)) => write!(out, "{value}"),
            (Kind::Plain, Raw::Float(x)) if !(1e-6..1e16).contains(&x.abs()) && x != 0.0 => {
                if x.is_nan() { Ok(()) } else { write!(out, "{x:e}") }
            }
            (Kind::Plain, Raw::Float(x)) => write!(out, "{x}"),
            (Kind::Plain, Raw::Double(x)) => write_double(x, out),
            (Kind::Unsigned(bits), Raw::Int(value)) => {
                write!(out, "{}", value as u64 & (u64::MAX >> (64 - bits)))
            }
            (Kind::Decimal(scale), Raw::Int(value)) => write_decimal(value.into(), scale, out),
            (Kind::Decimal(scale), Raw::Bytes(bytes)) => {
                return match big_endian(bytes) {
                    Some(value) => write_decimal(value, scale, out).map_err(|_| unwritten()),
                    None => Err(Broken::new("has a decimal of more than 38 digits")),
                };
            }
            (Kind::Date, Raw::Int(days)) => write_date(days, out),
            (Kind::Time(parts), Raw::Int(time)) => match u64::try_from(time) {
                Ok(time) => write_time(time, parts, out),
                Err(_) => return Err(Broken::new("has a negative time of day")),
            },
            (Kind::Moment(parts, utc), Raw::Int(time)) => {
                let day = 86_400 * i64::from(parts);
                let _ = write_date(time.div_euclid(day), out);
                out.push(b' ');
                let _ = write_time(time.rem_euclid(day) as u64, parts, out);
                write!(out, "{}", if utc { "Z" } else { "" })
            }
            (Kind::JulianMoment, Raw::Bytes(bytes)) => {
                let Some((time, days)) = bytes.split_first_chunk() else { return Err(unwritten()) };
                let days = days.first_chunk().copied().map_or(0, i32::from_le_bytes);
                // 1 January 1970 is the Julian day 2440588.
                let _ = write_date(i64::from(days) - 2_440_588, out);
                out.push(b' ');
                write_time(u64::from_le_bytes(*time), NANOS, out)
            }
            (Kind::Half, Raw::Bytes([low, high])) => {
                write_double(half(u16::from_le_bytes([*low, *high])), out)
            }
            (Kind::Text, Raw::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => out.write_all(text.as_bytes()),
                Err(_) => return Err(Broken::new("holds bytes that are no text in UTF-8")),
            },
            (Kind::Uuid, Raw::Bytes(bytes)) => {
                bytes.iter().enumerate().try_for_each(|(i, byte)| {
                    let dash = if matches!(i, 4 | 6 | 8 | 10) { "-" } else { "" };
                    write!(out, "{dash}{byte:02x}")
                })
            }
            _ => return Err(unwritten()),
        };
        Ok(())
    }
}

fn unwritten() -> Broken {
    Broken::new("is stored otherwise than its type says")
}

/// The shortest text that gives the number back, with an exponent where it has many zeros.
fn write_double(x: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
    match x.abs() {
        size if size == 0.0 || (1e-6..1e16).contains(&size) => write!(out, "{x}"),
        size if size.is_nan() => Ok(()),
        _ => write!(out, "{x:e}"),
    }
}

/// A signed number whose highest byte comes first; none of more than 16 bytes.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|byte| *byte >= 128);
    let fill = if negative { 0xFF } else { 0 };
    let extra = bytes.len().saturating_sub(16);
    let (above, bytes) = bytes.split_at(extra);
    let sign = bytes.first().is_some_and(|byte| *byte >= 128);
    if above.iter().any(|byte| *byte != fill) || sign != negative {
        return None;
    }
    let mut wide = [fill; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

fn write_decimal(value: i128, scale: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>1$}", value.unsigned_abs(), scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    write!(out, "{sign}{whole}{point}{decimals}")
}

fn write_date(days: i64, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (year, month, day) = date_of_days(days);
    write!(out, "{year:04}-{month:02}-{day:02}")
}

/// A time of day, its fraction of a second without zeros at the end.
fn write_time(time: u64, parts: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (seconds, rest) = (time / u64::from(parts), time % u64::from(parts));
    write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    if rest > 0 {
        let digits = parts.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(out, ".{}", fraction.trim_end_matches('0'))?;
    }
    Ok(())
}
