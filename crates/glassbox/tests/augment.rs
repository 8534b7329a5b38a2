//! Training images are changed as their configuration says: the same bits whatever the threads, the
//! batches and interruptions, and labels mixed as the images are.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use glassbox::data::{self, Augment, Augmenter, Dataset, Mixed, Options, Scratch, Targets};
use glassbox::engine::Array;
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::config::RunConfig;
use glassbox::train::event::{Ending, Event};
use glassbox::train::folder::RunFolder;

const CROP: Augment = Augment::Crop { padding: 2 };
const TURN: Augment = Augment::Rotate { degrees: 20.0 };
const MIXUP: Augment = Augment::Mixup { alpha: 1.0, share: 0.75 };
const CUTMIX: Augment = Augment::CutMix { alpha: 1.0, share: 1.0 };

fn parameters(run: &Run, path: &str) -> Vec<f64> {
    run.parameters().get(path).unwrap().to_f64()
}

#[test]
fn threads_do_not_change_a_bit_and_augmentation_changes_the_training() {
    let digits = data::digits();
    let train = |threads, list: &[Augment]| {
        let trainer = Trainer::new(Mlp::new([64, 16, 10])).epochs(2).threads(threads);
        let run = trainer.augment(list.iter().copied()).fit(&digits).unwrap();
        parameters(&run, "fc1/weight")
    };
    let list = [CROP, TURN, MIXUP, Augment::Noise { deviation: 0.1 }];
    let one = train(1, &list);
    assert_eq!(one, train(2, &list));
    assert_eq!(one, train(5, &list));
    assert_ne!(one, train(1, &list[..2]));
    assert_ne!(train(1, &[]), train(1, &list[..2]));
}

#[test]
fn an_image_follows_from_seed_epoch_and_row_alone() {
    let digits = data::digits();
    let of = |seed| Augmenter::new(&[CROP, TURN, CUTMIX], &digits, seed).unwrap();
    let augmenter = of(1);
    let see = |augmenter: &Augmenter, row, epoch| {
        let mut image = vec![0.0; 64];
        let mixed = augmenter
            .image(&digits.train, row, epoch, &mut image, &mut Scratch::default())
            .unwrap();
        (image, mixed)
    };
    let forwards: Vec<_> = (0..40).map(|row| see(&augmenter, row, 3)).collect();
    let mut backwards: Vec<_> = (0..40).rev().map(|row| see(&augmenter, row, 3)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let others = [see(&augmenter, 5, 4), see(&of(2), 5, 3), see(&augmenter, 6, 3)];
    assert!(others.iter().all(|other| *other != forwards[5]));
}

/// The mean loss of all training rows as epoch `epoch` sees them, by the formula of Zhang et al.:
/// (1 − s)·CE(own label) + s·CE(partner's label), for the linear model of `run`.
fn loss_by_hand(run: &Run, data: &Dataset, list: &[Augment], epoch: u64) -> f64 {
    let (weight, bias) = (parameters(run, "fc1/weight"), parameters(run, "fc1/bias"));
    let augmenter = Augmenter::new(list, data, 42).unwrap();
    let labels = data.train.labels().unwrap();
    let mut image = vec![0.0; data.train.width()];
    let mut sum = 0.0;
    for row in 0..data.train.len() {
        let scratch = &mut Scratch::default();
        let mixed = augmenter.image(&data.train, row, epoch, &mut image, scratch).unwrap();
        let mut scores = bias.clone();
        for (x, weights) in image.iter().zip(weight.chunks(scores.len())) {
            scores.iter_mut().zip(weights).for_each(|(score, w)| *score += f64::from(*x) * w);
        }
        let log_sum = scores.iter().map(|score| score.exp()).sum::<f64>().ln();
        let loss = |label: i64| log_sum - scores[label as usize];
        let own = loss(labels[row]);
        sum += match mixed {
            Some(Mixed { partner, share }) => {
                (1.0 - f64::from(share)) * own + f64::from(share) * loss(labels[partner])
            }
            None => own,
        };
    }
    sum / data.train.len() as f64
}

#[test]
fn the_loss_of_mixed_images_is_that_of_the_formula_and_its_gradient_is_explained() {
    let digits = data::digits();
    for list in [vec![MIXUP], vec![CROP, CUTMIX], vec![TURN, MIXUP, CROP]] {
        let trainer = Trainer::new(Mlp::new([64, 10])).batch(0).epochs(3).seed(42);
        let run = trainer.augment(list.clone()).fit(&digits).unwrap();
        let explained = run.explain("fc1/bias[3]").unwrap();
        let by_hand = loss_by_hand(&run, &digits, &list, 3);
        assert!((explained.loss_value - by_hand).abs() < 1e-5, "{list:?}: {explained}");
        assert!(explained.difference.as_ref().unwrap().agrees, "{explained}");
        let shown = explained.to_string();
        assert!(shown.contains("its share") && shown.contains("dCE/dpred"), "{shown}");
    }
}

#[test]
fn numbers_are_mixed_as_the_images_are() {
    // The number to be told is the image's sum, so that mixing keeps it exact.
    let images: Vec<f32> = (0..40 * 9).map(|i| ((i * 37) % 64) as f32 / 64.0).collect();
    let sums: Vec<f32> = images.chunks(9).map(|image| image.iter().sum()).collect();
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    let inputs = Array::new([40, 3, 3, 1], images).unwrap();
    let data = Dataset::from_arrays(inputs, Targets::Values(sums), &options).unwrap();
    let mut start = glassbox::engine::Parameters::new();
    start.insert("fc1/weight", Array::new([9, 1], vec![1.0f32; 9]).unwrap());
    let standing = Optimizer::GRADIENT_DESCENT.with_lr(1e-9);
    let trainer = Trainer::new(Mlp::new([9, 1])).optimizer(standing).epochs(2).start_with(start);
    let run = trainer.augment([MIXUP]).fit(&data).unwrap();
    assert!(run.history()[1].train_loss < 1e-9, "{:?}", run.history());
}

fn job(settings: &[&str]) -> Job {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Job::new("digits", |base| base.set(&settings)).unwrap()
}

fn weights(folder: &Path) -> Vec<u8> {
    let last = std::fs::read_to_string(folder.join("checkpoints/last")).unwrap();
    std::fs::read(folder.join("checkpoints").join(last.trim()).join("model.safetensors")).unwrap()
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_bits() {
    let root = tempfile::tempdir().unwrap();
    let base = ["epochs=2", "hidden=[12]", "batch=50", "stop=false"];
    let augment = r#"augment=["crop", { kind = "mixup", alpha = 0.4 }]"#;
    let train = |name: &str, threads: &str, stop_at: Option<u64>| {
        let job = job(&[&base[..], &[augment, threads]].concat());
        let path = root.path().join(name);
        let folder = RunFolder::create_at(&path, &job.config).unwrap();
        let stop = AtomicBool::new(false);
        let mut hear = |event: &Event| {
            if matches!(event, Event::Step(step) if Some(step.step) == stop_at) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let ended = job.train(&folder, &mut hear, &stop).unwrap();
        drop(folder);
        if stop_at.is_some() {
            assert_eq!(ended.ending, Ending::Interrupted);
            let folder = RunFolder::resume(&path).unwrap();
            Job::resume(&folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
        }
        weights(&path)
    };
    let whole = train("whole", "threads=2", None);
    assert_eq!(whole, train("stopped", "threads=2", Some(7)));
    assert_eq!(whole, train("stopped-in-the-second", "threads=1", Some(33)));
}

#[test]
fn a_configuration_says_what_is_done_in_words_or_tables_and_reads_back() {
    let read = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        RunConfig::from_toml(&format!("[data]\npath = \"x\"\n{text}"), &set)
            .map_err(|error| error.to_string())
    };
    let words = read("[train]\naugment = [\"flip\", \"crop\"]", &[]).unwrap();
    assert_eq!(words.train.augment, [Augment::Flip { share: 0.5 }, Augment::Crop { padding: 4 }]);
    let tables =
        "[[train.augment]]\nkind = \"crop\"\npadding = 2\n[[train.augment]]\nkind = \"mixup\"";
    let tables = read(tables, &[]).unwrap();
    assert_eq!(tables.train.augment, [CROP, Augment::Mixup { alpha: 0.2, share: 1.0 }]);
    let mut all = words.clone();
    all.train.augment = Augment::ALL.to_vec();
    for config in [words, tables, all.clone()] {
        let text = config.to_toml();
        assert_eq!(RunConfig::from_toml(&text, &[]), Ok(config), "{text}");
    }
    let none = all.set(&["train.augment=[]".to_string()]).unwrap();
    assert!(none.train.augment.is_empty());

    let error = read("[train]\naugment = [\"flop\", { padding = 3 }, 7]", &[]).unwrap_err();
    assert!(error.contains("did you mean \"flip\"?"), "{error}");
    assert!(error.contains("line 4: `train.augment`: `kind` is missing: one of flip"), "{error}");
    let error = read("[[train.augment]]\nkind = \"crop\"\nshare = 1", &[]).unwrap_err();
    assert!(error.contains("`train.augment.share` is an option of flip"), "{error}");
    let error = read("[[train.augment]]\nkind = \"flip\"\nshare = 1.5", &[]).unwrap_err();
    assert!(error.contains("a number from 0 to 1"), "{error}");
}

#[test]
fn changes_that_cannot_be_made_are_refused_with_their_cure() {
    let problem = |path: &str, augment: &str| {
        let set = [format!("augment={augment}")];
        match Job::new(path, |base| base.set(&set)) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    };
    let error = problem("iris", r#"["flip"]"#);
    assert!(error.contains("is for images [height, width, channels], but a row is 4"), "{error}");
    let error = problem("digits", r#"["mixup", "cutmix", { kind = "crop", padding = 8 }]"#);
    assert!(error.contains("an image is mixed once"), "{error}");
    assert!(error.contains("`padding = 8` is too much for images of 8 × 8"), "{error}");
    let error = problem("digits", r#"[{ kind = "scale", most = 0.5 }]"#);
    assert!(error.contains("`most` is at least 1"), "{error}");
    let trainer = Trainer::new(Mlp::new([4, 3])).augment([CROP]);
    let error = trainer.fit(&data::iris()).err().unwrap().to_string();
    assert!(error.contains("is for images"), "{error}");
    let own = Trainer::new(Mlp::new([64, 10])).own_loss(|_, scores, _| scores.square().mean());
    let error = own.augment([MIXUP]).fit(&data::digits()).err().unwrap().to_string();
    assert!(error.contains("cannot mix labels"), "{error}");
}

#[test]
fn what_is_evaluated_is_not_augmented() {
    let digits = data::digits();
    let blind = Augment::Noise { deviation: 0.0 };
    let nothing = Augment::Scale { most: 1.0 };
    let trainer = || Trainer::new(Mlp::new([64, 16, 10])).epochs(15);
    let plain = trainer().fit(&digits).unwrap();
    let same = trainer().augment([blind, nothing]).fit(&digits).unwrap();
    assert_eq!(parameters(&plain, "fc1/weight"), parameters(&same, "fc1/weight"));
    let turned = trainer().augment([Augment::FlipVertical { share: 1.0 }]).fit(&digits).unwrap();
    let accuracy = |run: &Run| run.evaluate(&digits.train).unwrap().metrics["accuracy"];
    // It learned the digits upside down, and is asked upright.
    assert!(accuracy(&turned) < accuracy(&plain) - 0.2, "{}", accuracy(&turned));
}
