//! Rows of tables by number: looked up, added up and written over.
#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

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
        let failed = Mutex::new(None);
        let each = (WORTH_THREADS / 2 / width.max(1)).max(1);
        self.pool.for_each_chunk_mut(result, each * width, &|first, result| {
            let numbers = &numbers[first / width.max(1)..];
            for (result, &number) in result.chunks_mut(width.max(1)).zip(numbers) {
                match row_number(number, rows) {
                    Ok(row) => result.copy_from_slice(&table[row * width..(row + 1) * width]),
                    Err(error) => note(&failed, error),
                }
            }
        })?;
        result_of(failed)
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
        numbers.iter().try_for_each(|&number| row_number(number, rows).map(|_| ()))?;
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
            return numbers.iter().try_for_each(|&number| row_number(number, rows).map(|_| ()));
        }
        let (isa, failed) = (self.isa, Mutex::new(None));
        if parts > 1 {
            let (each, rows_each) = (numbers.len() / parts, rows / parts);
            self.pool.for_each_chunk_mut(table, rows_each * width, &|first, table| {
                let part = first / (rows_each * width);
                let range = part * each..(part + 1) * each;
                let values = &values[range.start * width..range.end * width];
                let numbers = (&numbers[range], part * rows_each, rows);
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
                added.unwrap_or_else(|error| note(&failed, error));
            })?;
            return result_of(failed);
        }
        let shares = if values.len() < WORTH_THREADS { 1 } else { self.pool.threads() };
        let start = Table(table.as_mut_ptr());
        let share = |worker: usize| {
            let columns = share_of(width.div_ceil(COLUMNS), shares, worker.min(shares));
            let columns = columns.start * COLUMNS..width.min(columns.end * COLUMNS);
            let start = &start;
            if worker < shares && !columns.is_empty() {
                let numbers = (numbers, 0, rows);
                // SAFETY: the table has so many rows and is borrowed until all workers have finished; each
                // has columns of its own.
                let added = unsafe {
                    (0..rows).for_each(|row| {
                        row_of(start.0, row, width, &columns).fill(T::ZERO);
                    });
                    add_columns(isa, start.0, [rows, width], values, numbers, columns)
                };
                added.unwrap_or_else(|error| note(&failed, error));
            }
        };
        if shares == 1 {
            share(0);
        } else {
            self.pool.run(&share)?;
        }
        result_of(failed)
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
/// has `from`; all tables together have `rows`. Says which number is of none; the others are added.
///
/// # Safety
///
/// The table has so many rows of `width`, and nobody else these columns.
unsafe fn add_columns<T: Number>(
    isa: Isa,
    table: *mut T,
    [held, width]: [usize; 2],
    values: &[T],
    (numbers, from, rows): (&[i64], usize, usize),
    columns: Range<usize>,
) -> Result<(), Error> {
    let mut wrong = None;
    for (values, &number) in values.chunks_exact(width).zip(numbers) {
        // What is not a row of this table becomes a number beyond its last.
        let row = (number as usize).wrapping_sub(from);
        if row >= held {
            wrong = wrong.or(Some(number));
            continue;
        }
        // SAFETY: the row is one of the table's; the columns are this worker's.
        let sums = unsafe { row_of(table, row, width, &columns) };
        match (sums, &values[columns.clone()]) {
            ([sum], [value]) => *sum = sum.plus(*value),
            (sums, values) => add_rows(isa, sums, values),
        }
    }
    wrong.map_or(Ok(()), |number| row_number(number, rows).map(|_| ()))
}

fn note(failed: &Mutex<Option<Error>>, error: Error) {
    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn result_of(failed: Mutex<Option<Error>>) -> Result<(), Error> {
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn row_number(number: i64, rows: usize) -> Result<usize, Error> {
    usize::try_from(number).ok().filter(|&row| row < rows).ok_or_else(|| {
        Error::new(format!("row number {number} is outside the table of {rows} rows"))
    })
}
