//! What a lesson tells, whoever prints it.

use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::report::chart::{self, Labels, Line};
use crate::report::escape;

/// A language that lessons are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 한국어.
    Korean,
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// In English.
    pub english: String,
    /// In Korean.
    pub korean: String,
}

impl Text {
    /// What is the same in every language: numbers, names.
    pub fn same(text: impl Into<String>) -> Self {
        let english = text.into();
        Text { korean: english.clone(), english }
    }

    /// The text in one of them.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

/// A [`Text`] of two formats, English and Korean, that capture the same names.
macro_rules! text {
    ($english:literal, $korean:literal $(,)?) => {
        $crate::lesson::Text { english: format!($english), korean: format!($korean) }
    };
}
pub(crate) use text;

/// What a lesson found, and how it tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Every number, as data.
    pub numbers: Value,
    /// What is shown, from top to bottom.
    pub parts: Vec<Part>,
}

impl Told {
    /// The numbers of any plain data.
    ///
    /// # Errors
    /// Data that JSON cannot hold.
    pub fn new(numbers: &impl Serialize, parts: Vec<Part>) -> Result<Self, Error> {
        let numbers = serde_json::to_value(numbers).map_err(|e| Error::new(e.to_string()))?;
        Ok(Told { numbers, parts })
    }
}

/// A piece of what a lesson tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Sentences.
    Paragraph(Text),
    /// Lines as they stand on a board.
    Board(Board),
    /// Rows under a header.
    Table(Table),
    /// Curves over each other.
    Chart(Chart),
    /// Rows of bars.
    Bars(Bars),
    /// Names at their places in the plane.
    Places(Places),
    /// Images beside each other, which only files show.
    Pictures(Pictures),
}

/// Names at their places in the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    /// The stem of its file's name.
    pub name: String,
    /// What it shows.
    pub title: Text,
    /// The x axis.
    pub x: Text,
    /// The y axis.
    pub y: Text,
    /// The names.
    pub names: Vec<String>,
    /// Where each stands.
    pub points: Vec<[f64; 2]>,
    /// What the axes go around: also the points of a drawing that is compared with this one.
    pub within: Vec<[f64; 2]>,
}

impl Places {
    /// The drawing as an SVG file.
    ///
    /// ```
    /// use glassbox::lesson::{Language, Places, Text};
    /// let points = vec![[0.0, 1.0], [2.0, 3.0]];
    /// let places = Places {
    ///     name: "words".into(),
    ///     title: Text::same("words"),
    ///     x: Text::same("x"),
    ///     y: Text::same("y"),
    ///     names: vec!["cat".into(), "dog".into()],
    ///     within: points.clone(),
    ///     points,
    /// };
    /// assert!(places.svg(Language::English).contains(">dog</text>"));
    /// ```
    pub fn svg(&self, language: Language) -> String {
        let labels = Labels {
            description: self.title.of(language).into(),
            x: self.x.of(language).into(),
            y: self.y.of(language).into(),
        };
        alone(&chart::places(&labels, &self.names, &self.points, &self.within))
    }
}

/// Images with captions.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The stem of its file's name.
    pub name: String,
    /// What they are, in plain letters.
    pub title: String,
    /// How many stand in a row.
    pub columns: usize,
    /// Row by row.
    pub images: Vec<Shown>,
}

/// An image of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What stands below, in plain letters.
    pub caption: String,
    /// `[height, width, channels]`.
    pub shape: [usize; 3],
    /// Numbers from 0 (black) to 1.
    pub pixels: Vec<f32>,
}

impl Pictures {
    /// The images on a sheet, as the bytes of a PNG file.
    ///
    /// # Errors
    /// Another number of pixels than a shape says; images of other than 1 to 4 channels.
    #[cfg(feature = "image")]
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        use crate::report::picture::{Picture, Sheet};
        let mut sheet = Sheet::new(&self.title).columns(self.columns);
        for image in &self.images {
            let picture = Picture::of_image(&image.pixels, image.shape)?;
            sheet.add(picture.enlarged_to(96), &image.caption);
        }
        sheet.picture().png()
    }
}

/// Lines whose letters stand below each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What it shows.
    pub title: Text,
    /// From top to bottom.
    pub lines: Vec<String>,
}

/// Rows of cells under a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: Text,
    /// The columns' names; the first column holds words, the others numbers.
    pub columns: Vec<Text>,
    /// A cell for each column.
    pub rows: Vec<Vec<Text>>,
}

/// Curves over whole numbers, at most three.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The stem of its file's name.
    pub name: String,
    /// What it shows.
    pub title: Text,
    /// The x axis.
    pub x: Text,
    /// The y axis.
    pub y: Text,
    /// The curves.
    pub curves: Vec<Curve>,
    /// The y axis' ends, where they are known.
    pub within: Option<(f64, f64)>,
}

/// A named curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What the legend says.
    pub name: Text,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Numbers between two ends as bars, a row of them for each thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// The stem of its file's name.
    pub name: String,
    /// What it shows.
    pub title: Text,
    /// Below a bar's foot and above its head.
    pub ends: (f64, f64),
    /// A name and its numbers.
    pub rows: Vec<(Text, Vec<f64>)>,
}

/// Colours and lines of a picture that stands alone, light and dark.
const STYLE: &str = include_str!("picture.css");

impl Chart {
    /// The chart as an SVG file.
    ///
    /// ```
    /// use glassbox::lesson::{Chart, Curve, Language, Text};
    /// let chart = Chart {
    ///     name: "squares".into(),
    ///     title: Text::same("x²"),
    ///     x: Text::same("x"),
    ///     y: Text::same("y"),
    ///     curves: vec![Curve { name: Text::same("x²"), points: vec![(1.0, 1.0), (2.0, 4.0)] }],
    ///     within: None,
    /// };
    /// assert!(chart.svg(Language::English).contains("<title>x²</title>"));
    /// ```
    pub fn svg(&self, language: Language) -> String {
        let labels = |_| Labels {
            description: self.title.of(language).into(),
            x: self.x.of(language).into(),
            y: self.y.of(language).into(),
        };
        let classes = ["first", "second", "third"].iter().cycle();
        let lines: Vec<Line> = self
            .curves
            .iter()
            .zip(classes)
            .map(|(curve, class)| Line {
                name: curve.name.of(language).into(),
                class,
                points: curve.points.clone(),
            })
            .collect();
        alone(&chart::lines(labels, &lines, None, self.within).0)
    }
}

impl Bars {
    /// The bars as an SVG file.
    ///
    /// ```
    /// use glassbox::lesson::{Bars, Language, Text};
    /// let rows = vec![(Text::same("a"), vec![0.2, 0.9])];
    /// let bars = Bars { name: "two".into(), title: Text::same("two"), ends: (0.0, 1.0), rows };
    /// // The ground and two bars.
    /// assert_eq!(bars.svg(Language::English).matches("<rect").count(), 3);
    /// ```
    pub fn svg(&self, language: Language) -> String {
        const ROW: f64 = 46.0;
        const LEFT: f64 = 90.0;
        const WIDTH: f64 = 420.0;
        let height = 28.0 + ROW * self.rows.len() as f64;
        let title = escape(self.title.of(language));
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n\
             <text x=\"6\" y=\"16\">{title}</text>\n<g class=\"bars\">"
        );
        let (low, high) = self.ends;
        for (row, (name, values)) in self.rows.iter().enumerate() {
            let foot = 28.0 + ROW * (row as f64 + 1.0) - 8.0;
            let name = escape(name.of(language));
            out += &format!("<text x=\"6\" y=\"{}\">{name}</text>", foot - 10.0);
            let wide = (WIDTH - LEFT - 6.0) / values.len().max(1) as f64;
            for (at, value) in values.iter().enumerate() {
                let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
                let tall = (ROW - 12.0) * if share.is_finite() { share } else { 0.0 };
                out += &format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
                    LEFT + wide * at as f64,
                    foot - tall,
                    (wide - 1.0).max(0.5),
                );
            }
        }
        alone(&(out + "</g>\n</svg>\n"))
    }
}

/// A drawing of a page as a file of its own: with its style, on a ground.
fn alone(svg: &str) -> String {
    let start = "<svg xmlns=\"http://www.w3.org/2000/svg\" ";
    let svg = svg.replacen("<svg ", start, 1);
    let ground = "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>";
    svg.replacen("</title>\n", &format!("</title>\n<style>\n{STYLE}</style>\n{ground}\n"), 1)
}
