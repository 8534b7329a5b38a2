//! `glassbox explain`: where a number of a run came from, in the step that was really taken.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use serde_json::Value;
use support::Workplace;

/// The words of a command whose argument holds a space or brackets.
fn explain(at: &Workplace, words: &[&str]) -> Value {
    let printed = at.run(&[&["explain", "run", "--json"], words].concat());
    assert_eq!(printed.code, 0, "{}", printed.error);
    serde_json::from_str(&printed.out).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_step_that_is_told_is_the_step_that_was_taken() {
    for optimizer in ["adam", "momentum", "gradient_descent"] {
        let at = Workplace::new();
        at.done(&format!("train iris --epochs 3 --out run --set optimizer.kind={optimizer}"));
        for element in ["fc1/weight[2, 7]", "fc1/bias[3]", "fc3/weight[5, 1]", "fc3/bias[0]"] {
            for step in 2..6 {
                let told =
                    |step: usize| explain(&at, &["--param", element, "--step", &step.to_string()]);
                let (now, next) = (told(step), told(step + 1));
                let (after, taken) = (number(&now["update"]["after"]), number(&next["value"]));
                // The explanation is in f64, training in f32.
                assert!(
                    (after - taken).abs() <= 2e-6 * taken.abs().max(0.1),
                    "{optimizer}, {element}, step {step}: told {after}, was {taken}"
                );
                let difference = &now["difference"];
                assert!(
                    difference["agrees"] == true || difference["kink"] == true,
                    "{optimizer}, {element}, step {step}: {now}"
                );
            }
        }
    }
}

#[test]
fn the_dosage_net_is_explained_as_on_the_board() {
    let at = Workplace::new();
    at.file(
        "board.toml",
        "[data]\npath = \"dosage\"\n[model.parameters]\n\"fc1/weight\" = [[3.34, -3.53]]\n\
         \"fc1/bias\" = [-1.43, 0.57]\n\"fc2/weight\" = [[-1.22], [-2.30]]\n",
    );
    at.done("train board.toml --epochs 3 --out run");
    let board = at.done("explain run --param b3 --step 1").out;
    for line in [
        "b3 is fc2/bias[0]",
        "dSSR/db3 = Σ  dSSR/dpred · dpred/db3",
        "    1       0         0     -2.604          -5.207            1  -5.207",
        "sum  -15.655",
        "finite difference -15.655 ✓",
        "step = rate 0.1000 × -15.655 = -1.566      b3: 0 → 1.566",
    ] {
        assert!(board.contains(line), "{line}\nis not in\n{board}");
    }
    let path = [1, 2, 3].map(|step| {
        number(&explain(&at, &["--param", "b3", "--step", &step.to_string()])["value"])
    });
    assert_eq!(path[0], 0.0);
    assert!((path[1] - 1.566).abs() < 1e-3, "{path:?}");
}

#[test]
fn what_cannot_be_explained_is_refused_with_the_cure() {
    let at = Workplace::new();
    at.done("train iris --epochs 1 --out run");
    assert!(
        at.refused(1, "explain run --param fc1/wieght[0]").contains("did you mean `fc1/weight`?")
    );
    assert!(at.refused(1, "explain run --param fc1/bias[64]").contains("fc1/bias[63]"));
    assert!(at.refused(1, "explain run --param fc1/bias[0] --step 9").contains("1 to 5"));
    assert!(at.refused(1, "explain run --param fc1/bias[0] --row 32").contains("rows 0 to 31"));
    at.refused(2, "explain run");
}

#[test]
fn inputs_are_explained_by_column_and_by_pixel() {
    let at = Workplace::new();
    at.done("train iris --epochs 2 --out iris");
    let told = at.json("explain iris --input petal_width --row 3");
    assert_eq!(told["symbol"], "petal_width");
    assert_eq!(told["difference"]["agrees"], true, "{told}");
    let (raw, scaled) = (number(&told["unit"]["raw"]), number(&told["value"]));
    let unit = |key: &str| number(&told["unit"][key]);
    assert!((raw - (scaled * unit("scale") + unit("offset"))).abs() < 1e-9);
    let source = told["of_row"].to_string();
    assert_eq!(at.json(&format!("explain iris --input petal_width --source-row {source}")), told);
    let error = at.refused(1, "explain iris --input petal_widht");
    assert!(error.contains("did you mean `petal_width`?"), "{error}");
    let error = at.refused(1, "explain iris --input petal_width --source-row 9999");
    assert!(error.contains("is not in the batch"), "{error}");
    at.done("train digits --epochs 1 --hidden 16 --out digits");
    let told = at.json("explain digits --input 3,4 --row 1");
    assert_eq!(told["of"], "inputs[1, 3, 4, 0]");
    assert!(told["difference"]["agrees"] == true || told["difference"]["kink"] == true, "{told}");
    assert!(at.refused(1, "explain digits --input 8,0").contains("[7, 7, 0]"));
}

#[test]
fn a_number_s_slope_can_be_asked_from_a_prediction() {
    let at = Workplace::new();
    at.done("train iris --epochs 2 --out run");
    let words = ["--from", "prediction[2]", "--row", "4", "--input", "petal_width"];
    let told = explain(&at, &words);
    assert_eq!(told["loss"], "prediction[4, 2]");
    assert_eq!(told["difference"]["agrees"], true, "{told}");
    // Of another row's input it does not depend.
    let words = ["--from", "prediction[4, 2]", "--activation", "inputs[5, 3]"];
    assert_eq!(number(&explain(&at, &words)["gradient"]), 0.0);
    let error = at.refused(1, "explain run --from fc1/bias[0] --param fc1/bias[0]");
    assert!(error.contains("name an activation"), "{error}");
}

#[test]
fn why_a_weight_moved_adds_up_to_the_step_that_was_taken() {
    for optimizer in ["adam", "momentum", "gradient_descent"] {
        let at = Workplace::new();
        at.done(&format!("train iris --epochs 3 --out run --set optimizer.kind={optimizer}"));
        for step in [1, 4, 7] {
            let asked = |more: &[&str]| {
                let step = step.to_string();
                explain(&at, &[&["--param", "fc2/weight[3,5]", "--step", &step], more].concat())
            };
            let (why, told) = (asked(&["--why"]), asked(&[]));
            assert_eq!((&why["adds_up"], &why["rows_add_up"]), (&true.into(), &true.into()));
            assert_eq!(why["after"], told["update"]["after"]);
            let rows = why["rows"].as_array().unwrap();
            let by_rows: f64 = rows.iter().map(|row| number(&row["gradient"])).sum();
            let gradient = number(&told["gradient"]);
            assert!((by_rows - gradient).abs() <= 1e-12 + 1e-9 * gradient.abs(), "{why}");
        }
        // Asked without a step, it is one that was taken.
        let last = explain(&at, &["--param", "fc2/bias[1]", "--why"]);
        assert_eq!(last["after_the_end"], false);
        let printed = at.done("explain run --param fc2/bias[1] --why").out;
        assert!(printed.contains("gradient of this step") && printed.contains('✓'), "{printed}");
    }
}

#[test]
fn what_moves_a_model_of_rows_is_the_loss_that_the_parameter_learns_from() {
    let at = Workplace::new();
    // The divergence counts by the step, so that what is shown is not what is made small.
    at.done("train digits --model vae --epochs 1 --set model.kl_warmup=50 --out vae");
    at.done("train ring --model gan --epochs 1 --out gan");
    for (run, path) in [
        ("vae", "encoder/mean/weight[3,1]"),
        ("gan", "discriminator/fc1/weight[0,2]"),
        ("gan", "generator/fc1/weight[1,0]"),
    ] {
        let why = at.json(&format!("explain {run} --param {path} --why"));
        assert_eq!((&why["adds_up"], &why["rows_add_up"]), (&true.into(), &true.into()), "{why}");
        let told = at.json(&format!("explain {run} --param {path} --step {}", why["step"]));
        assert_eq!(why["after"], told["update"]["after"]);
        assert!(number(&told["gradient"]) != 0.0, "{told}");
    }
    let error = at.refused(1, "explain vae --prediction");
    assert!(error.contains("predicts nothing") && error.contains("--input all"), "{error}");
}

#[test]
fn a_whole_tensor_is_told_node_by_node() {
    let at = Workplace::new();
    at.done("train iris --epochs 1 --out run");
    let told = at.json("explain run --param fc2/weight");
    let links = told["links"].as_array().unwrap();
    assert!(links.len() > 5 && links.iter().all(|link| link["agrees"] == true), "{told}");
    assert_eq!(links.last().unwrap()["argument"], "fc2/weight");
    let printed = at.done("explain run --param fc2/weight").out;
    assert!(printed.contains("leftᵀ ·") && !printed.contains('✗'), "{printed}");
}

#[test]
fn a_prediction_is_shared_out_among_its_inputs() {
    let at = Workplace::new();
    at.file("flowers.csv", support::flowers(60));
    at.done("train flowers.csv --epochs 20 --out run");
    let predictions = at.text("run/predictions.csv");
    for (row, line) in predictions.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let told = at.json(&format!("explain run --prediction --row {row}"));
        assert_eq!(told["predicted"], cells[2]);
        assert_eq!(told["observed"], cells[1]);
        let result = number(&told["result"]);
        assert!((result - cells[3].parse::<f64>().unwrap()).abs() < 1e-5, "{told}");
        let inputs = told["inputs"].as_array().unwrap();
        let shares: f64 = inputs.iter().map(|input| number(&input["share"])).sum();
        let difference = result - number(&told["at_the_mean"]);
        assert_eq!(told["complete"], true, "{told}");
        assert!((shares - difference).abs() <= 0.01 * difference.abs() + 1e-9, "{told}");
        let source = format!("explain run --prediction --source-row {}", cells[0]);
        assert_eq!(at.json(&source), told);
        let part = format!("explain run --prediction --file flowers.csv --source-row {}", cells[0]);
        assert_eq!(at.json(&part)["inputs"], told["inputs"]);
    }
    let printed = at.done("explain run --prediction --class lily").out;
    assert!(printed.contains("p(lily) = "), "{printed}");
    let error = at.refused(1, "explain run --prediction --class lilly");
    assert!(error.contains("did you mean `lily`?"), "{error}");
    assert!(at.refused(1, "explain run --prediction --row 999").contains("the test part has rows"));
    at.refused(2, "explain run --prediction --step 1");
    at.refused(2, "explain run --param fc1/bias[0] --class lily");
    at.refused(2, "explain run --activation fc1/relu[0] --why");
    at.refused(2, "explain run --prediction --part training");
}

#[test]
fn without_hidden_units_a_share_is_the_slope_times_the_distance() {
    let at = Workplace::new();
    let rows = (0..40).map(|i| format!("{},{},{}\n", i % 7, i % 5, 2 * (i % 7) - i % 5 + i % 2));
    at.file("plane.csv", format!("a,b,y\n{}", rows.collect::<String>()));
    at.done("train plane.csv --target y --epochs 30 --out run --set model.hidden=[]");
    for row in 0..3 {
        let told = at.json(&format!("explain run --prediction --row {row}"));
        let mut sum = number(&told["at_the_mean"]);
        for input in told["inputs"].as_array().unwrap() {
            let value: f64 = input["value"].as_str().unwrap().parse().unwrap();
            let share = number(&input["slope"]) * (value - number(&input["mean"]));
            assert!((number(&input["share"]) - share).abs() < 1e-4, "{told}");
            sum += number(&input["share"]);
        }
        assert!((sum - number(&told["result"])).abs() < 1e-6, "{told}");
    }
}

#[test]
fn steps_are_replayed_and_told_and_beyond_the_end_refused() {
    let at = Workplace::new();
    at.done("train iris --epochs 3 --batch 25 --out run");
    let steps = number(&at.json("explain run --param fc1/bias[0]")["step"]) as u64 - 1;
    let an_epoch = steps / 3;
    let told = at.json("explain run --param fc1/bias[0] --epoch 2");
    assert_eq!(told["step"], an_epoch + 1);
    assert_eq!(told["replayed"], an_epoch);
    let same = at.json(&format!("explain run --param fc1/bias[0] --step {}", an_epoch + 1));
    assert_eq!(same, told);
    let printed = at.done("explain run --param fc1/bias[0] --step 3").out;
    assert!(printed.starts_with("step 3 (2 steps replayed)"), "{printed}");
    let next = at.done("explain run --param fc1/bias[0]").out;
    assert!(next.contains("(after the training's end)"), "{next}");
    for wrong in ["--step 0", &format!("--step {}", steps + 2), "--epoch 0", "--epoch 5"] {
        let error = at.refused(1, &format!("explain run --param fc1/bias[0] {wrong}"));
        assert!(error.contains(&format!("ask for a step of 1 to {}", steps + 1)), "{error}");
    }
    at.refused(2, "explain run --param fc1/bias[0] --epoch 1 --step 1");
}

#[test]
fn a_run_of_a_model_that_this_build_does_not_know_is_explained() {
    let at = Workplace::new();
    at.done("train iris --epochs 2 --out run");
    let before = at.json("explain run --param fc1/bias[0] --step 3");
    let prediction = at.json("explain run --prediction");
    let config = at.text("run/run.toml");
    let other = config.replace("kind = \"mlp\"", "kind = \"of_the_future\"\nwings = 2");
    assert_ne!(config, other);
    at.file("run/run.toml", other + "\n[studio]\nport = 1\n");
    assert_eq!(at.json("explain run --param fc1/bias[0] --step 3"), before);
    assert_eq!(at.json("explain run --prediction"), prediction);
}
