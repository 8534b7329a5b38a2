//! Pictures side by side, with captions.

use super::{FAINT, INK, PAPER, Picture, font};

/// Between cells, and around the sheet.
const SPACE: usize = 16;
/// Between a picture and its caption, and between lines.
const GAP: usize = 8;
/// Of letters in captions and of the title: pixels of a dot.
const SMALL: usize = 2;
const LARGE: usize = 3;
/// A sheet is no wider than this, where one cell is not wider by itself.
const WIDEST: usize = 1500;

/// Pictures in rows, with a title, and a caption below each.
///
/// ```
/// use glassbox::report::picture::{PAPER, Picture, Sheet};
/// let mut sheet = Sheet::new("Four squares").columns(2);
/// sheet.note("each is 50 x 50 pixels");
/// for (index, gray) in [0u8, 80, 160, 240].into_iter().enumerate() {
///     sheet.add(Picture::new(50, 50, [gray; 3]), &format!("no. {index}\ngray {gray}"));
/// }
/// assert_eq!(sheet.len(), 4);
/// assert_eq!(sheet.picture().pixel(0, 0), Some(PAPER));
/// ```
#[derive(Clone, Debug)]
pub struct Sheet {
    title: String,
    notes: Vec<String>,
    columns: Option<usize>,
    cells: Vec<(Picture, String)>,
}

impl Sheet {
    /// An empty sheet; a title of no letters takes no room.
    pub fn new(title: &str) -> Self {
        Sheet { title: title.to_owned(), notes: Vec::new(), columns: None, cells: Vec::new() }
    }

    /// With this title.
    #[must_use]
    pub fn titled(self, title: &str) -> Self {
        Sheet { title: title.to_owned(), ..self }
    }

    /// So many pictures in a row; as many as suit where this is not said.
    #[must_use]
    pub fn columns(self, columns: usize) -> Self {
        Sheet { columns: Some(columns.max(1)), ..self }
    }

    /// A line below the title.
    pub fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }

    /// Adds a picture; each line of its caption is wrapped to the cell, which is as wide as the widest
    /// picture.
    pub fn add(&mut self, picture: Picture, caption: &str) {
        self.cells.push((picture, caption.to_owned()));
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The sheet as one picture.
    pub fn picture(&self) -> Picture {
        let of = |size: fn(&Picture) -> usize| self.cells.iter().map(|(p, _)| size(p)).max();
        let cell = of(Picture::width).unwrap_or(0);
        let fitting = WIDEST.saturating_sub(SPACE) / (cell + SPACE);
        // Rows of about the same length, rather wider than high.
        let square = (1..).find(|n| 2 * n * n >= 3 * self.len()).unwrap_or(1);
        let columns = self.columns.unwrap_or(square.max(4)).min(fitting.max(1));
        let columns = columns.min(self.len().max(1));
        let captions: Vec<Vec<String>> =
            self.cells.iter().map(|(_, caption)| wrapped(caption, letters(cell, SMALL))).collect();

        let grid = SPACE + columns * (cell + SPACE);
        let width = grid.max(self.widest_word()).max(self.head_width().min(WIDEST));
        let head = [(vec![self.title.clone()], LARGE), (self.notes.clone(), SMALL)];
        let head = head.map(|(lines, size)| {
            let room = letters(width - 2 * SPACE, size);
            let lines = lines.iter().filter(|line| !line.is_empty());
            (lines.flat_map(|line| wrapped(line, room)).collect::<Vec<_>>(), size)
        });
        let head_lines = head.iter().flat_map(|(lines, size)| lines.iter().map(move |_| *size));
        let head_height: usize = head_lines.map(|size| Picture::text_height(size) + size * 4).sum();
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (pictures, captions) in self.cells.chunks(columns).zip(captions.chunks(columns)) {
            let height = pictures.iter().map(|(picture, _)| picture.height()).max().unwrap_or(0);
            let lines = captions.iter().map(Vec::len).max().unwrap_or(0);
            rows.push((height, lines * (Picture::text_height(SMALL) + GAP)));
        }
        let rows_height: usize = rows.iter().map(|(height, text)| height + text + SPACE).sum();
        let space = if head_height > 0 { SPACE } else { 0 };
        let mut out = Picture::new(width, SPACE + head_height + space + rows_height, PAPER);

        let mut y = SPACE;
        for (lines, size) in &head {
            let color = if *size == LARGE { INK } else { FAINT };
            for line in lines {
                out.write_text(line, [SPACE, y], *size, color);
                y += Picture::text_height(*size) + size * 4;
            }
        }
        y += space;
        for ((cells, captions), (height, text)) in
            self.cells.chunks(columns).zip(captions.chunks(columns)).zip(rows)
        {
            for (index, ((picture, _), lines)) in cells.iter().zip(captions).enumerate() {
                let x = SPACE + index * (cell + SPACE);
                out.put(picture, x, y + height - picture.height());
                for (line, text) in lines.iter().enumerate() {
                    let y = y + height + GAP + line * (Picture::text_height(SMALL) + GAP);
                    let color = if line == 0 { INK } else { FAINT };
                    out.write_text(text, [x, y], SMALL, color);
                }
            }
            y += height + text + SPACE;
        }
        out
    }

    /// Room for the head on one line.
    fn head_width(&self) -> usize {
        let notes = self.notes.iter().map(|note| Picture::text_width(note, SMALL)).max();
        notes.unwrap_or(0).max(Picture::text_width(&self.title, LARGE)) + 2 * SPACE
    }

    fn widest_word(&self) -> usize {
        let words = self.title.split(' ').map(|word| Picture::text_width(word, LARGE));
        words.max().unwrap_or(0) + 2 * SPACE
    }
}

/// How many letters fit.
fn letters(width: usize, size: usize) -> usize {
    ((width + size) / ((font::WIDTH + 1) * size)).max(1)
}

/// The lines of a text, each of at most `room` letters, broken at spaces; a word that is longer is
/// cut.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in font::ascii(text).lines() {
        let mut last = String::new();
        for word in line.split_whitespace() {
            let word = match word.len() > room {
                true => format!("{}..", &word[..room.saturating_sub(2)]),
                false => word.to_owned(),
            };
            if !last.is_empty() && last.len() + 1 + word.len() > room {
                lines.push(std::mem::take(&mut last));
            }
            if !last.is_empty() {
                last.push(' ');
            }
            last += &word;
        }
        lines.push(last);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_wrapped_at_spaces_and_long_words_cut() {
        assert_eq!(wrapped("predicted 7, 98.2 %", 12), ["predicted 7,", "98.2 %"]);
        assert_eq!(wrapped("two\nlines", 12), ["two", "lines"]);
        assert_eq!(wrapped("incomprehensible", 8), ["incomp.."]);
        assert_eq!(letters(60, 2), 5);
    }

    #[test]
    fn every_picture_has_its_place() {
        let mut sheet = Sheet::new("").columns(2);
        for gray in [10, 20, 30] {
            sheet.add(Picture::new(40, 30, [gray; 3]), "");
        }
        let drawn = sheet.picture();
        assert_eq!((drawn.width(), drawn.height()), (3 * 16 + 2 * 40, 3 * 16 + 2 * 30));
        let corner = |x, y| drawn.pixel(x, y).map(|c| c[0]);
        assert_eq!(
            (corner(16, 16), corner(72, 16), corner(16, 62)),
            (Some(10), Some(20), Some(30))
        );
        assert_eq!(drawn.pixel(72, 62), Some(PAPER));
    }
}
