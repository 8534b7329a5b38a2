//! `glassbox see RUN [IMAGE…]` of a network of images.

use std::path::{Path, PathBuf};

use glassbox::data::{RawRows, is_photos};
use glassbox::report::picture::{Picture, Sheet};
use glassbox::train::folder::RunFolder;
use glassbox::watch::GradientsByDepth;
use glassbox::watch::vision::{
    ActivationMap, ChannelWeights, Drawn, FeatureMaps, Filters, IntegratedGradients, Map, Mistake,
    Occlusion, Photo, Said, Vision, data_of_run, mistakes, percent,
};
use serde::Serialize;

use super::{Gallery, Part, SeeArgs, What, part};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::see;

/// Mistakes on their sheet; rows that are looked at where none is named, and mistakes among them.
const MISTAKES: usize = 24;
const ROWS: [usize; 2] = [4, 2];
/// Images of a file that are looked at where no row is named.
const IMAGES: usize = 8;
/// Noisy images of `smooth`.
const SAMPLES: usize = 32;

/// What `--json` prints.
#[derive(Serialize)]
pub struct SeenRun {
    pub run: String,
    pub filters: Option<Filters>,
    pub images: Vec<SeenImage>,
    pub mistakes: Option<SeenMistakes>,
    /// The gradient norm by layer at some steps of the training.
    pub gradients: Option<GradientsByDepth>,
    /// Every picture that was written.
    pub files: Vec<String>,
}

impl SeenRun {
    fn of_gradients(run: String, depth: GradientsByDepth, files: Vec<String>) -> Self {
        let gradients = Some(depth);
        SeenRun { run, filters: None, images: Vec::new(), mistakes: None, gradients, files }
    }
}

/// What was seen of one image.
#[derive(Serialize)]
pub struct SeenImage {
    /// Which image, e.g. `row 3 of the test part`.
    pub image: String,
    #[serde(skip)]
    pub name: ImageName,
    pub predicted: String,
    pub probability: Option<f64>,
    pub observed: Option<String>,
    /// The class whose score is explained.
    pub class: String,
    pub saliency: Option<Spot>,
    pub smooth: Option<Spot>,
    pub integrated: Option<Integrated>,
    pub gradcam: Option<CamSpot>,
    pub occlusion: Option<Covered>,
    pub features: Option<FeatureMaps>,
    pub channels: Vec<ChannelWeights>,
}

/// Which image it is, to be said in words.
#[derive(Clone)]
pub enum ImageName {
    Row(usize, String),
    /// A file, and which image of it where it has many.
    File(String, Option<usize>),
}

/// Where a map is strongest, and how much of it lies in few places.
#[derive(Serialize)]
pub struct Spot {
    /// Row and column of the strongest place, from 0.
    pub strongest: (usize, usize),
    /// The least share of the places that hold half of it.
    pub half: f64,
}

impl Spot {
    fn of(map: &Map) -> Self {
        Spot { strongest: map.strongest(), half: map.half() }
    }
}

#[derive(Serialize)]
pub struct Integrated {
    pub sum: f64,
    pub score: f64,
    pub baseline: f64,
    pub points: usize,
    pub complete: bool,
}

#[derive(Serialize)]
pub struct CamSpot {
    pub layer: String,
    pub places: [usize; 2],
    #[serde(flatten)]
    pub spot: Spot,
}

#[derive(Serialize)]
pub struct Covered {
    pub patch: usize,
    pub stride: usize,
    pub places: usize,
    /// Rows and columns of the patch by which the score falls most: its upper left corner.
    pub at: (usize, usize),
    pub score: f32,
    pub score_covered: f32,
    pub probability: f64,
    pub probability_covered: f64,
}

#[derive(Serialize)]
pub struct SeenMistakes {
    /// Rows of the part, and how many of them are told wrongly.
    pub part: String,
    pub rows: usize,
    pub wrong: usize,
    /// Those on the sheet.
    pub surest: Vec<Mistake>,
}

/// An image to be looked at.
struct Image {
    name: ImageName,
    numbers: Vec<f32>,
    observed: Option<String>,
}

/// What is wanted, whether by name or by itself.
struct Wanted<'a> {
    what: Vec<What>,
    named: bool,
    args: &'a SeeArgs,
}

impl Wanted<'_> {
    fn has(&self, what: What) -> bool {
        self.what.contains(&what)
    }

    /// A result that may fail only where it was asked for by name.
    fn unless_unasked<T>(&self, found: Result<T, glassbox::Error>) -> Result<Option<T>, AppError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if self.named => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    fn layer(&self) -> Option<&str> {
        self.args.layer.as_deref()
    }
}

pub fn run(args: &SeeArgs, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    if !args.text.is_empty() {
        return Err(AppError::usage(ctx.text.see_no_text()));
    }
    let wanted = Wanted { what: chosen(args), named: !args.what.is_empty(), args };
    let run = folder.path().display().to_string();
    let mut gallery = Gallery::of(args, folder);
    if wanted.what == [What::Gradients] {
        // Any model has gradients.
        let depth = GradientsByDepth::of_run(folder)?;
        let depth = depth.ok_or_else(|| AppError::failed(ctx.text.see_no_looks()))?;
        gallery.write("gradients", &depth.picture())?;
        let seen = SeenRun::of_gradients(run, depth, gallery.files);
        return ctx.print(&seen, |screen| see(&seen, ctx.text, screen.columns()));
    }
    let vision = Vision::of_run(folder)?;
    ctx.warn_of_checkpoints(vision.warnings());
    check(args, &vision)?;
    // New images need none of the run's data.
    let needs_data = args.images.is_empty() || wanted.has(What::Mistakes);
    let data = if needs_data { Some(data_of_run(folder)?) } else { None };
    let part = data.as_ref().map(|data| part(args, data)).transpose()?;
    let wrong = match &part {
        Some(part) if wanted.has(What::Mistakes) || (args.row.is_empty() && !wanted.named) => {
            wanted.unless_unasked(mistakes(&vision, part.rows))?
        }
        _ => None,
    };
    let images = match (&args.images[..], &part) {
        ([], Some(part)) => rows(args, &vision, part, wrong.as_deref().unwrap_or_default())?,
        (files, _) if files.iter().any(is_photos) => photos(&vision, files, ctx)?,
        (files, _) => from_files(args, &vision, files)?,
    };
    let filters = match wanted.has(What::Filters) {
        true => wanted.unless_unasked(vision.filters(wanted.layer()))?,
        false => None,
    };
    if let Some(filters) = &filters {
        let layer = filters.path.trim_end_matches("/weight");
        gallery.write(&format!("filters-{layer}"), &filters.sheet()?.picture())?;
    }
    let images = look(&wanted, &vision, images, &mut gallery)?;
    let mistakes = match (&part, wrong) {
        (Some(part), Some(wrong)) if wanted.has(What::Mistakes) => {
            if !wrong.is_empty() {
                let sheet = Mistake::sheet(&wrong, &vision, part.rows, MISTAKES)?;
                gallery.write("mistakes", &sheet.picture())?;
            }
            let (rows, count) = (part.rows.len(), wrong.len());
            let surest = wrong.into_iter().take(MISTAKES).collect();
            Some(SeenMistakes { part: part.name.clone(), rows, wrong: count, surest })
        }
        _ => None,
    };
    let gradients = match wanted.has(What::Gradients) {
        true => GradientsByDepth::of_run(folder)?,
        false => None,
    };
    if let Some(depth) = &gradients {
        gallery.write("gradients", &depth.picture())?;
    }
    let seen = SeenRun { run, filters, images, mistakes, gradients, files: gallery.files };
    ctx.print(&seen, |screen| see(&seen, ctx.text, screen.columns()))
}

/// What is asked for; by itself everything but the slow way of saliency, and mistakes only of rows
/// that nobody chose.
fn chosen(args: &SeeArgs) -> Vec<What> {
    if !args.what.is_empty() {
        return What::named(&args.what);
    }
    let free = args.images.is_empty() && args.row.is_empty();
    let by_itself = |what: &What| match what {
        What::Smooth => false,
        What::Gradients => free && args.layer.is_none(),
        What::Mistakes | What::Filters => free || (args.layer.is_some() && *what == What::Filters),
        _ => true,
    };
    What::OF_IMAGES.into_iter().filter(by_itself).collect()
}

/// What is named must be there, before anything is computed.
fn check(args: &SeeArgs, vision: &Vision) -> Result<(), AppError> {
    let mut problems = Vec::new();
    if let Some(layer) = &args.layer
        && vision.filters(Some(layer)).is_err()
        && let Err(error) = vision.find_layer(layer)
    {
        problems.push(error.to_string());
    }
    if let Some(Err(error)) = args.class.as_ref().map(|class| vision.class(class)) {
        problems.push(error.to_string());
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(AppError::failed(problems.join("\n"))),
    }
}

/// The rows that are asked for; of none the first ones and the surest mistakes.
fn rows(
    args: &SeeArgs,
    vision: &Vision,
    part: &Part<'_>,
    wrong: &[Mistake],
) -> Result<Vec<Image>, AppError> {
    let [first, mistaken] = ROWS;
    let chosen: Vec<usize> = match args.row.is_empty() {
        false => args.row.clone(),
        true => {
            let mistakes = || wrong.iter().map(|mistake| mistake.row).take(mistaken);
            let others = (0..part.rows.len()).filter(|row| !mistakes().any(|other| other == *row));
            others.take(first).chain(mistakes()).collect()
        }
    };
    let labels = part.rows.labels();
    let classes = vision.classes();
    let image = |row: usize| {
        let label = labels.as_ref().and_then(|labels| labels.get(row));
        let observed = label.and_then(|&label| classes.get(label as usize).cloned());
        let name = ImageName::Row(row, part.name.clone());
        Ok(Image { name, numbers: vision.row(part.rows, row)?, observed })
    };
    chosen.into_iter().map(image).collect()
}

/// The images of files; of a file with many the rows that are asked for, else the first ones.
fn from_files(args: &SeeArgs, vision: &Vision, files: &[PathBuf]) -> Result<Vec<Image>, AppError> {
    let mut images = Vec::new();
    for file in files {
        let all = numbers_of(vision, file)?;
        let size = vision.shape().iter().product::<usize>().max(1);
        let count = all.len() / size;
        let chosen = match args.row.is_empty() {
            true => (0..count.min(IMAGES)).collect(),
            false => args.row.clone(),
        };
        for row in chosen {
            let Some(numbers) = all.get(row * size..(row + 1) * size) else {
                return Err(AppError::failed(format!(
                    "row {row}: {} has rows 0 to {}",
                    file.display(),
                    count.saturating_sub(1)
                )));
            };
            let name = ImageName::File(file.display().to_string(), Some(row));
            images.push(Image { name, numbers: numbers.to_vec(), observed: None });
        }
    }
    Ok(images)
}

/// Photos; those that cannot be read are told and left out.
fn photos(vision: &Vision, paths: &[PathBuf], ctx: &Context) -> Result<Vec<Image>, AppError> {
    let (photos, skipped) = vision.photos(paths)?;
    if !ctx.global.quiet {
        skipped.iter().for_each(|one| ctx.warn(format_args!("{}: {}", one.file, one.problem)));
    }
    let images: Vec<Image> = photos
        .into_iter()
        .map(|Photo { file, observed, numbers }| Image {
            name: ImageName::File(file, None),
            numbers,
            observed,
        })
        .collect();
    match images.is_empty() {
        true => Err(AppError::failed(ctx.text.see_no_images())),
        false => Ok(images),
    }
}

/// All images of a file as the network takes them.
fn numbers_of(vision: &Vision, file: &Path) -> Result<Vec<f32>, AppError> {
    match RawRows::from_path(file).map_err(glassbox::Error::from)? {
        RawRows::Images(images) => Ok(vision.of_idx(&images)?),
        RawRows::Table(_) => Err(AppError::failed(format!(
            "{}: a table, but the model takes images",
            file.display()
        ))),
    }
}

/// Looks at images, and draws a sheet with a row for each.
fn look(
    wanted: &Wanted<'_>,
    vision: &Vision,
    images: Vec<Image>,
    gallery: &mut Gallery,
) -> Result<Vec<SeenImage>, AppError> {
    let mut seen = Vec::new();
    let mut rows: Vec<Vec<(Picture, String)>> = Vec::new();
    let asked = !wanted.args.row.is_empty() || !wanted.args.images.is_empty();
    for (index, image) in images.iter().enumerate() {
        let said = vision.said(&image.numbers)?;
        let Some(said) = said.first() else { continue };
        let (found, panels) = one(wanted, vision, image, said)?;
        rows.push(panels);
        // Of rows that nobody chose the first one stands for all.
        let alone = asked || wanted.named || index == 0;
        let name = file_name(&image.name);
        let mut found = found;
        if wanted.has(What::Features) && alone {
            let maps = vision.feature_maps(&image.numbers, wanted.layer());
            found.features = wanted.unless_unasked(maps)?;
            if let Some(maps) = &found.features {
                let sheet = maps.sheet(&in_words(&image.name))?;
                gallery.write(&format!("features-{}-{name}", maps.layer), &sheet.picture())?;
            }
        }
        if wanted.has(What::Channels) && alone {
            found.channels = vision.channel_weights(&image.numbers)?;
            if found.channels.is_empty() && wanted.what == [What::Channels] {
                return Err(AppError::failed(
                    "this model has no weights of channels: they are those of squeeze-and-excitation \
                     modules",
                ));
            }
            if !found.channels.is_empty() {
                let mut sheet = Sheet::new("Weights of channels").columns(1);
                sheet.note(&format!("{}: {}", in_words(&image.name), found.predicted));
                sheet.add(vision.panel(&image.numbers)?, "");
                for weights in &found.channels {
                    sheet.add(weights.panel(), &weights.layer);
                }
                gallery.write(&format!("channels-{name}"), &sheet.picture())?;
            }
        }
        seen.push(found);
    }
    let panels = rows.iter().map(Vec::len).max().unwrap_or(0);
    if panels > 1 {
        let mut sheet = Sheet::new("What the network looks at").columns(panels);
        for (picture, caption) in rows.into_iter().flatten() {
            sheet.add(picture, &caption);
        }
        let name = match &images[..] {
            [one] => file_name(&one.name),
            _ => "images".to_owned(),
        };
        gallery.write(&name, &sheet.picture())?;
    }
    Ok(seen)
}

/// The panels of an image: it, and a map for each way of looking.
type Panels = Vec<(Picture, String)>;

fn one(
    wanted: &Wanted<'_>,
    vision: &Vision,
    image: &Image,
    said: &Said,
) -> Result<(SeenImage, Panels), AppError> {
    let numbers = &image.numbers;
    let class = match &wanted.args.class {
        Some(name) => vision.class(name)?,
        None => said.index,
    };
    let class_name = vision.classes().get(class).cloned().unwrap_or_default();
    let mut caption = match said.probability {
        Some(probability) => format!("{} ({})", said.class, percent(probability)),
        None => format!("{} {:.4}", said.class, said.scores.first().unwrap_or(&f32::NAN)),
    };
    if let Some(observed) = &image.observed {
        caption += &format!("\nis {observed}");
    }
    caption += &format!("\n{}", in_words(&image.name));
    let mut panels: Panels = vec![(vision.panel(numbers)?, caption)];
    let mut panel = |map: &Map, drawn: Drawn, caption: String| -> Result<(), AppError> {
        panels.push((vision.map_panel(numbers, map, drawn)?, caption));
        Ok(())
    };
    let mut found = SeenImage {
        image: in_words(&image.name),
        name: image.name.clone(),
        predicted: said.class.clone(),
        probability: said.probability,
        observed: image.observed.clone(),
        class: class_name.clone(),
        saliency: None,
        smooth: None,
        integrated: None,
        gradcam: None,
        occlusion: None,
        features: None,
        channels: Vec::new(),
    };
    if wanted.has(What::Saliency) {
        let map = vision.saliency(numbers, class)?;
        panel(&map, Drawn::Alone, format!("saliency\nof {class_name}"))?;
        found.saliency = Some(Spot::of(&map));
    }
    if wanted.has(What::Smooth) {
        let map = vision.smooth_saliency(numbers, class, SAMPLES, 42)?;
        panel(&map, Drawn::Alone, format!("saliency,\n{SAMPLES} noisy"))?;
        found.smooth = Some(Spot::of(&map));
    }
    if wanted.has(What::Integrated) {
        let IntegratedGradients { map, sum, score, baseline, points, complete } =
            vision.integrated_gradients(numbers, class, None)?;
        let difference = score - baseline;
        panel(&map, Drawn::Signed, format!("integrated\nsum {sum:.2}\nof {difference:.2}"))?;
        found.integrated = Some(Integrated { sum, score, baseline, points, complete });
    }
    if wanted.has(What::GradCam)
        && let Some(ActivationMap { layer, places, map, .. }) =
            wanted.unless_unasked(vision.grad_cam(numbers, class, wanted.layer()))?
    {
        panel(&map, Drawn::Over, format!("Grad-CAM\n{layer}"))?;
        found.gradcam = Some(CamSpot { layer, places, spot: Spot::of(&map) });
    }
    if wanted.has(What::Occlusion) {
        let [height, width, _] = vision.shape();
        let side = (height.max(width) as f64 / 6.0).round() as usize;
        let patch = wanted.args.patch.map_or(side.clamp(1, height.min(width)), |n| n as usize);
        let stride = wanted.args.stride.map_or((patch / 2).max(1), |n| n as usize);
        let Occlusion { map, patch, stride, places, uncovered, worst } =
            vision.occlusion(numbers, class, patch, stride)?;
        let fall = format!("{:.1} -> {:.1}", uncovered.score, worst.score);
        panel(&map, Drawn::Signed, format!("occlusion\n{patch} x {patch}\n{fall}"))?;
        found.occlusion = Some(Covered {
            patch,
            stride,
            places,
            at: (worst.row, worst.column),
            score: uncovered.score,
            score_covered: worst.score,
            probability: uncovered.probability,
            probability_covered: worst.probability,
        });
    }
    Ok((found, panels))
}

/// Which image, in English, as pictures and JSON say it.
fn in_words(name: &ImageName) -> String {
    match name {
        ImageName::Row(row, part) => format!("{part} row {row}"),
        ImageName::File(file, Some(row)) => format!("{} row {row}", short(file)),
        ImageName::File(file, None) => short(file),
    }
}

fn file_name(name: &ImageName) -> String {
    in_words(name).replace(' ', "-")
}

/// A file's name without its folders.
fn short(file: &str) -> String {
    let name = Path::new(file).file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| file.to_owned())
}
