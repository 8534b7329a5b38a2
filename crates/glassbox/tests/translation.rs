//! Translation: pairs become rows, a model learns them by heart and says them again.

use glassbox::Translator;
use glassbox::data::text::Special;
use glassbox::data::{Arrangement, Options, TargetsMut, Task, TextOptions, load};
use glassbox::train::config::RunConfig;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Evaluation, Job};

use crate::support;
use support::{folder, message};

const PHRASES: &str = "\
Let's go.\t가자.
Let's eat.\t먹자.
I go.\t나는 간다.
I eat.\t나는 먹는다.
You go.\t너는 간다.
You eat.\t너는 먹는다.
Thank you.\t고마워. 👋
Thank you very much.\t정말 고마워.
";

fn options(context: Option<usize>) -> Options {
    let text = TextOptions {
        arrangement: Arrangement::Pairs,
        tokenizer: Some("word".into()),
        context,
        ..TextOptions::default()
    };
    Options { text, valid: Some(0.0), test: Some(0.0), ..Options::default() }
}

#[test]
fn a_pair_is_a_row_of_both_and_what_comes_next() {
    let file = folder("translation_rows").join("phrases.tsv");
    std::fs::write(&file, PHRASES).unwrap();
    let data = load(&file, &options(None)).unwrap();
    let text = data.preparation.inputs.text().unwrap();
    let second = text.second.as_ref().unwrap();
    assert!(
        matches!(data.task, Task::Language { vocabulary } if vocabulary == second.vocabulary())
    );
    // "Thank you very much ." and "정말 고마워 ." with a token in front of it.
    assert_eq!((text.source, text.context, data.train.len()), (5, 5 + 4, 8));
    let (mut inputs, mut targets) = (vec![0.0; 9], vec![0; 4]);
    data.train.gather(&[0], &mut inputs, TargetsMut::Classes(&mut targets)).unwrap();
    let source = text.tokenizer.encode("Let's go.");
    let target = second.encode("가자.");
    let [start, end] = [Special::Start, Special::End].map(|part| second.special(part).unwrap());
    let ids = |ids: &[u32], length: usize, fill: f32| {
        let mut ids: Vec<f32> = ids.iter().map(|id| *id as f32).collect();
        ids.resize(length, fill);
        ids
    };
    assert_eq!(inputs[..5], ids(&source, 5, 0.0));
    assert_eq!(inputs[5..], ids(&[&[start][..], &target[..]].concat(), 4, 0.0));
    let told: Vec<f32> = targets.iter().map(|id| *id as f32).collect();
    assert_eq!(told, ids(&[&target[..], &[end]].concat(), 4, -1.0));
}

#[test]
fn pairs_that_are_too_long_are_left_out_and_said() {
    let file = folder("translation_long").join("phrases.tsv");
    std::fs::write(&file, PHRASES).unwrap();
    let data = load(&file, &options(Some(4))).unwrap();
    // "Thank you very much ." has five.
    assert_eq!(data.train.len(), 7);
    assert!(data.notices.iter().any(|notice| notice.contains("more than 4 tokens")));
    let error = message(load(&file, &options(Some(1))));
    assert!(error.contains("no pair has at most 1 tokens"), "{error}");
}

#[test]
fn what_was_learned_by_heart_is_said_again() {
    for model in ["seq2seq", "transformer"] {
        let place = folder(&format!("translation_{model}"));
        let file = place.join("phrases.tsv");
        std::fs::write(&file, PHRASES).unwrap();
        let config = format!(
            "[data]\npath = {:?}\nsplit = {{ valid = 0.0, test = 0.0 }}\ntext = {{ tokenizer = \"word\" }}\n\
             [model]\nkind = \"{model}\"\nunits = 32\nlayers = 1\ndropout = 0.0\n\
             [train]\nepochs = 400\nbatch = 8\nlabel_smoothing = 0.0\n\
             optimizer = {{ kind = \"adam\", lr = 5e-3 }}\n",
            file.display().to_string()
        );
        let toml = place.join("run.toml");
        std::fs::write(&toml, config).unwrap();
        let configure = |base: &RunConfig| base.load_onto(&toml, &[]);
        let job = Job::new(&file.display().to_string(), configure).unwrap();
        let run = RunFolder::create_at(&place.join("run"), &job.config).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let ended = job.train(&run, &mut |_| {}, &stop).unwrap();
        assert!(ended.outcome.metrics["accuracy"] > 0.99, "{model}: {:?}", ended.outcome.metrics);
        let translator = Translator::load(run.path()).unwrap();
        let said = translator.translate(&["Let's go.", "I eat.", "", "  "], 4).unwrap();
        let texts: Vec<&str> = said.iter().map(|said| said.text.as_str()).collect();
        assert_eq!(texts, ["가자.", "나는 먹는다.", "", ""], "{model}");
        let strange = translator.translate(&["I 👾 go."], 1).unwrap();
        assert_eq!(strange[0].unknown, 1);
        let long = translator.translate(&["go", "go go go go go go go go"], 1);
        let error = long.unwrap_err().to_string();
        assert!(error.contains("text 2 has 8 tokens, and the model reads 5 at most"), "{error}");
        let again = Evaluation::of(&run).unwrap().on_part("train").unwrap();
        assert_eq!(again.metrics["bleu"], ended.outcome.metrics["bleu"]);
    }
}
