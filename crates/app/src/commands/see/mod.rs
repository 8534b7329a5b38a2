//! `glassbox see RUN …`

pub(crate) mod images;
pub(crate) mod sequences;
mod words;

use std::path::PathBuf;

use clap::Args;
use glassbox::data::{Dataset, Rows};
use glassbox::io::FileError;
use glassbox::report::picture::Picture;
use glassbox::train::folder::RunFolder;
use glassbox::watch::sequence::Sequences;
use glassbox::word2vec::WordVectors;

use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct SeeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    #[arg(long, value_name = "TEXT")]
    pub text: Vec<String>,
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub row: Vec<usize>,
    #[arg(long, value_name = "PART", value_parser = ["train", "valid", "test"], hide_possible_values = true)]
    pub part: Option<String>,
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = What::WORDS, hide_possible_values = true)]
    pub what: Vec<String>,
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub patch: Option<u32>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stride: Option<u32>,
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Filters,
    Features,
    Saliency,
    Smooth,
    Integrated,
    GradCam,
    Occlusion,
    Channels,
    Mistakes,
    Gradients,
    Gates,
    Attention,
    Embedding,
}

impl What {
    const WORDS: [&'static str; 13] = [
        "filters",
        "features",
        "saliency",
        "smooth",
        "integrated",
        "gradcam",
        "occlusion",
        "channels",
        "mistakes",
        "gradients",
        "gates",
        "attention",
        "embedding",
    ];
    const OF_IMAGES: [What; 10] = [
        What::Filters,
        What::Features,
        What::Saliency,
        What::Smooth,
        What::Integrated,
        What::GradCam,
        What::Occlusion,
        What::Channels,
        What::Mistakes,
        What::Gradients,
    ];
    const OF_SEQUENCES: [What; 4] =
        [What::Gates, What::Attention, What::Embedding, What::Gradients];

    /// What these words name.
    fn named(words: &[String]) -> Vec<What> {
        let all = || What::OF_IMAGES.into_iter().chain(What::OF_SEQUENCES);
        let of = |word: &String| {
            let at = What::WORDS.iter().position(|known| known == word)?;
            all().find(|what| *what as usize == at)
        };
        words.iter().filter_map(of).collect()
    }
}

/// Rows of the run's data.
struct Part<'a> {
    name: String,
    rows: &'a Rows,
}

/// Writes pictures into a folder and remembers them.
struct Gallery {
    folder: PathBuf,
    files: Vec<String>,
}

impl Gallery {
    /// The folder that is named, or one of the run.
    fn of(args: &SeeArgs, folder: &RunFolder) -> Self {
        let out = args.out.clone().unwrap_or_else(|| folder.file("samples").join("see"));
        Gallery { folder: out, files: Vec::new() }
    }

    fn write(&mut self, name: &str, picture: &Picture) -> Result<(), AppError> {
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = name.chars().map(safe).collect();
        std::fs::create_dir_all(&self.folder)
            .map_err(FileError::at(&self.folder, "cannot make the folder"))?;
        let path = self.folder.join(format!("{name}.png"));
        picture.write(&path)?;
        self.files.push(path.display().to_string());
        Ok(())
    }
}

/// The part whose rows are looked at: the one that is named, else the last that has rows.
fn part<'a>(args: &SeeArgs, data: &'a Dataset) -> Result<Part<'a>, AppError> {
    let parts = [("test", &data.test), ("valid", &data.valid), ("train", &data.train)];
    let found = match &args.part {
        Some(name) => parts.into_iter().find(|(part, _)| part == name),
        None => parts.into_iter().find(|(_, rows)| !rows.is_empty()),
    };
    let (name, rows) = found.unwrap_or(("train", &data.train));
    Ok(Part { name: name.to_owned(), rows })
}

pub fn run(args: &SeeArgs, ctx: &Context) -> Result<(), AppError> {
    let path = ctx.any_run_path(&args.run)?;
    let folder = RunFolder::view(&path)?;
    if WordVectors::are_of(&folder) {
        return words::run(args, &folder, ctx);
    }
    if super::rows::RowsRun::is_one(&path)? {
        return super::rows::see::run(&args.run, ctx);
    }
    match Sequences::are_read_by(&folder)? {
        true => sequences::run(args, &folder, ctx),
        false => images::run(args, &folder, ctx),
    }
}
