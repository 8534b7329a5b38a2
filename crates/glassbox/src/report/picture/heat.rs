//! A map of numbers with names at its rows and columns.

use super::plot::turned;
use super::{ColorMap, INK, PAPER, Picture};
use crate::Error;

/// A cell is at most and at least so many pixels; a map is about so many wide.
const CELL: [usize; 2] = [4, 22];
const WIDE: usize = 900;
/// Letters of a name at most.
const LETTERS: usize = 12;
/// Pixels of a letter's dot, and a cell that has room for a line of letters.
const DOT: usize = 2;
const LINE: usize = 18;

/// Numbers `[rows, columns]` as squares in colours, with the names of rows at the left and of columns
/// above; where squares are too small for them, names are left out. `range` holds the numbers
/// that are the first and the last colour.
///
/// ```
/// use glassbox::report::picture::{ColorMap, heat_map};
/// let words = ["let's", "go"].map(String::from);
/// let drawn = heat_map(&[1.0, 0.0, 0.3, 0.7], [2, 2], [&words, &words], ColorMap::Magma, (0.0, 1.0))?;
/// assert!(drawn.width() > 44 && drawn.height() > 44);
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// Another count of numbers than the shape has.
pub fn heat_map(
    numbers: &[f32],
    shape: [usize; 2],
    [rows, columns]: [&[String]; 2],
    colors: ColorMap,
    range: (f32, f32),
) -> Result<Picture, Error> {
    let [least, most] = CELL;
    let cell = (WIDE / shape[1].max(1)).min(480 / shape[0].max(1)).clamp(least, most);
    let map = Picture::of_map(numbers, shape, colors, range)?.enlarged(cell);
    let named = |names: &[String]| -> Vec<Picture> {
        if cell < LINE { Vec::new() } else { names.iter().map(|name| written(name)).collect() }
    };
    let rows = named(rows);
    // Names that are wider than their column stand upright.
    let fitted = |name: &Picture| if name.width() > cell { turned(name) } else { name.clone() };
    let columns: Vec<Picture> = named(columns).iter().map(fitted).collect();
    let left = rows.iter().map(|name| name.width() + 6).max().unwrap_or(0);
    let above = columns.iter().map(|name| name.height() + 6).max().unwrap_or(0);
    let mut out = Picture::new(left + map.width(), above + map.height(), PAPER);
    out.put(&map, left, above);
    for (index, name) in rows.iter().enumerate().take(shape[0]) {
        let y = above + index * cell + cell.saturating_sub(name.height()) / 2;
        out.put(name, left.saturating_sub(name.width() + 6), y);
    }
    for (index, name) in columns.iter().enumerate().take(shape[1]) {
        let x = left + index * cell + cell.saturating_sub(name.width()) / 2;
        out.put(name, x, above.saturating_sub(name.height() + 6));
    }
    Ok(out)
}

/// A name as a picture; what is not seen is written as what stands for it.
fn written(name: &str) -> Picture {
    let seen: String = name
        .chars()
        .take(LETTERS)
        .map(|c| match c {
            '\n' => '|',
            ' ' => '_',
            c => c,
        })
        .collect();
    let mut out = Picture::new(
        Picture::text_width(&seen, DOT).max(1),
        Picture::text_height(DOT) + 2 * DOT,
        PAPER,
    );
    out.write_text(&seen, [0, 0], DOT, INK);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_rows_and_columns_where_there_is_room() {
        let names = ["a", "b", "c"].map(String::from);
        let numbers = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let magma = ColorMap::Magma;
        let drawn = heat_map(&numbers, [3, 3], [&names, &names], magma, (0.0, 1.0)).unwrap();
        let (left, above) = (drawn.width() - 66, drawn.height() - 66);
        assert!(left > 0 && above > 0);
        let at = |row: usize, column: usize| {
            drawn.pixel(left + column * 22 + 11, above + row * 22 + 11).unwrap()
        };
        assert_eq!((at(1, 1), at(1, 2)), (magma.color(1.0), magma.color(0.0)));
        let inked = |x: usize, y: usize| drawn.pixel(x, y) == Some(INK);
        for row in 0..3 {
            let lines = above + row * 22..above + (row + 1) * 22;
            assert!(lines.clone().any(|y| (0..left).any(|x| inked(x, y))), "row {row}");
        }
        let many = vec![0.5; 300 * 2];
        let wide = heat_map(&many, [2, 300], [&[], &names], magma, (0.0, 1.0)).unwrap();
        assert_eq!((wide.width(), wide.height()), (1200, 8), "no room for names");
    }
}
