//! Names at their places in the plane, as a picture.

use super::{ColorMap, FAINT, INK, PAPER, Picture};

const SIDE: [usize; 2] = [900, 640];
const EDGE: usize = 60;
/// Below the title and the note.
const TOP: usize = 40;

/// The least and the largest number along each axis of some points.
///
/// ```
/// use glassbox::report::picture::ends;
/// assert_eq!(ends([[1.0, 5.0], [3.0, -2.0]]), [(1.0, 3.0), (-2.0, 5.0)]);
/// ```
pub fn ends(points: impl IntoIterator<Item = [f64; 2]>) -> [(f64, f64); 2] {
    let none = [(f64::MAX, f64::MIN); 2];
    points.into_iter().fold(none, |ends, point| {
        let wider = |axis: usize| (ends[axis].0.min(point[axis]), ends[axis].1.max(point[axis]));
        [wider(0), wider(1)]
    })
}

/// Each name at its point, the first darkest, the last brightest; the axes go between `ends`.
///
/// ```
/// use glassbox::report::picture::{ends, scatter};
/// let names = ["cat", "dog"].map(String::from);
/// let points = [[0.0, 1.0], [0.2, 0.9]];
/// let drawn = scatter("Words", "", &names, &points, ends(points));
/// assert!(drawn.width() > 900);
/// ```
pub fn scatter(
    title: &str,
    note: &str,
    names: &[String],
    points: &[[f64; 2]],
    ends: [(f64, f64); 2],
) -> Picture {
    let [width, height] = SIDE;
    let mut out = Picture::new(width + 2 * EDGE, height + 2 * EDGE + TOP, PAPER);
    out.write_text(title, [16, 16], 3, INK);
    out.write_text(note, [16, 46], 2, FAINT);
    let place = |axis: usize, x: f64, room: usize| {
        let (low, high) = ends[axis];
        let share = if high > low { (x - low) / (high - low) } else { 0.5 };
        EDGE + (share.clamp(0.0, 1.0) * room as f64) as usize
    };
    let last = names.len().saturating_sub(1).max(1) as f64;
    for (index, (name, point)) in names.iter().zip(points).enumerate() {
        let x = place(0, point[0], width);
        let y = height + EDGE - place(1, point[1], height) + EDGE + TOP;
        let color = ColorMap::Viridis.color(index as f64 / last * 0.88);
        out.fill([x.saturating_sub(2), y.saturating_sub(2)], [5, 5], color);
        out.write_text(name, [x + 6, y.saturating_sub(7)], 2, INK);
    }
    out
}
