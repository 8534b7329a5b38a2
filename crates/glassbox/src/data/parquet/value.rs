//! What the values of a column are, and how they are written in a table.

use std::io::Write;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::Type;

use super::Broken;
use crate::data::date::date_of_days;
use crate::data::npy::half;

/// What is wrong with a column that has parts or lists.
pub(super) const NESTED: &str = "is nested (a list, a map or a structure), not one value a row";

/// A value as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'p> {
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Bytes(&'p [u8]),
    /// 96 bits, the lowest 32 first.
    Wide(&'p [u32]),
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

impl Kind {
    /// What the values of a column mean: by its logical type, else by its older converted type.
    pub(super) fn read(column: &Type) -> Result<Kind, Broken> {
        use Physical::{BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY, INT32, INT64, INT96};
        let Type::PrimitiveType { physical_type: physical, type_length, scale, .. } = column else {
            return Err(Broken::new(NESTED));
        };
        let no = |what: &str| Err(Broken::new(format!("holds {what}, which is not read")));
        let decimals = |scale: i32| match scale {
            0..=38 => Ok(Kind::Decimal(scale as usize)),
            _ => no("decimals of a wrong scale"),
        };
        let parts = |unit: TimeUnit| match unit {
            TimeUnit::MILLIS => MILLIS,
            TimeUnit::MICROS => MICROS,
            TimeUnit::NANOS => NANOS,
        };
        let about = column.get_basic_info();
        let kind = match about.logical_type_ref() {
            Some(logical) => match logical {
                LogicalType::String | LogicalType::Enum | LogicalType::Json => Kind::Text,
                LogicalType::Decimal(decimal) => decimals(decimal.scale)?,
                LogicalType::Date => Kind::Date,
                LogicalType::Time(time) => Kind::Time(parts(time.unit)),
                LogicalType::Timestamp(moment) => {
                    Kind::Moment(parts(moment.unit), moment.is_adjusted_to_u_t_c)
                }
                LogicalType::Integer(whole) if !whole.is_signed => {
                    match u32::try_from(whole.bit_width) {
                        Ok(bits @ (8 | 16 | 32 | 64)) => Kind::Unsigned(bits),
                        _ => return no("whole numbers of a wrong width"),
                    }
                }
                LogicalType::Integer(_) => Kind::Plain,
                LogicalType::Unknown => Kind::Null,
                LogicalType::Uuid => Kind::Uuid,
                LogicalType::Float16 => Kind::Half,
                LogicalType::Bson => return no("BSON"),
                _ => return no("values of a newer kind"),
            },
            None => match about.converted_type() {
                ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Kind::Text,
                ConvertedType::DECIMAL => decimals((*scale).max(0))?,
                ConvertedType::DATE => Kind::Date,
                ConvertedType::TIME_MILLIS => Kind::Time(MILLIS),
                ConvertedType::TIME_MICROS => Kind::Time(MICROS),
                ConvertedType::TIMESTAMP_MILLIS => Kind::Moment(MILLIS, true),
                ConvertedType::TIMESTAMP_MICROS => Kind::Moment(MICROS, true),
                ConvertedType::UINT_8 => Kind::Unsigned(8),
                ConvertedType::UINT_16 => Kind::Unsigned(16),
                ConvertedType::UINT_32 => Kind::Unsigned(32),
                ConvertedType::UINT_64 => Kind::Unsigned(64),
                ConvertedType::BSON => return no("BSON"),
                ConvertedType::INTERVAL => return no("intervals of time"),
                _ => match physical {
                    // Older writers do not say that bytes are text.
                    BYTE_ARRAY | FIXED_LEN_BYTE_ARRAY => Kind::Text,
                    INT96 => Kind::JulianMoment,
                    _ => Kind::Plain,
                },
            },
        };
        let fixed = *physical == FIXED_LEN_BYTE_ARRAY;
        let bytes = fixed || *physical == BYTE_ARRAY;
        let whole = matches!(physical, INT32 | INT64);
        let fits = match kind {
            Kind::Null => true,
            Kind::Plain => !bytes && *physical != INT96,
            Kind::Unsigned(_) | Kind::Time(_) => whole,
            Kind::Decimal(_) => whole || bytes,
            Kind::Date => *physical == INT32,
            Kind::Moment(..) => *physical == INT64,
            Kind::JulianMoment => *physical == INT96,
            Kind::Half => fixed && *type_length == 2,
            Kind::Text => bytes,
            Kind::Uuid => fixed && *type_length == 16,
        };
        match fits {
            _ if fixed && !(1..=0xFFFF).contains(type_length) => {
                Err(Broken::new("has values of a wrong length"))
            }
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
            (Kind::JulianMoment, Raw::Wide(&[low, high, days])) => {
                // 1 January 1970 is the Julian day 2440588.
                let _ = write_date(i64::from(days as i32) - 2_440_588, out);
                out.push(b' ');
                write_time(u64::from(high) << 32 | u64::from(low), NANOS, out)
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
