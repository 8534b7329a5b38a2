//! Thrift's compact protocol, in which Parquet writes what is not data, read into plain values
//! (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

use super::Broken;

/// Structures and lists within each other, at most.
const DEEPEST: usize = 32;

/// A value; fields and items stand in the order in which they are written.
#[derive(Debug)]
pub(super) enum Value<'b> {
    Bool(bool),
    Int(i64),
    Text(&'b [u8]),
    List(Vec<Value<'b>>),
    Struct(Vec<(i16, Value<'b>)>),
    /// A kind that no field in use has.
    Other,
}

impl<'b> Value<'b> {
    /// Reads a structure; gives it and its length in bytes, or nothing where the bytes end early.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Option<(Self, usize)>, Broken> {
        let mut reader = Reader { bytes, at: 0, short: false };
        match reader.value(STRUCT, 0) {
            Ok(value) => Ok(Some((value, reader.at))),
            Err(_) if reader.short => Ok(None),
            Err(what) => Err(what),
        }
    }

    /// The field of this number, if the value is a structure that has it.
    pub(super) fn field(&self, number: i16) -> Option<&Value<'b>> {
        match self {
            Value::Struct(fields) => {
                fields.iter().find(|(found, _)| *found == number).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(super) fn int(&self, number: i16) -> Option<i64> {
        match self.field(number) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bool(&self, number: i16) -> Option<bool> {
        match self.field(number) {
            Some(Value::Bool(bool)) => Some(*bool),
            _ => None,
        }
    }

    pub(super) fn text(&self, number: i16) -> Option<String> {
        match self.field(number) {
            Some(Value::Text(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The items of a list; none where there is no such field.
    pub(super) fn list(&self, number: i16) -> &[Value<'b>] {
        match self.field(number) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}

const LIST: u8 = 9;
const STRUCT: u8 = 12;

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Whether the bytes ended early.
    short: bool,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Broken> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            self.short = true;
            return Err(Broken::new("ends too early"));
        };
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(Broken::new("has a number of more than 64 bits"))
    }

    fn int(&mut self) -> Result<i64, Broken> {
        self.varint().map(unzigzag)
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<Value<'b>, Broken> {
        if depth > DEEPEST {
            return Err(Broken::new("is nested too deeply"));
        }
        Ok(match kind {
            1 | 2 => Value::Bool(kind == 1),
            3 => Value::Int(i64::from(self.byte()? as i8)),
            4..=6 => Value::Int(self.int()?),
            7 => {
                self.take(8)?;
                Value::Other
            }
            8 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Value::Text(self.take(length)?)
            }
            // A set is written as a list.
            LIST | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    few => u64::from(few),
                };
                // Each item has a byte at least, so that no count is believed.
                if count > (self.bytes.len() - self.at) as u64 {
                    self.short = true;
                    return Err(Broken::new("ends too early"));
                }
                let item = |reader: &mut Self| match head & 15 {
                    // Within a list a boolean is a byte of its own.
                    1 | 2 => Ok(Value::Bool(reader.byte()? == 1)),
                    kind => reader.value(kind, depth + 1),
                };
                Value::List((0..count).map(|_| item(self)).collect::<Result<_, _>>()?)
            }
            STRUCT => {
                let (mut fields, mut number) = (Vec::new(), 0i16);
                loop {
                    let head = self.byte()?;
                    if head == 0 {
                        break Value::Struct(fields);
                    }
                    number = match head >> 4 {
                        0 => self.int()? as i16,
                        step => number.wrapping_add(i16::from(step)),
                    };
                    fields.push((number, self.value(head & 15, depth + 1)?));
                }
            }
            other => return Err(Broken::new(format!("has a field of the unknown kind {other}"))),
        })
    }
}

/// A signed number from one whose last bit is the sign.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
