//! `glassbox see RUN` of word vectors.

use glassbox::train::folder::RunFolder;
use glassbox::word2vec::Plane;
use serde::Serialize;

use super::{Gallery, SeeArgs};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::wrap;

/// What `--json` prints.
#[derive(Serialize)]
struct Seen {
    run: String,
    plane: Plane,
    /// Every picture that was written.
    files: Vec<String>,
}

pub fn run(args: &SeeArgs, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    let none = args.images.is_empty() && args.text.is_empty() && args.row.is_empty();
    let chosen = args.part.is_some() || args.layer.is_some() || args.class.is_some();
    let cut = args.patch.is_some() || args.stride.is_some();
    if !none || chosen || cut || !args.what.is_empty() {
        return Err(AppError::usage(ctx.text.see_words_alone()));
    }
    let plane = Plane::of_run(folder)?;
    let mut gallery = Gallery::of(args, folder);
    gallery.write("words", &plane.picture())?;
    let run = folder.path().display().to_string();
    let seen = Seen { run, plane, files: gallery.files };
    ctx.print(&seen, |screen| {
        let [first, second] = seen.plane.explained;
        let share = format!("{:.1} %", 100.0 * (first + second));
        let told = ctx.text.see_words(seen.plane.words.len(), share);
        let lines = wrap(&told, screen.columns()).into_iter();
        let files = seen.files.iter().map(|file| format!("  {file}"));
        let wrote = ctx.text.see_wrote(seen.files.len());
        lines.chain([wrote]).chain(files).map(|line| line + "\n").collect()
    })
}
