//! The NPY format of NumPy (NEP 1, versions 1 to 3): a header in Python's words, then the numbers.

use std::path::{Path, PathBuf};

use glassbox_engine::Array;

use super::builder::Builder;
use super::dataset::{Dataset, short_name};
use super::error::{DataError, Place};
use super::options::Options;
use super::rows::Targets;
use super::source::Source;
use super::table::RawTable;

/// The longest header, in bytes: 1 MiB.
const LONGEST_HEADER: usize = 1 << 20;
/// The most bytes that are held at once, of arrays in Fortran's order: 16 GiB.
const LARGEST: u64 = 16 << 30;
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// What an array's elements are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Element {
    /// `f`, `i`, `u` or `b`.
    kind: u8,
    /// In bytes.
    size: usize,
    big_endian: bool,
}

/// An array whose header is read and whose numbers follow.
pub(super) struct Npy<'s> {
    source: Source<'s>,
    element: Element,
    fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl<'s> Npy<'s> {
    /// Reads the header.
    ///
    /// # Errors
    /// Another format, version or element type; sizes whose product overflows. Nothing is allocated
    /// for what a header merely claims.
    pub(super) fn open(mut source: Source<'s>) -> Result<Self, DataError> {
        let mut start = [0u8; 8];
        fill(&mut source, &mut start)?;
        if !start.starts_with(MAGIC) {
            return Err(broken(&source.name, "does not begin as an NPY file".into()));
        }
        let mut length = [0u8; 4];
        match start[6] {
            1 => fill(&mut source, &mut length[..2])?,
            2 | 3 => fill(&mut source, &mut length)?,
            other => {
                let what = format!("is of version {other}; versions 1 to 3 can be read");
                return Err(broken(&source.name, what));
            }
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_HEADER {
            let what = format!("claims a header of {length} bytes");
            return Err(broken(&source.name, what));
        }
        let mut header = vec![0; length];
        fill(&mut source, &mut header)?;
        let header = String::from_utf8_lossy(&header).into_owned();
        let (element, fortran, shape) = parse_header(&header)
            .map_err(|what| broken(&source.name, format!("{what} in its header")))?;
        let bytes = shape.iter().try_fold(element.size, |product, n| product.checked_mul(*n));
        if bytes.is_none_or(|bytes| bytes == 0) {
            return Err(broken(&source.name, format!("holds no numbers: its shape is {shape:?}")));
        }
        Ok(Npy { source, element, fortran, shape })
    }

    /// The numbers row by row: `see` gets each row's numbers, `shape[1..]` of them in C's order.
    ///
    /// # Errors
    /// Fewer or more bytes than the header says, and what `see` says.
    pub(super) fn each_row(
        mut self,
        mut see: impl FnMut(usize, &[f64]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let rows = self.shape.first().copied().unwrap_or(1);
        let width: usize = self.shape.iter().skip(1).product();
        let size = self.element.size;
        let mut numbers = Vec::new();
        if self.fortran && self.shape.len() > 1 {
            let claimed = (rows * width * size) as u64;
            let bytes = self.source.rest(claimed.min(LARGEST))?;
            if bytes.len() as u64 != claimed {
                return Err(self.wrong_length());
            }
            // The first axis runs fastest: element (i, j, k) stands at i + rows · (j + n₁ · k).
            let sizes = &self.shape[1..];
            for row in 0..rows {
                numbers.clear();
                for place in 0..width {
                    let (mut rest, mut at, mut stride) = (place, row, rows * width);
                    let mut axes = Vec::with_capacity(sizes.len());
                    for n in sizes.iter().rev() {
                        axes.push(rest % n);
                        rest /= n;
                    }
                    // Strides grow from the first axis to the last.
                    for (index, n) in axes.iter().zip(sizes.iter().rev()) {
                        stride /= n;
                        at += index * stride;
                    }
                    numbers.push(self.element.number(&bytes[at * size..(at + 1) * size]));
                }
                see(row, &numbers)?;
            }
            return Ok(());
        }
        let mut bytes = Vec::new();
        for row in 0..rows {
            // Grows with what is there, not with what the header claims.
            bytes.clear();
            while bytes.len() < width * size {
                let more = (width * size - bytes.len()).min(1 << 16);
                let start = bytes.len();
                bytes.resize(start + more, 0);
                if fill(&mut self.source, &mut bytes[start..]).is_err() {
                    return Err(self.wrong_length());
                }
            }
            numbers.clear();
            numbers.extend(bytes.chunks_exact(size).map(|bytes| self.element.number(bytes)));
            see(row, &numbers)?;
        }
        match self.source.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.wrong_length()),
        }
    }

    /// Whether the elements are whole numbers.
    pub(super) fn is_whole(&self) -> bool {
        self.element.kind != b'f'
    }

    fn wrong_length(&self) -> DataError {
        let what = format!("does not hold the {:?} numbers that its header promises", self.shape);
        broken(&self.source.name, what)
    }

    fn name(&self) -> &str {
        &self.source.name
    }
}

impl Element {
    fn number(self, bytes: &[u8]) -> f64 {
        let mut wide = [0u8; 8];
        wide[..self.size].copy_from_slice(bytes);
        if self.big_endian {
            wide[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(wide);
        // Signed ones carry their sign to the left.
        let shift = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (b'f', 2) => half(bits as u16),
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => ((bits << shift) as i64 >> shift) as f64,
            _ => bits as f64,
        }
    }
}

/// An IEEE 754 half as f64.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(header: &str) -> Result<(Element, bool, Vec<usize>), String> {
    let after = |key: &str| {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let found = quoted.iter().find_map(|key| Some(header.split_once(key.as_str())?.1));
        let rest = found.and_then(|rest| rest.trim_start().strip_prefix(':'));
        rest.map(str::trim_start).ok_or_else(|| format!("no `{key}`"))
    };
    let descr = after("descr")?;
    let quote = descr.chars().next().filter(|c| ['\'', '"'].contains(c));
    let descr = quote.and_then(|quote| descr[1..].split_once(quote)).map(|(text, _)| text);
    let descr = descr.ok_or("records instead of numbers")?;
    let element = element(descr).ok_or_else(|| format!("the element type `{descr}`"))?;
    let fortran = match after("fortran_order")? {
        text if text.starts_with("True") => true,
        text if text.starts_with("False") => false,
        _ => return Err("a wrong `fortran_order`".into()),
    };
    let shape = after("shape")?.strip_prefix('(').and_then(|text| text.split_once(')'));
    let (shape, _) = shape.ok_or("a wrong `shape`")?;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes: Result<Vec<usize>, _> = sizes.map(str::parse).collect();
    Ok((element, fortran, sizes.map_err(|_| "a wrong `shape`")?))
}

fn element(descr: &str) -> Option<Element> {
    let (order, rest) = match descr.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
        rest => (b'=', rest),
    };
    let (kind, size) = match rest {
        b"?" => (b'b', 1),
        [kind, size] if size.is_ascii_digit() => (*kind, usize::from(size - b'0')),
        _ => return None,
    };
    let known = match kind {
        b'f' => matches!(size, 2 | 4 | 8),
        b'i' | b'u' => matches!(size, 1 | 2 | 4 | 8),
        b'b' => size == 1,
        _ => false,
    };
    known.then_some(Element { kind, size, big_endian: order == b'>' })
}

/// The file of the targets that belong to a file of inputs, where its name says that it has one:
/// `X.npy` and `y.npy`, `X_train.npy` and `y_train.npy`, `flowers_X.npy` and `flowers_y.npy`.
pub(super) fn partner(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (stem, extension) = name.split_once(".npy")?;
    let parts: Vec<&str> = stem.split('_').collect();
    let at = parts.iter().position(|part| ["X", "x"].contains(part))?;
    ["y", "Y"].iter().find_map(|target| {
        let mut parts = parts.clone();
        parts[at] = target;
        let path = path.with_file_name(format!("{}.npy{extension}", parts.join("_")));
        path.is_file().then_some(path)
    })
}

/// The file of inputs in a folder that has the file of their targets, too.
pub(super) fn inputs_in(folder: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.sort_unstable();
    files.into_iter().find(|file| partner(file).is_some())
}

/// A table of one or two arrays: a column `x1`, `x2` … for each column of the inputs, and `y` (or
/// `y1`, `y2` …) for the targets. Of one array alone the last column is called `y`.
pub(super) fn table(
    inputs: Npy<'_>,
    targets: Option<Npy<'_>>,
    memory: usize,
) -> Result<RawTable, DataError> {
    let width_of = |npy: &Npy<'_>| match npy.shape[..] {
        [_] => Ok(1),
        [_, width] => Ok(width),
        _ => {
            let what = format!("has the shape {:?}; a table has rows and columns", npy.shape);
            Err(broken(npy.name(), what))
        }
    };
    let width = width_of(&inputs)?;
    let mut names: Vec<String> = (1..=width.min(1 << 20)).map(|i| format!("x{i}")).collect();
    if names.len() < width {
        return Err(broken(inputs.name(), format!("claims {width} columns")));
    }
    let mut told = Vec::new();
    let (mut told_width, mut told_kind) = (0, (false, false));
    match targets {
        Some(targets) => {
            told_width = width_of(&targets)?;
            if targets.shape.first() != inputs.shape.first() {
                return Err(DataError::new(
                    Place::file(targets.name()),
                    format!(
                        "has the shape {:?}, but {} has {:?}",
                        targets.shape,
                        inputs.name(),
                        inputs.shape
                    ),
                    "the two files must belong together: as many rows in each",
                ));
            }
            match told_width {
                1 => names.push("y".into()),
                several => names.extend((1..=several).map(|i| format!("y{i}"))),
            }
            told_kind = (targets.is_whole(), targets.element.size <= 4);
            targets.each_row(|_, numbers| {
                told.extend_from_slice(numbers);
                Ok(())
            })?;
        }
        None if width > 1 => names[width - 1] = "y".into(),
        None => {}
    }
    let mut builder = Builder::new(inputs.name(), false, memory);
    builder.keep_blank = true;
    builder.header(names, 0);
    let (whole, single) = (inputs.is_whole(), inputs.element.size <= 4);
    inputs.each_row(|row, numbers| {
        let own = told.get(row * told_width..(row + 1) * told_width).unwrap_or_default();
        let own = own.iter().map(|x| text_of(*x, told_kind.0, told_kind.1));
        let cells = numbers.iter().map(|x| text_of(*x, whole, single));
        let cells: Vec<String> = cells.chain(own).collect();
        builder.row(cells.iter().map(String::as_bytes), row as u64 + 1)
    })?;
    builder.finish()
}

/// A dataset of inputs of more axes (images `[rows, height, width, channels]`, say) and a target
/// each: whole numbers are labels, others numbers.
pub(super) fn dataset(
    inputs: Npy<'_>,
    targets: Npy<'_>,
    options: &Options,
) -> Result<Dataset, DataError> {
    let (name, shape) = (inputs.name().to_string(), inputs.shape.clone());
    let mut numbers = Vec::new();
    inputs.each_row(|_, row| {
        numbers.extend(row.iter().map(|x| *x as f32));
        Ok(())
    })?;
    let whole = targets.is_whole();
    let mut told = Vec::new();
    targets.each_row(|_, row| {
        told.extend_from_slice(row);
        Ok(())
    })?;
    let targets = match whole {
        true => Targets::Classes(told.iter().map(|x| *x as i64).collect()),
        false => Targets::Values(told.iter().map(|x| *x as f32).collect()),
    };
    let inputs = Array::new(shape, numbers).map_err(|what| broken(&name, what.to_string()))?;
    let mut dataset = Dataset::from_arrays(inputs, targets, options)?;
    dataset.name = short_name(&name);
    dataset.source = name;
    Ok(dataset)
}

/// A number in the shortest text that gives it back; nothing where it is not a number.
fn text_of(x: f64, whole: bool, single: bool) -> String {
    match (x.is_nan(), whole, single) {
        (true, ..) => String::new(),
        (_, true, _) => format!("{x}"),
        (_, _, true) => format!("{}", x as f32),
        _ => format!("{x}"),
    }
}

fn fill(source: &mut Source<'_>, out: &mut [u8]) -> Result<(), DataError> {
    let mut filled = 0;
    while filled < out.len() {
        match source.read(&mut out[filled..])? {
            0 => return Err(broken(&source.name, "ends too early".into())),
            read => filled += read,
        }
    }
    Ok(())
}

fn broken(name: &str, what: String) -> DataError {
    let cure = "write it again with numpy.save, as an array of numbers";
    DataError::new(Place::file(name), what, cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_numpys_words() {
        let (element, fortran, shape) =
            parse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n")
                .unwrap();
        assert_eq!((element.kind, element.size, fortran, shape), (b'f', 4, false, vec![3, 4]));
        assert_eq!(
            parse_header("{'descr': '|b1', 'fortran_order': True, 'shape': (7,)}").unwrap().2,
            [7]
        );
        for wrong in [
            "",
            "{'descr': '<f4'}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
            "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': No, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2",
        ] {
            assert!(parse_header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn halves_are_those_of_ieee_754() {
        for (bits, value) in [(0x3C00, 1.0), (0xC000, -2.0), (0x7BFF, 65504.0), (1, 2f64.powi(-24))]
        {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7C00) == f64::INFINITY && half(0x7E00).is_nan());
    }
}
