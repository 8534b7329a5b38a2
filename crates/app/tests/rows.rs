//! Models that learn the rows themselves, as a user has them: train, make, repair, tell odd ones.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use support::Workplace;

/// Homes whose price follows from their size.
fn homes(rows: usize) -> String {
    let line = |row: usize| {
        let size = 30 + row * 7 % 90;
        let price = 1000 + 20 * size + row % 5;
        format!("{size},{price},{},{}\n", ["flat", "house"][usize::from(size > 75)], row % 3)
    };
    let lines: String = (0..rows).map(line).collect();
    format!("size,price,kind,rooms\n{lines}")
}

#[test]
fn a_variational_autoencoder_of_images_does_all_that_it_can() {
    let at = Workplace::new();
    let told = at.json("train digits --model vae --epochs 5 --set model.code=2 --out run");
    let metrics = &told["metrics"];
    let sum = metrics["reconstruction"].as_f64().unwrap() + metrics["kl"].as_f64().unwrap();
    assert!((metrics["loss"].as_f64().unwrap() - sum).abs() < 1e-3, "{metrics}");
    assert!(told["baseline"]["loss"].as_f64().is_some());

    let made = at.json("generate run --count 12 --seed 3");
    assert_eq!(made["rows"], 12);
    let file = made["file"].as_str().unwrap();
    let first = std::fs::read(at.path(file)).unwrap();
    assert!(first.starts_with(b"\x89PNG"));
    at.done("generate run --count 12 --seed 3 --out-file again.png");
    assert_eq!(first, std::fs::read(at.path("again.png")).unwrap());
    at.done("generate run --count 12 --seed 4 --out-file other.png");
    assert_ne!(first, std::fs::read(at.path("other.png")).unwrap());

    at.done("encode run --out-file codes.csv");
    let codes = at.text("codes.csv");
    assert!(codes.starts_with("row,class,z1,z2\n"), "{codes}");
    assert_eq!(codes.lines().count(), 1 + 359);
    at.done("decode run codes.csv --out-file made.csv");
    assert_eq!(at.text("made.csv").lines().count(), 1 + 359);
    let way = at.json("interpolate run 1 2 --steps 5");
    assert!(at.path(way["file"].as_str().unwrap()).exists());
    let repaired = at.json("restore run --noise 0.5");
    let error = |name: &str| repaired[name].as_f64().unwrap();
    assert!(error("error_after") < error("error_before"), "{repaired}");
    let odd = at.json("anomaly run --share 0.1");
    assert_eq!(odd["losses"].as_array().unwrap().len(), 359);
    assert_eq!(odd["classes"].as_array().unwrap().len(), 10);
    let seen = at.json("see run");
    assert_eq!(seen["code"], 2);
    for file in seen["files"].as_array().unwrap() {
        assert!(at.path(file.as_str().unwrap()).exists(), "{file}");
    }
    let korean = at.done("anomaly run --lang ko").out;
    assert!(korean.contains("문턱"), "{korean}");
    let summary = at.done("summary run").out;
    assert!(summary.contains("the rows themselves"), "{summary}");
    let again = at.json("eval run");
    assert_eq!(again["metrics"], *metrics);
}

#[test]
fn tables_need_no_target_and_odd_rows_are_found() {
    let at = Workplace::new();
    at.file("homes.csv", homes(400));
    at.done("train homes.csv --model autoencoder --epochs 150 --out run");
    let mut odd = homes(30);
    odd += "40,2790,house,1\n110,1500,flat,2\n";
    at.file("new.csv", odd);
    let found = at.json("anomaly run new.csv --share 0.01");
    let losses: Vec<f64> =
        found["losses"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]));
    order.truncate(2);
    order.sort_unstable();
    assert_eq!(order, [30, 31], "{losses:?}");
    assert!(losses[31] > found["threshold"].as_f64().unwrap());
    at.done("restore run new.csv --hide 0.3 --out-file mended.csv");
    let mended = at.text("mended.csv");
    assert!(mended.starts_with("size,price,kind,rooms\n"), "{mended}");

    // A class that is left out of the training is told from the others.
    at.file("kinds.csv", homes(400));
    let line = "train kinds.csv --target kind --without house --model autoencoder --epochs 100";
    at.done(&format!("{line} --out kinds"));
    let found = at.json("anomaly kinds");
    assert!(found["roc_auc"].as_f64().unwrap() > 0.8, "{}", found["roc_auc"]);
    let shown = at.done("anomaly kinds").out;
    assert!(shown.contains("left out of the training") && shown.contains("ROC area"), "{shown}");
}

#[test]
fn new_rows_of_a_table_have_its_columns_and_units() {
    let at = Workplace::new();
    at.file("homes.csv", homes(400));
    at.done("train homes.csv --model vae --target kind --set model.conditional=true --epochs 60 --out run");
    at.done("generate run --count 20 --class flat --out-file new.csv");
    let new = at.text("new.csv");
    let mut lines = new.lines();
    assert_eq!(lines.next(), Some("size,price,rooms"));
    let sizes: Vec<f64> =
        lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(sizes.len(), 20);
    let mean = sizes.iter().sum::<f64>() / 20.0;
    assert!((30.0..75.0).contains(&mean), "{sizes:?}");
    let error = at.refused(2, "generate run --class flt");
    assert!(error.contains("`flt`") && error.contains("flat, house"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_with_its_cure() {
    let at = Workplace::new();
    at.file("homes.csv", homes(60));
    let cases = [
        (2, "train digits --model conv-vae --set model.decoder=[8]", "model.decoder"),
        (2, "train homes.csv --model conv-vae", "take vae"),
        (2, "train homes.csv --model vae --set model.conditional=true", "--target"),
        (2, "train homes.csv --model vae --loss squared_error", "leave it out"),
        (1, "train digits --model autoencoder --without ten", "no class `ten`"),
        (2, "train digits --without 1", "such as vae"),
        (1, "train sentences --model vae", "numbers or images"),
        (2, "train digits --model vae --set train.stop.metric=valid_accuracy", "valid_loss"),
    ];
    for (code, line, said) in cases {
        let printed = at.run(&line.split(' ').collect::<Vec<_>>());
        assert!(printed.code == code || printed.code == 3 - code, "{line}: {}", printed.error);
        assert!(printed.error.contains(said), "{line}: {}", printed.error);
    }
    at.done("train homes.csv --model autoencoder --epochs 1 --out run");
    at.done("train homes.csv --target kind --epochs 1 --out other");
    let error = at.refused(1, "generate run");
    assert!(error.contains("train a vae"), "{error}");
    let error = at.refused(1, "encode other");
    assert!(error.contains("does not learn the rows themselves"), "{error}");
    let error = at.refused(1, "predict run homes.csv");
    assert!(error.contains("glassbox anomaly"), "{error}");
    at.file("codes.csv", "z1\n0.5\n");
    let error = at.refused(1, "decode run codes.csv");
    assert!(error.contains("z2"), "{error}");
    let error = at.refused(2, "restore run --hide middle");
    assert!(error.contains("left, right, top, bottom"), "{error}");
    let error = at.refused(2, "interpolate run 1 1000");
    assert!(error.contains("1000"), "{error}");
    let error = at.refused(2, "anomaly run --share 2");
    assert!(error.contains("between 0 and 1"), "{error}");
}

#[test]
fn windows_of_a_series_are_rows_too_and_their_model_is_explained() {
    let at = Workplace::new();
    let line = |t: usize| format!("{t},{}\n", [5, 9, 4, 1, 0, 2, 7][t % 7] * 3);
    at.file("sales.csv", format!("t,sales\n{}", (0..300).map(line).collect::<String>()));
    let line =
        "train sales.csv --time t --target sales --horizon 7 --model autoencoder --epochs 40";
    let told = at.json(&format!("{line} --out run"));
    let loss = |of: &str| told[of]["loss"].as_f64().unwrap();
    assert!(loss("metrics") < 0.5 * loss("baseline"), "{told}");
    at.done("encode run --out-file codes.csv");
    let explained = at.done("explain run --param encoder/code/bias[0]").out;
    assert!(explained.contains("finite difference"), "{explained}");
}

#[test]
fn a_classifier_tells_how_like_the_data_new_rows_are() {
    let at = Workplace::new();
    at.done("train digits --epochs 10 --hidden 24 --out classifier");
    at.done("train digits --model vae --epochs 10 --set model.code=8 --out run");
    let line = "generate run --count 400 --classifier classifier";
    let told = at.json(line);
    let found = &told["classified"];
    assert_eq!((&found["features"], &found["likeness"]["rows"]), (&24.into(), &400.into()));
    let of = |what: &str, name: &str| found[what][name].as_f64().unwrap();
    for name in ["precision", "recall"] {
        let known = of("likeness_of_training_rows", name);
        assert!(known > 0.8 && known <= 1.0, "{name}: {known}");
        assert!((0.0..=1.0).contains(&of("likeness", name)));
    }
    let distance = |what| of(what, "frechet_distance");
    assert!(distance("likeness") > 2.0 * distance("likeness_of_training_rows"), "{found}");
    let shown = at.done(line).out;
    for said in ["Fréchet distance", "training rows", "24 features"] {
        assert!(shown.contains(said), "{shown}");
    }
    // 24 rows are too few for 24 features.
    let few = "generate run --count 24 --classifier classifier";
    let found = at.json(few);
    assert!(found["classified"]["likeness"]["frechet_distance"].is_null(), "{found}");
    let shown = at.done(few).out;
    assert!(shown.contains('–') && shown.contains("see --count"), "{shown}");
    let korean = at.done(&format!("{few} --lang ko")).out;
    assert!(korean.contains("프레셰 거리 없음"), "{korean}");
}
