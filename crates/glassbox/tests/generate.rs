//! Models write the same with what they keep of the tokens before and without, and what is written
//! follows from the seed alone.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::ops::ControlFlow;

use glassbox::engine::{DType, Graph, Mode, Options, Parameters};
use glassbox::generate::{Beams, Ending, Generator, Sampling};
use glassbox::nn::{Decoder, Positions};
use glassbox::zoo::{Alignment, Cell, Gpt, Places, Recurrent, Seq2Seq, Tokens, Transformer};

const VOCABULARY: usize = 19;

/// As drawn, times `scale`, so that scores differ.
fn values(model: &dyn Decoder, scale: f32) -> Parameters {
    let graph = Graph::new();
    let width = model.source().unwrap_or(0) + 4;
    model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, width]));
    graph.check().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut values = graph.initial_values(3);
    let paths: Vec<String> = values.iter().map(|(path, _)| path.to_owned()).collect();
    for path in paths.iter().filter(|path| path.ends_with("weight")) {
        let mut array = values.get(path).unwrap().clone();
        if array.shape().rank() < 2 {
            continue;
        }
        if let glassbox::engine::Data::F32(numbers) = array.data_mut() {
            numbers.iter_mut().for_each(|x| *x *= scale);
        }
        values.insert(path.clone(), array);
    }
    values
}

fn generator<'m>(model: &'m dyn Decoder, scale: f32, cached: bool) -> Generator<'m> {
    let options = Options { threads: 1, ..Options::default() };
    let mut generator =
        Generator::new(model, values(model, scale), options).unwrap().cached(cached);
    if model.source().is_some() {
        generator.read_source(&[5, 11, 7]).unwrap();
    }
    generator
}

fn gpt(positions: Positions) -> Gpt {
    Gpt::new(VOCABULARY).context(48).layers(2).heads(2).units(16).positions(positions)
}

fn recurrent(cell: Cell) -> Recurrent {
    let tokens = Tokens { vocabulary: VOCABULARY, width: 8, padding: None };
    Recurrent::new(cell, 16, VOCABULARY).layers(2).tokens(tokens).places(Places::Every)
}

fn seq2seq(attention: Alignment) -> Seq2Seq {
    Seq2Seq::new(5, [VOCABULARY; 2]).units(16).layers(2).attention(attention)
}

fn transformer(positions: Positions) -> Transformer {
    let model = Transformer::new(5, [VOCABULARY; 2]).layers(2).heads(2).units(16);
    model.positions(positions).pre_norm(positions == Positions::Rotary).longest(64)
}

/// Greedy texts longer than a room and, where there is one, than the context.
fn the_same_both_ways(name: &str, model: &dyn Decoder, scale: f32) {
    let prompt: Vec<i64> = (0..37).map(|i| (i * i + 1) % VOCABULARY as i64).collect();
    let [mut kept, mut again] = [true, false].map(|cached| generator(model, scale, cached));
    for length in [1, 2, 5, 36, 37] {
        let [a, b] = [&mut kept, &mut again].map(|g| g.scores(&prompt[..length]).unwrap());
        let most = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-4, "{name}: {length} tokens: {most}");
        let spread =
            a.iter().fold(f32::MIN, |x, &y| x.max(y)) - a.iter().fold(f32::MAX, |x, &y| x.min(y));
        assert!(spread > 0.1, "{name}: all tokens score the same: {spread}");
    }
    // Long, then short again: rooms grow and shrink.
    for (length, most) in [(37, 60), (2, 20)] {
        let how = Sampling { seed: 5, most, ..Sampling::default() };
        let [a, b] = [&mut kept, &mut again].map(|g| g.write(&prompt[..length], &how).unwrap());
        assert_eq!(a, b, "{name}");
        let how = Sampling::greedy(most);
        let [a, b] = [&mut kept, &mut again].map(|g| g.write(&prompt[..length], &how).unwrap());
        assert_eq!(a, b, "{name}");
        assert_eq!((a.ids.len(), a.ending), (most, Ending::Full));
    }
}

#[test]
fn a_gpt_writes_the_same_with_what_it_keeps() {
    for positions in Positions::ALL {
        the_same_both_ways(positions.word(), &gpt(*positions), 20.0);
    }
    the_same_both_ways("own head", &gpt(Positions::Learned).tied(false), 20.0);
}

#[test]
fn recurrent_networks_write_the_same_with_what_they_keep() {
    for cell in Cell::ALL {
        the_same_both_ways(cell.word(), &recurrent(*cell), 3.0);
    }
}

#[test]
fn encoders_and_decoders_write_the_same_with_what_they_keep() {
    for attention in Alignment::ALL {
        the_same_both_ways(attention.word(), &seq2seq(*attention), 3.0);
    }
    the_same_both_ways("both ways", &seq2seq(Alignment::Dot).bidirectional(true), 3.0);
    for positions in [Positions::Sinusoidal, Positions::Rotary, Positions::Learned] {
        the_same_both_ways(positions.word(), &transformer(positions), 2.0);
    }
}

#[test]
fn the_same_seed_writes_the_same_and_another_another() {
    let model = gpt(Positions::Rotary);
    let how = |seed| Sampling { seed, temperature: 1.2, top_p: Some(0.95), ..Sampling::default() };
    let mut generator = generator(&model, 20.0, true);
    let mut write = |seed| generator.write(&[1, 2], &how(seed)).unwrap().ids;
    let first = write(1);
    assert_eq!(first.len(), 256);
    assert_eq!(write(1), first);
    assert_ne!(write(2), first);
}

#[test]
fn texts_end_where_they_are_asked_to() {
    let model = gpt(Positions::Learned);
    let mut generator = generator(&model, 20.0, true);
    let all = generator.write(&[1], &Sampling::greedy(10)).unwrap().ids;
    let stop = Sampling { stop: vec![all[4]], ..Sampling::greedy(10) };
    let written = generator.write(&[1], &stop).unwrap();
    let first = all.iter().position(|id| *id == all[4]).unwrap();
    assert_eq!((&written.ids[..], written.ending), (&all[..first], Ending::Stop));
    let mut seen = Vec::new();
    let written = generator
        .stream(&[1], &Sampling::greedy(10), |id| {
            seen.push(id);
            if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((&written.ids, written.ending), (&seen, Ending::Enough));
    assert_eq!(seen, all[..3]);
    let never = Sampling { never: (0..VOCABULARY as i64).collect(), ..Sampling::greedy(10) };
    assert_eq!(generator.write(&[1], &never).unwrap().ids, Vec::<i64>::new());
}

#[test]
fn mistakes_are_told_with_their_cure() {
    let model = gpt(Positions::Learned);
    let mut generator = generator(&model, 1.0, true);
    let told = |error: glassbox::Error| error.to_string();
    let how = Sampling { temperature: f64::NAN, ..Sampling::default() };
    let what = told(generator.write(&[], &how).unwrap_err());
    assert!(what.contains("no token") && what.contains("temperature"), "{what}");
    let what = told(generator.write(&[3, 19], &Sampling::default()).unwrap_err());
    assert!(what.contains("the token 19") && what.contains("0 to 18"), "{what}");
    assert!(told(generator.read_source(&[1]).unwrap_err()).contains("no source"));
    let model = seq2seq(Alignment::None);
    let mut generator = Generator::new(&model, Parameters::new(), Options::default()).unwrap();
    let what = told(generator.write(&[1], &Sampling::default()).unwrap_err());
    assert!(what.contains("read_source"), "{what}");
    assert!(told(generator.read_source(&[1; 6]).unwrap_err()).contains("5 at most"));
    generator.read_source(&[1; 5]).unwrap();
    let what = told(generator.write(&[1], &Sampling::default()).unwrap_err());
    assert!(what.contains("has no value"), "{what}");
}

/// Every text of three tokens, by the model's scores.
fn all_texts(generator: &mut Generator<'_>, length: usize) -> Vec<(Vec<i64>, f64)> {
    let mut texts = vec![(Vec::new(), 0.0)];
    for _ in 0..length {
        texts = texts
            .into_iter()
            .flat_map(|(ids, sum): (Vec<i64>, f64)| {
                let scores = generator.scores(&[&[2], &ids[..]].concat()).unwrap();
                let total: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
                let each = (0..).zip(scores);
                each.map(|(id, score)| {
                    ([&ids[..], &[id]].concat(), sum + f64::from(score) - total.ln())
                })
                .collect::<Vec<_>>()
            })
            .collect();
    }
    texts.sort_by(|a, b| b.1.total_cmp(&a.1));
    texts
}

#[test]
fn a_search_that_follows_everything_finds_the_most_probable_text() {
    let models: [&dyn Decoder; 3] = [
        &seq2seq(Alignment::Additive),
        &transformer(Positions::Sinusoidal),
        &recurrent(Cell::Lstm),
    ];
    for model in models {
        let mut generator = generator(model, 2.0, true);
        let best = all_texts(&mut generator, 2);
        let how = Beams { width: VOCABULARY, most: 2, ..Beams::default() };
        let found = generator.search(&[2], &how).unwrap();
        assert_eq!(found.len(), VOCABULARY);
        for (found, (ids, log_probability)) in found.iter().zip(&best) {
            assert!((found.log_probability - log_probability).abs() < 1e-4, "{found:?}");
            assert_eq!((&found.ids, found.ended), (ids, false));
        }
        // One beam is the greedy text.
        let how = Beams { width: 1, most: 20, ..Beams::default() };
        let one = generator.search(&[2], &how).unwrap();
        let greedy = generator.write(&[2], &Sampling::greedy(20)).unwrap();
        assert_eq!(one[0].ids, greedy.ids);
    }
}

#[test]
fn what_a_search_finds_is_as_probable_as_it_says() {
    let model = transformer(Positions::Rotary);
    let mut generator = generator(&model, 2.0, true);
    let how = Beams { width: 4, most: 12, stop: vec![3], never: vec![0], ..Beams::default() };
    let found = generator.search(&[2, 6], &how).unwrap();
    assert!(found.windows(2).all(|two| two[0].score >= two[1].score));
    for text in &found {
        let mut sum = 0.0;
        let told = [&text.ids[..], if text.ended { &[3] } else { &[] }].concat();
        for (place, id) in told.iter().enumerate() {
            let scores = generator.scores(&[&[2, 6], &told[..place]].concat()).unwrap();
            let total: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
            sum += f64::from(scores[*id as usize]) - total.ln();
        }
        assert!((sum - text.log_probability).abs() < 1e-4, "{text:?} {sum}");
        let divisor = ((5.0 + told.len() as f64) / 6.0).powf(0.6);
        assert!((text.score - sum / divisor).abs() < 1e-4);
        assert!(!text.ids.contains(&0) && !text.ids.contains(&3));
    }
}
