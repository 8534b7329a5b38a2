//! `glassbox neighbours RUN WORD…`

use clap::Args;
use glassbox::word2vec::{Neighbour, WordVectors};
use serde::Serialize;

use super::above_zero;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, grouped};

#[derive(Args)]
pub struct NeighboursArgs {
    #[arg(value_name = "RUN|FILE")]
    pub vectors: String,
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = above_zero)]
    pub count: usize,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    vectors: String,
    words: Vec<Near>,
}

/// A word and those nearest to it.
#[derive(Serialize)]
struct Near {
    word: String,
    /// How often it occurs; none where that is not known.
    count: Option<u64>,
    neighbours: Vec<Neighbour>,
}

pub fn run(args: &NeighboursArgs, ctx: &Context) -> Result<(), AppError> {
    let (name, vectors) = ctx.word_vectors(&args.vectors)?;
    let vocabulary = vectors.vocabulary();
    // Every unknown word is told, not the first alone.
    let unknown: Vec<String> = args
        .words
        .iter()
        .filter_map(|word| vocabulary.get(word).err())
        .map(|e| e.to_string())
        .collect();
    if !unknown.is_empty() {
        return Err(AppError::failed(unknown.join("\n")));
    }
    let near = |word: &String| -> Result<Near, AppError> {
        let at = vocabulary.get(word)?;
        Ok(Near {
            word: vocabulary.words()[at].clone(),
            count: Some(vocabulary.counts()[at]).filter(|&count| count > 0),
            neighbours: vectors.nearest(&[word], args.count)?,
        })
    };
    let words = args.words.iter().map(near).collect::<Result<Vec<_>, _>>()?;
    let json = Json { vectors: name, words };
    ctx.print(&json, |screen| {
        let tables = json.words.iter().map(|near| {
            let head = match near.count {
                Some(count) => ctx.text.words_with_count(&near.word, grouped(count)),
                None => near.word.clone(),
            };
            list(&head, &near.neighbours, &vectors, ctx).render(screen.columns())
        });
        tables.collect::<Vec<_>>().join("\n")
    })
}

/// Words with their cosines, and how often each occurs, where that is known.
pub(super) fn list(
    head: &str,
    neighbours: &[Neighbour],
    vectors: &WordVectors,
    ctx: &Context,
) -> Table {
    let vocabulary = vectors.vocabulary();
    let counted = vocabulary.counts().iter().any(|&count| count > 0);
    let mut headers =
        vec![(head.to_owned(), Align::Left), (ctx.text.column_cosine(), Align::Right)];
    headers.extend(counted.then(|| (ctx.text.column_times(), Align::Right)));
    let mut table = Table::new(headers);
    for Neighbour { word, cosine } in neighbours {
        let mut row = vec![word.clone(), format!("{cosine:.3}").replace('-', "−")];
        let count = || vocabulary.find(word).map_or(0, |at| vocabulary.counts()[at]);
        row.extend(counted.then(|| grouped(count())));
        table.row(row);
    }
    table
}
