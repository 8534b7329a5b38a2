//! A look at what Thrift's compact protocol says before it is decoded: a number in it is how much the
//! decoder will allocate or how often it will go round, and a damaged file may say anything there
//! (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

use super::Broken;

/// Structures and lists within each other, at most.
const DEEPEST: usize = 32;

/// What is told of every field: the numbers of the fields that lead to it, and its value if that is a
/// whole number.
type See<'s> = &'s mut dyn FnMut(&[i64], Option<i64>) -> Result<(), Broken>;

/// Walks a structure and gives its length in bytes, or nothing where the bytes end early.
///
/// # Errors
/// What `see` objects to; nesting too deep, and kinds of values that Parquet does not use.
pub(super) fn walk(bytes: &[u8], see: See<'_>) -> Result<Option<usize>, Broken> {
    let mut walk = Walk { bytes, at: 0, short: false, path: Vec::new(), see };
    match walk.value(STRUCT, 0) {
        Ok(_) => Ok(Some(walk.at)),
        Err(_) if walk.short => Ok(None),
        Err(what) => Err(what),
    }
}

const STRUCT: u8 = 12;

struct Walk<'b, 's> {
    bytes: &'b [u8],
    at: usize,
    /// Whether the bytes ended early.
    short: bool,
    path: Vec<i64>,
    see: See<'s>,
}

impl Walk<'_, '_> {
    fn left(&self) -> u64 {
        (self.bytes.len() - self.at) as u64
    }

    fn pass(&mut self, length: u64) -> Result<(), Broken> {
        if length > self.left() {
            self.short = true;
            return Err(Broken::new("ends too early"));
        }
        self.at += length as usize;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        self.pass(1)?;
        Ok(self.bytes[self.at - 1])
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
        let value = self.varint()?;
        // The last bit is the sign.
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Walks a value; gives it if it is a whole number.
    fn value(&mut self, kind: u8, depth: usize) -> Result<Option<i64>, Broken> {
        if depth > DEEPEST {
            return Err(Broken::new("is nested too deeply"));
        }
        match kind {
            1 | 2 => {}
            3 => return Ok(Some(i64::from(self.byte()? as i8))),
            4..=6 => return Ok(Some(self.int()?)),
            7 => self.pass(8)?,
            8 => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    few => u64::from(few),
                };
                // Each item has a byte at least. Lists of booleans, for which that is in doubt, have
                // no place in a footer or a page's header.
                if count > self.left() {
                    self.short = true;
                    return Err(Broken::new("ends too early"));
                }
                if count > 0 && matches!(head & 15, 1 | 2) {
                    return Err(Broken::new("has a list of an unknown kind"));
                }
                for _ in 0..count {
                    self.value(head & 15, depth + 1)?;
                }
            }
            STRUCT => {
                let mut number = 0i64;
                loop {
                    let head = self.byte()?;
                    if head == 0 {
                        break;
                    }
                    number = match head >> 4 {
                        0 => self.int()?,
                        step => number.saturating_add(i64::from(step)),
                    };
                    self.path.push(number);
                    let value = self.value(head & 15, depth + 1)?;
                    (self.see)(&self.path, value)?;
                    self.path.pop();
                }
            }
            other => return Err(Broken::new(format!("has a field of the unknown kind {other}"))),
        }
        Ok(None)
    }
}
