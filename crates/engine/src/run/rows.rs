//! Rows of tables by number: looked up, added up and written over.
#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::plan::kernel::Region;
use crate::run::execute::Machine;
use crate::run::isa::Isa;
use crate::run::pool::share_of;
use crate::run::reduce::{Number, add_rows};

/// Elements that are worth a second thread.
const WORTH_THREADS: usize = 32_768;
/// Columns are shared out in so many: a cache line.
const COLUMNS: usize = 16;

/// A table that workers write columns of their own to.
struct Table<T>(*mut T);

// SAFETY: no two workers make references to the same elements.
unsafe impl<T: Send> Sync for Table<T> {}

impl Machine<'_> {
    pub(super) fn gather<T: Copy + Send + Sync>(
        &self,
        rows: usize,
        width: usize,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let (table, numbers) = (m.get::<T>(&reads[0]), m.get::<i64>(&reads[1]));
        let result = m.set::<T>(&writes[0]);
        if width == 0 {
            return all_are_rows(numbers, rows);
        }
        let failed = AtomicBool::new(false);
        let each = (WORTH_THREADS / 2 / width).max(1);
        self.pool.for_each_chunk_mut(result, each * width, &|first, result| {
            let numbers = &numbers[first / width..];
            for (result, &number) in result.chunks_exact_mut(width).zip(numbers) {
                match row_number(number, rows) {
                    Ok(row) => result.copy_from_slice(&table[row * width..(row + 1) * width]),
                    Err(_) => failed.store(true, Ordering::Relaxed),
                }
            }
        })?;
        if failed.into_inner() { all_are_rows(numbers, rows) } else { Ok(()) }
    }

    pub(super) fn scatter<T: Copy>(
        &self,
        rows: usize,
        width: usize,
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let numbers = m.get::<i64>(&reads[2]);
        // A wrong number leaves the table as it is.
        all_are_rows(numbers, rows)?;
        // In place, the other rows are there already.
        let target = (!reads[0].overlaps(&writes[0])).then(|| m.get::<T>(&reads[0]));
        let (values, table) = (m.get::<T>(&reads[1]), m.set::<T>(&writes[0]));
        if let Some(target) = target {
            table.copy_from_slice(target);
        }
        if width == 0 {
            return Ok(());
        }
        for (values, &number) in values.chunks_exact(width).zip(numbers) {
            let row = row_number(number, rows)?;
            table[row * width..(row + 1) * width].copy_from_slice(values);
        }
        Ok(())
    }

    /// Adds rows of values to rows of a table of zeros. Every element's sum is taken in the order of the
    /// numbers, whether workers share the columns or the parts of the table.
    pub(super) fn scatter_add<T: Number>(
        &self,
        [rows, width, parts]: [usize; 3],
        reads: &[Region],
        writes: &[Region],
    ) -> Result<(), Error> {
        let m = &self.memories;
        let (values, numbers) = (m.get::<T>(&reads[0]), m.get::<i64>(&reads[1]));
        let table = m.set::<T>(&writes[0]);
        if table.is_empty() {
            return all_are_rows(numbers, rows);
        }
        let (isa, failed) = (self.isa, AtomicBool::new(false));
        if parts > 1 {
            let (each, rows_each) = (numbers.len() / parts, rows / parts);
            self.pool.for_each_chunk_mut(table, rows_each * width, &|first, table| {
                let part = first / (rows_each * width);
                let range = part * each..(part + 1) * each;
                let values = &values[range.start * width..range.end * width];
                let numbers = (&numbers[range], part * rows_each);
                table.fill(T::ZERO);
                // SAFETY: all columns of the part's rows, which nobody else has.
                let added = unsafe {
                    add_columns(
                        isa,
                        table.as_mut_ptr(),
                        [rows_each, width],
                        values,
                        numbers,
                        0..width,
                    )
                };
                failed.fetch_or(!added, Ordering::Relaxed);
            })?;
            return if failed.into_inner() { all_are_rows(numbers, rows) } else { Ok(()) };
        }
        let shares = if values.len() < WORTH_THREADS { 1 } else { self.pool.threads() };
        let start = Table(table.as_mut_ptr());
        let share = |worker: usize| {
            let columns = share_of(width.div_ceil(COLUMNS), shares, worker.min(shares));
            let columns = columns.start * COLUMNS..width.min(columns.end * COLUMNS);
            let start = &start;
            if worker < shares && !columns.is_empty() {
                let numbers = (numbers, 0);
                // SAFETY: the table has so many rows and is borrowed until all workers have finished; each
                // has columns of its own.
                let added = unsafe {
                    (0..rows).for_each(|row| {
                        row_of(start.0, row, width, &columns).fill(T::ZERO);
                    });
                    add_columns(isa, start.0, [rows, width], values, numbers, columns)
                };
                failed.fetch_or(!added, Ordering::Relaxed);
            }
        };
        if shares == 1 {
            share(0);
        } else {
            self.pool.run(&share)?;
        }
        if failed.into_inner() { all_are_rows(numbers, rows) } else { Ok(()) }
    }
}

/// Some columns of a row of a table.
///
/// # Safety
///
/// The table has the row, and nobody else these columns of it.
unsafe fn row_of<'a, T>(
    table: *mut T,
    row: usize,
    width: usize,
    columns: &Range<usize>,
) -> &'a mut [T] {
    let first = table.wrapping_add(row * width + columns.start);
    // SAFETY: passed on.
    unsafe { std::slice::from_raw_parts_mut(first, columns.len()) }
}

/// Adds columns of the values to a table of `held` rows by their numbers, of which the table's first row
/// has `from`. Gives whether all numbers are of its rows; those that are not are left out.
///
/// # Safety
///
/// The table has so many rows of `width`, and nobody else these columns.
unsafe fn add_columns<T: Number>(
    isa: Isa,
    table: *mut T,
    [held, width]: [usize; 2],
    values: &[T],
    (numbers, from): (&[i64], usize),
    columns: Range<usize>,
) -> bool {
    let mut all = true;
    for (values, &number) in values.chunks_exact(width).zip(numbers) {
        // What is not a row of this table becomes a number beyond its last.
        let row = (number as usize).wrapping_sub(from);
        if row >= held {
            all = false;
            continue;
        }
        // SAFETY: the row is one of the table's; the columns are this worker's.
        let sums = unsafe { row_of(table, row, width, &columns) };
        match (sums, &values[columns.clone()]) {
            ([sum], [value]) => *sum = sum.plus(*value),
            (sums, values) => add_rows(isa, sums, values),
        }
    }
    all
}

/// An error that names the first number that is of no row: the same one, whatever the threads.
fn all_are_rows(numbers: &[i64], rows: usize) -> Result<(), Error> {
    numbers.iter().try_for_each(|&number| row_number(number, rows).map(|_| ()))
}

fn row_number(number: i64, rows: usize) -> Result<usize, Error> {
    usize::try_from(number).ok().filter(|&row| row < rows).ok_or_else(|| {
        Error::new(format!("row number {number} is outside the table of {rows} rows"))
    })
}
