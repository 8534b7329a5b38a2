//! What a network looks at, in words.

use glassbox::watch::vision::percent;

use super::line::wrap;
use crate::commands::see::images::{ImageName, SeenImage, SeenRun};
use crate::text::Text;

/// A paragraph for each image, then the mistakes and the files.
pub fn see(seen: &SeenRun, text: Text, columns: usize) -> String {
    let mut lines = Vec::new();
    if let Some(filters) = &seen.filters {
        let [height, width, channels, count] = filters.shape;
        lines.push((0, text.see_filters(&filters.path, count, height, width, channels)));
    }
    for image in &seen.images {
        lines.extend(one(image, text));
    }
    if let Some(mistakes) = &seen.mistakes {
        let part = text.split(&mistakes.part);
        lines.push((0, text.see_mistakes(mistakes.wrong, mistakes.rows, part)));
        if let Some(surest) = mistakes.surest.first() {
            let probability = percent(surest.probability);
            let surest =
                text.see_surest(surest.row, &surest.predicted, probability, &surest.observed);
            lines.push((2, surest));
        }
    }
    if let Some(depth) = &seen.gradients
        && let (Some(step), Some(norms)) = (depth.steps.last(), depth.norms.last())
        && let (Some(first), Some(last)) = (norms.first(), norms.last())
    {
        let figures = [first, last, &(first / last)].map(|x| super::figure(*x));
        let [first, last, ratio] = &figures;
        let names = [depth.layers.first(), depth.layers.last()];
        let [from, to] = names.map(|name| name.cloned().unwrap_or_default());
        lines.push((0, text.see_gradients(step, from, first, to, last, ratio)));
    }
    lines.push((0, text.see_wrote(seen.files.len())));
    let mut out = String::new();
    for (indent, line) in lines {
        let room = columns.saturating_sub(indent + 2).max(20);
        for (part, line) in wrap(&line, room).into_iter().enumerate() {
            let more = if part == 0 { indent } else { indent + 2 };
            out += &format!("{}{line}\n", " ".repeat(more));
        }
    }
    // A path is never cut: it is there to be opened.
    for file in &seen.files {
        out += &format!("  {file}\n");
    }
    out
}

fn one(image: &SeenImage, text: Text) -> Vec<(usize, String)> {
    let name = match &image.name {
        ImageName::Row(row, part) => text.see_row(row, text.split(part)),
        ImageName::File(file, Some(row)) => text.see_file(file, row),
        ImageName::File(file, None) => file.clone(),
    };
    let predicted = match image.probability {
        Some(probability) => text.see_class(&image.predicted, percent(probability)),
        None => image.predicted.clone(),
    };
    let judged = match &image.observed {
        Some(observed) if *observed == image.predicted => text.see_right(),
        Some(observed) => text.see_wrong(observed),
        None => String::new(),
    };
    let mut lines = vec![(0, format!("{name}: {predicted}{judged}"))];
    if image.class != image.predicted {
        lines.push((2, text.see_of_class(&image.class)));
    }
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    for (spot, of) in [(&image.saliency, text.see_saliency()), (&image.smooth, text.see_smooth())] {
        if let Some(spot) = spot {
            let (row, column) = spot.strongest;
            lines.push((2, text.see_spot(of, row, column, share(spot.half))));
        }
    }
    if let Some(found) = &image.integrated {
        let (sum, score) = (signed(found.sum, 3), signed(found.score, 3));
        let baseline = signed(found.baseline, 3);
        let difference = signed(found.score - found.baseline, 3);
        let told = text.see_integrated(sum, difference, score, baseline, found.points);
        let check = if found.complete { text.see_complete() } else { text.see_incomplete() };
        lines.push((2, format!("{told} {check}")));
    }
    if let Some(found) = &image.gradcam {
        let (row, column) = found.spot.strongest;
        let of = text.see_gradcam(&found.layer);
        lines.push((2, text.see_spot(of, row, column, share(found.spot.half))));
    }
    if let Some(found) = &image.occlusion {
        let (row, column) = found.at;
        let span = |first: usize| format!("{first}–{}", first + found.patch - 1);
        let scores =
            [found.score, found.score_covered].map(f64::from).map(|score| signed(score, 2));
        let sure = [found.probability, found.probability_covered].map(percent);
        let [score, covered] = &scores;
        let [before, after] = &sure;
        lines.push((2, text.see_occlusion(span(row), span(column), score, covered, before, after)));
    }
    if let Some(maps) = &image.features {
        lines.push((2, text.see_features(&maps.layer, maps.maps.len(), maps.constant)));
    }
    for weights in &image.channels {
        let largest = most_and_least(&weights.weights);
        if let (Some((most, high)), Some((least, low))) = largest {
            let figures = [high, low].map(|x| format!("{x:.2}"));
            let [high, low] = &figures;
            lines.push((2, text.see_channels(&weights.layer, most, high, least, low)));
        }
    }
    lines
}

/// A channel with its weight.
type Channel = Option<(usize, f32)>;

/// The channels of the largest and of the least weight.
fn most_and_least(weights: &[f32]) -> (Channel, Channel) {
    let all = || weights.iter().copied().enumerate();
    (all().max_by(|a, b| a.1.total_cmp(&b.1)), all().min_by(|a, b| a.1.total_cmp(&b.1)))
}

/// A number with so many decimals and a true minus sign.
fn signed(x: f64, decimals: usize) -> String {
    format!("{x:.decimals$}").replace('-', "−")
}
