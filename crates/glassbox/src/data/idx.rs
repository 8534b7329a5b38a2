//! The IDX format of MNIST (LeCun, Cortes and Burges, yann.lecun.com/exdb/mnist): a big-endian
//! header of type, number of axes and their sizes, then the elements, row-major.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, Place};

/// The largest file that is read, in bytes once decompressed: 16 GiB.
const LARGEST: u64 = 16 << 30;

/// What an IDX file of unsigned bytes holds.
///
/// ```
/// use glassbox::data::Idx;
/// let labels = Idx::from_bytes("labels", &[0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])?;
/// assert_eq!((labels.shape, labels.bytes), (vec![3], vec![7, 2, 1]));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The sizes of the axes, the number of items first.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub bytes: Vec<u8>,
}

impl Idx {
    /// Reads an IDX file, gzipped or not.
    ///
    /// # Errors
    /// As [`Idx::from_bytes`], and files that cannot be read.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| {
            let what = format!("cannot be opened: {e}");
            DataError::new(Place::file(&name), what, "check the path and its rights")
        })?;
        read(&name, BufReader::new(file))
    }

    /// Reads the content of an IDX file, gzipped or not; `name` is for messages.
    ///
    /// # Errors
    /// Another format or element type, a size that the content does not have (nothing is allocated
    /// for what a header merely claims), broken compression.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, DataError> {
        read(name, bytes)
    }
}

fn read(name: &str, mut source: impl BufRead) -> Result<Idx, DataError> {
    let start = source.fill_buf().map_err(|e| unreadable(name, &e))?;
    match start.starts_with(&[0x1f, 0x8b]) {
        true => read_plain(name, MultiGzDecoder::new(source)),
        false => read_plain(name, source),
    }
}

fn read_plain(name: &str, mut source: impl Read) -> Result<Idx, DataError> {
    let mut magic = [0; 4];
    fill(name, &mut source, &mut magic)?;
    let [0, 0, element, axes @ 1..=8] = magic else {
        let what = format!(
            "begins with {magic:02x?}, not with the magic number of IDX (00 00, type, axes)"
        );
        return Err(broken(name, what));
    };
    check_element(name, element)?;
    let mut shape = Vec::new();
    for _ in 0..axes {
        let mut size = [0; 4];
        fill(name, &mut source, &mut size)?;
        shape.push(u32::from_be_bytes(size) as usize);
    }
    let claimed = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
    let Some(claimed) = claimed.filter(|bytes| *bytes <= LARGEST) else {
        let what = format!("its header claims {shape:?} bytes, more than 16 GiB");
        return Err(broken(name, what));
    };
    // One byte more than claimed, so that a longer file is noticed; memory grows with what is
    // really there.
    let mut bytes = Vec::new();
    source.take(claimed + 1).read_to_end(&mut bytes).map_err(|e| unreadable(name, &e))?;
    let found = bytes.len() as u64;
    if found != claimed {
        let found = if found > claimed { "more".into() } else { found.to_string() };
        let what = format!("its header promises {shape:?}, {claimed} bytes, but {found} follow it");
        return Err(broken(name, what));
    }
    Ok(Idx { shape, bytes })
}

fn fill(name: &str, source: &mut impl Read, header: &mut [u8; 4]) -> Result<(), DataError> {
    source.read_exact(header).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => broken(name, "ends within its header".into()),
        _ => unreadable(name, &e),
    })
}

fn check_element(name: &str, element: u8) -> Result<(), DataError> {
    let found = match element {
        0x08 => return Ok(()),
        0x09 => "signed bytes",
        0x0B => "16-bit integers",
        0x0C => "32-bit integers",
        0x0D => "32-bit floats",
        0x0E => "64-bit floats",
        other => return Err(broken(name, format!("has the unknown element type 0x{other:02x}"))),
    };
    let cure = "write the file with unsigned bytes (type 0x08)";
    Err(DataError::new(Place::file(name), format!("holds {found}, not unsigned bytes"), cure))
}

fn broken(name: &str, what: String) -> DataError {
    let cure = "the file is another one, or was cut or damaged: copy or download it again";
    DataError::new(Place::file(name), what, cure)
}

fn unreadable(name: &str, error: &std::io::Error) -> DataError {
    broken(name, format!("cannot be read to its end: {error}"))
}
