//! Memory of the device that plans run on; here, the host's.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::graph::{DType, Shape};
use crate::{Array, Data, Error};

/// A cache line, so that memory starts where vectors like it to.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read and written through pointers")] [u8; 64]);

/// Cache lines of a page, and from one large memory's place in its page to the next one's.
const LINES_OF_PAGE: usize = 64;
const STAGGER: usize = 17;

/// Bytes of memory that start at a cache line.
pub(super) struct Aligned {
    lines: Vec<Line>,
    /// So many lines at the start are left out.
    skipped: usize,
}

impl Aligned {
    pub fn zeroed(bytes: usize) -> Self {
        Aligned { lines: vec![Line([0; 64]); bytes.div_ceil(64)], skipped: 0 }
    }

    /// The same, at a place within its pages that other large memory does not start at. Processors
    /// take a read for one of what was just written where places within pages are the same, and wait:
    /// as they would in updates, which walk through a parameter and its moments side by side.
    fn staggered(bytes: usize) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let lines = bytes.div_ceil(64);
        let skipped = match lines < LINES_OF_PAGE {
            true => 0,
            false => COUNT.fetch_add(1, Ordering::Relaxed) * STAGGER % LINES_OF_PAGE,
        };
        Aligned { lines: vec![Line([0; 64]); lines + skipped], skipped }
    }

    /// Makes it at least `bytes` large; what it held is lost.
    pub fn grow(&mut self, bytes: usize) {
        if self.bytes() < bytes {
            *self = Aligned::zeroed(bytes);
        }
    }

    pub fn bytes(&self) -> usize {
        (self.lines.len() - self.skipped) * 64
    }

    pub fn pointer(&mut self) -> *mut u8 {
        self.lines[self.skipped..].as_mut_ptr().cast()
    }
}

/// A tensor's value in the memory that plans run on. It is copied to and from the host explicitly.
///
/// ```
/// use glassbox_engine::{Array, Buffer, DType};
/// let mut buffer = Buffer::zeros(DType::F32, [2]);
/// buffer.write(&Array::vector([1.0f32, 2.0]))?;
/// assert_eq!(buffer.read(), Array::vector([1.0f32, 2.0]));
/// # Ok::<(), glassbox_engine::Error>(())
/// ```
pub struct Buffer {
    dtype: DType,
    shape: Shape,
    memory: Aligned,
}

/// Rust types of elements, with the element type that they are.
pub trait Host: Copy + 'static {
    /// The element type.
    const DTYPE: DType;
}
impl Host for f32 {
    const DTYPE: DType = DType::F32;
}
impl Host for f64 {
    const DTYPE: DType = DType::F64;
}
impl Host for i64 {
    const DTYPE: DType = DType::I64;
}

impl Buffer {
    /// Zeros of this shape.
    pub fn zeros(dtype: DType, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let memory = Aligned::staggered(shape.elements() * dtype.size());
        Buffer { dtype, shape, memory }
    }

    /// A copy of `array`.
    pub fn of(array: &Array) -> Self {
        let mut buffer = Buffer::zeros(array.dtype(), array.shape().clone());
        buffer.fill_from(array.data());
        buffer
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The sizes of its axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Copies `array` into it; shape and type must be its own.
    pub fn write(&mut self, array: &Array) -> Result<(), Error> {
        if array.dtype() != self.dtype || *array.shape() != self.shape {
            return Err(Error::new(format!(
                "a buffer of {} {} cannot take {} {}",
                self.dtype,
                self.shape,
                array.dtype(),
                array.shape()
            )));
        }
        self.fill_from(array.data());
        Ok(())
    }

    fn fill_from(&mut self, data: &Data) {
        match data {
            Data::F32(v) => self.elements_mut().copy_from_slice(v),
            Data::F64(v) => self.elements_mut().copy_from_slice(v),
            Data::I64(v) => self.elements_mut().copy_from_slice(v),
            Data::Bool(v) => {
                for (to, &from) in self.elements_mut::<u8>().iter_mut().zip(v) {
                    *to = u8::from(from);
                }
            }
        }
    }

    /// A copy on the host.
    pub fn read(&self) -> Array {
        let data = match self.dtype {
            DType::F32 => Data::F32(self.elements().to_vec()),
            DType::F64 => Data::F64(self.elements().to_vec()),
            DType::I64 => Data::I64(self.elements().to_vec()),
            DType::Bool => Data::Bool(self.elements::<u8>().iter().map(|&b| b != 0).collect()),
        };
        // The number of elements is the shape's by construction.
        Array::new(self.shape.clone(), data).unwrap_or_else(|_| Array::zeros(self.dtype, [0]))
    }

    /// Its elements, row-major, if they are of type `T`: how inputs are filled and results read
    /// without allocating.
    pub fn as_slice<T: Host>(&self) -> Option<&[T]> {
        (T::DTYPE == self.dtype).then(|| self.elements())
    }

    /// As [`as_slice`](Self::as_slice), to be changed.
    pub fn as_slice_mut<T: Host>(&mut self) -> Option<&mut [T]> {
        (T::DTYPE == self.dtype).then(|| self.elements_mut())
    }

    /// Its elements as `T`, whose size is that of the element type.
    fn elements<T: Copy>(&self) -> &[T] {
        debug_assert_eq!(size_of::<T>(), self.dtype.size());
        // SAFETY: the memory holds `elements` numbers of this size, starts at a cache line, is
        // initialised, and every bit pattern is a valid f32, f64, i64 or u8.
        unsafe {
            let lines = &self.memory.lines[self.memory.skipped..];
            std::slice::from_raw_parts(lines.as_ptr().cast(), self.shape.elements())
        }
    }

    fn elements_mut<T: Copy>(&mut self) -> &mut [T] {
        debug_assert_eq!(size_of::<T>(), self.dtype.size());
        let elements = self.shape.elements();
        // SAFETY: as in `elements`; `&mut self` makes it the only view.
        unsafe { std::slice::from_raw_parts_mut(self.memory.pointer().cast(), elements) }
    }

    pub(super) fn pointer(&mut self) -> *mut u8 {
        self.memory.pointer()
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer {} {}", self.dtype, self.shape)
    }
}
