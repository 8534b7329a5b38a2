//! GPT-2 and BERT give the numbers that Hugging Face's `transformers` gives, and encoder and decoder of
//! attention those of PyTorch's layers, from their files: scores within 1e-4, gradients within 1e-3, also
//! with padding and masks. `fixtures/hugging_face.py` made the fixture.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::collections::BTreeMap;
use std::path::Path;

use glassbox::engine::{Array, DType, Graph, Mode, Options, Parameters, Session, Tensor, grad};
use glassbox::generate::{Generator, Sampling};
use glassbox::io::published::{Pretrained, Published};
use glassbox::io::{pytorch, safetensors};
use glassbox::nn::{Loss, Module, Optimizer};
use glassbox::zoo::{BertHead, Transformer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    given: Vec<Vec<i64>>,
    types: Option<Vec<Vec<i64>>>,
    /// Of parameters, by name, in their order.
    shapes: BTreeMap<String, Vec<usize>>,
    scores_shape: Vec<usize>,
    scores: Vec<f64>,
    loss: f64,
    /// Of the gradients.
    norms: BTreeMap<String, f64>,
    /// Every third of their elements or so.
    samples: BTreeMap<String, Vec<f64>>,
}

fn case(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hugging_face.json");
    let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    fixture.cases.into_iter().find(|case| case.name == name).unwrap()
}

fn fnv1a(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The fixture's formula.
fn sequence(count: usize, seed: u64) -> Vec<f64> {
    let of = |i: u64| {
        let i = i % 65_521;
        ((i * i % 65_521 * 7_919 + seed * 104_729) % 65_521) as f64 / 65_521.0 * 2.0 - 1.0
    };
    (1..=count as u64).map(of).collect()
}

impl Case {
    /// The arrays of its file, by its names.
    fn arrays(&self) -> Parameters {
        let of = |(name, shape): (&String, &Vec<usize>)| {
            let drawn = sequence(shape.iter().product(), fnv1a(name) % 65_521);
            let each = |x: &f64| match shape.len() {
                2.. => 0.4 * x,
                _ if name.ends_with("weight") => 1.0 + 0.2 * x,
                _ => 0.1 * x,
            };
            let values: Vec<f32> = drawn.iter().map(|x| each(x) as f32).collect();
            (name.clone(), Array::new(shape.clone(), values).unwrap())
        };
        self.shapes.iter().map(of).collect()
    }

    /// A folder as `transformers` saves it.
    fn folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let config = serde_json::to_string(&self.config).unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        std::fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
        let path = folder.path().join("model.safetensors");
        safetensors::write(&path, &self.arrays(), &BTreeMap::default()).unwrap();
        folder
    }

    /// Compares scores and gradients of `record`, with these values, in f32.
    fn compare(
        &self,
        values: &Parameters,
        record: impl for<'g> Fn(&'g Graph, Tensor<'g>, Option<Tensor<'g>>) -> Tensor<'g>,
    ) {
        let graph = Graph::new();
        let sizes = [self.given.len(), self.given[0].len()];
        let ids = graph.input("ids", DType::I64, sizes);
        let types = self.types.as_ref().map(|_| graph.input("types", DType::I64, sizes));
        let all = record(&graph, ids, types);
        assert_eq!(all.shape().sizes(), self.scores_shape, "{}", self.name);
        let counted = graph.input("counted", DType::F32, all.shape());
        let upstream = graph.input("upstream", DType::F32, all.shape());
        let scores = all * counted;
        let loss = (scores * upstream).sum();
        let parameters = graph.parameters();
        let tensors: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let slopes = grad(loss, &tensors);
        graph.check().unwrap_or_else(|mistakes| panic!("{}: {mistakes}", self.name));

        let mut given = Parameters::new();
        let whole = |rows: &[Vec<i64>]| Array::new(sizes, rows.concat()).unwrap();
        given.insert("ids", whole(&self.given));
        if let Some(types) = &self.types {
            given.insert("types", whole(types));
        }
        let real: Vec<f32> = self.scores.iter().map(|&x| f32::from(u8::from(x != 0.0))).collect();
        given.insert("counted", Array::new(all.shape(), real).unwrap());
        let up: Vec<f32> = sequence(self.scores.len(), 3).iter().map(|&x| x as f32).collect();
        given.insert("upstream", Array::new(all.shape(), up).unwrap());
        let mut session = Session::new(Options::default()).unwrap();
        session.load(values.clone());
        let outputs = [&[scores, loss], &slopes[..]].concat();
        let found = session.evaluate(&graph, &given, &outputs).unwrap();

        let near = |what: &str, ours: &[f64], theirs: &[f64], tolerance: f64| {
            assert_eq!(ours.len(), theirs.len(), "{}: {what}", self.name);
            let scale = theirs.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            for (ours, theirs) in ours.iter().zip(theirs) {
                let off = (ours - theirs).abs();
                assert!(off <= tolerance * scale, "{}: {what}: {ours} {theirs}", self.name);
            }
        };
        near("scores", &found[0].to_f64(), &self.scores, 1e-4);
        near("loss", &found[1].to_f64(), &[self.loss], 1e-4);
        // The gradients, called and laid as theirs.
        let ours = parameters.iter().map(|(path, _)| path.clone()).zip(found[2..].iter().cloned());
        let ours = pytorch::write(&graph, &ours.collect()).unwrap();
        let mut compared = 0;
        for (name, ours) in ours.iter() {
            let full = ["", "transformer.", "bert."].map(|prefix| format!("{prefix}{name}"));
            let full = full.iter().find(|name| self.norms.contains_key(*name));
            let full = full.unwrap_or_else(|| panic!("{}: {name}", self.name));
            assert_eq!(ours.shape().sizes(), self.shapes[full], "{}: {full}", self.name);
            let ours = ours.to_f64();
            let norm = ours.iter().map(|x| x * x).sum::<f64>().sqrt();
            near(full, &[norm], &[self.norms[full]], 1e-3);
            let each = (ours.len() / 3).max(1);
            let samples: Vec<f64> = ours.iter().step_by(each).copied().collect();
            near(full, &samples, &self.samples[full], 1e-3);
            compared += 1;
        }
        assert_eq!(compared, self.norms.len(), "{}", self.name);
    }
}

fn published(name: &str) -> (Case, Published, tempfile::TempDir) {
    let case = case(name);
    let folder = case.folder();
    let published = Published::load(folder.path()).unwrap_or_else(|what| panic!("{name}: {what}"));
    assert_eq!(published.drawn, [""; 0], "{name}");
    assert!(published.rest.is_empty(), "{name}: {:?}", published.rest);
    (case, published, folder)
}

fn compared(name: &str) {
    let (case, published, _folder) = published(name);
    case.compare(&published.values, |graph, ids, types| match &published.model {
        Pretrained::Gpt(model) => model.forward(graph.root(Mode::Eval), ids),
        Pretrained::Bert(model) => model.read(graph.root(Mode::Eval), ids, types),
    });
}

#[test]
fn gpt2_scores_as_hugging_face_does() {
    compared("gpt2");
    compared("gpt2, another head");
}

#[test]
fn bert_scores_as_hugging_face_does() {
    compared("bert, masked tokens");
    compared("bert, sequences");
    compared("bert, places");
}

#[test]
fn an_encoder_and_a_decoder_score_as_pytorch_does() {
    for (name, pre_norm) in [("transformer, post-norm", false), ("transformer, pre-norm", true)] {
        let case = case(name);
        let model = Transformer::new(6, [31, 31])
            .layers(2)
            .heads(4)
            .units(16)
            .hidden(24)
            .pre_norm(pre_norm)
            .tied(false);
        let graph = Graph::new();
        let ids = graph.input("ids", DType::I64, [2, 11]);
        model.forward(graph.root(Mode::Eval), ids);
        let read = pytorch::read(&graph, &case.arrays()).unwrap_or_else(|what| panic!("{what:?}"));
        assert!(read.unused.is_empty(), "{:?}", read.unused);
        case.compare(&read.values, |graph, ids, _| model.forward(graph.root(Mode::Eval), ids));
    }
}

#[test]
fn what_is_saved_is_what_was_loaded() {
    for name in ["gpt2", "gpt2, another head", "bert, masked tokens", "bert, places"] {
        let (case, published, _folder) = published(name);
        let copy = tempfile::tempdir().unwrap();
        published.save(copy.path(), &published.values).unwrap();
        let path = copy.path().join("model.safetensors");
        let (arrays, metadata) = safetensors::read(&path).unwrap();
        assert_eq!(arrays, case.arrays(), "{name}");
        assert_eq!(metadata["format"], "pt");
        let config = std::fs::read_to_string(copy.path().join("config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        // The fixture's configurations of GPT-2 do not say the class.
        let class = config["architectures"].take();
        assert!(class[0].as_str().is_some_and(|name| name.len() > 8), "{name}: {class}");
        let mut asked = case.config.clone();
        asked["architectures"].take();
        assert_eq!(config, asked, "{name}");
        let again = Published::load(copy.path()).unwrap();
        assert_eq!((&again.model, &again.values), (&published.model, &published.values));
        assert!(again.tokenizer().is_some());
    }
}

#[test]
fn a_published_encoder_learns_classes() {
    let case = case("bert, masked tokens");
    let folder = case.folder();
    let head = BertHead::Sequence(2);
    let published = Published::load_with_head(folder.path(), head).unwrap();
    let mut drawn = published.drawn.clone();
    drawn.sort_unstable();
    let heads =
        ["classifier/bias", "classifier/weight", "pooler/dense/bias", "pooler/dense/weight"];
    assert_eq!(drawn, heads);

    // Whether a row begins with a token below 15.
    let rows: Vec<Vec<i64>> =
        (0..16).map(|row| (0..6).map(|i| 1 + (row * 7 + i * 5) % 30).collect()).collect();
    let labels: Vec<i64> = rows.iter().map(|row| i64::from(row[0] < 15)).collect();
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let ids = graph.input("ids", DType::I64, [16, 6]);
    let target = graph.input("labels", DType::I64, [16]);
    let Pretrained::Bert(model) = &published.model else { panic!("not bert") };
    let scores = model.clone().dropout(0.0).forward(at, ids);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, target);
    let rate = graph.constant(DType::F32, 3e-3);
    let step = graph.input("step", DType::I64, []);
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(1));
    session.load(published.values.clone());
    let mut losses = Vec::new();
    for number in 1..=60i64 {
        let mut given = Parameters::new();
        given.insert("ids", Array::new([16, 6], rows.concat()).unwrap());
        given.insert("labels", Array::vector(labels.clone()));
        given.insert("step", Array::new([0; 0], vec![number]).unwrap());
        losses.push(session.evaluate(&graph, &given, &[loss]).unwrap()[0].to_f64()[0]);
    }
    assert!(losses[59] < 0.1 && losses[0] > 0.4, "{losses:?}");

    // What it has learned goes back under the names of its new class.
    let copy = tempfile::tempdir().unwrap();
    published.save(copy.path(), &session.values()).unwrap();
    let again = Published::load(copy.path()).unwrap();
    assert_eq!(again.config["architectures"][0], "BertForSequenceClassification");
    assert_eq!(again.values.get("classifier/weight"), session.value("classifier/weight").as_ref());
    assert_eq!(again.model, published.model);
    let (arrays, _) = safetensors::read(&copy.path().join("model.safetensors")).unwrap();
    let names: Vec<&str> = arrays.iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"bert.pooler.dense.weight") && names.contains(&"classifier.bias"));
    assert!(!names.iter().any(|name| name.starts_with("cls.")), "{names:?}");
}

#[test]
fn a_published_decoder_writes() {
    let (_, published, _folder) = published("gpt2");
    let model = published.model.module().decoder().unwrap();
    let options = Options { threads: 1, ..Options::default() };
    let write = |cached| {
        let values = published.values.clone();
        let mut generator = Generator::new(model, values, options.clone()).unwrap().cached(cached);
        generator.write(&[5, 9], &Sampling::greedy(30)).unwrap().ids
    };
    assert_eq!(write(true), write(false));
    assert_eq!(write(true).len(), 30); // The context is 12.
}

#[test]
fn folders_without_a_prefix_and_with_old_names_are_read() {
    let case = case("bert, masked tokens");
    let folder = case.folder();
    let renamed = case.arrays();
    let renamed: Parameters = renamed
        .iter()
        .map(|(name, array)| {
            let name = name.strip_prefix("bert.").unwrap_or(name);
            let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
            (name.replace("LayerNorm.bias", "LayerNorm.beta"), array.clone())
        })
        .collect();
    let whole = Published::load(folder.path()).unwrap();
    let path = folder.path().join("model.safetensors");
    safetensors::write(&path, &renamed, &BTreeMap::default()).unwrap();
    assert_eq!(Published::load(folder.path()).unwrap().values, whole.values);

    // In several files.
    let (mut files, mut map) = ([Parameters::new(), Parameters::new()], serde_json::Map::new());
    for (number, (name, array)) in case.arrays().iter().enumerate() {
        files[number % 2].insert(name, array.clone());
        map.insert(name.to_owned(), format!("part{}.safetensors", number % 2).into());
    }
    std::fs::remove_file(path).unwrap();
    for (number, file) in files.iter().enumerate() {
        let path = folder.path().join(format!("part{number}.safetensors"));
        safetensors::write(&path, file, &BTreeMap::default()).unwrap();
    }
    let index = serde_json::json!({ "weight_map": map }).to_string();
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(Published::load(folder.path()).unwrap().values, whole.values);
}

#[test]
fn folders_that_are_wrong_say_why() {
    let case = case("gpt2");
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = case.folder();
        let mut config = case.config.clone();
        change(&mut config);
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        Published::load(folder.path()).unwrap_err().to_string()
    };
    let what = refused(&|config| config["model_type"] = "llama".into());
    assert!(what.contains("\"llama\"") && what.contains("gpt2 and bert"), "{what}");
    let what = refused(&|config| {
        config["activation_function"] = "geul".into();
        config["n_layer"] = (-1).into();
        config["scale_attn_by_inverse_layer_idx"] = true.into();
    });
    let told = ["`gelu`", "n_layer", "scale_attn_by_inverse_layer_idx"];
    assert!(told.iter().all(|word| what.contains(word)), "{what}");
    let what = refused(&|config| config["n_layer"] = 3.into());
    assert!(what.contains("transformer.h.2.attn.c_attn.weight"), "{what}");
    let what = refused(&|config| config["vocab_size"] = 32.into());
    assert!(what.contains("transformer.wte.weight") && what.contains("[32, 16]"), "{what}");
    let empty = tempfile::tempdir().unwrap();
    let what = Published::load(empty.path()).unwrap_err().to_string();
    assert!(what.contains("config.json"), "{what}");
    std::fs::write(empty.path().join("config.json"), case.config.to_string()).unwrap();
    std::fs::write(empty.path().join("pytorch_model.bin"), "").unwrap();
    let what = Published::load(empty.path()).unwrap_err().to_string();
    assert!(what.contains("save_pretrained"), "{what}");
}
