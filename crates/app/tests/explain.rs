//! `glassbox explain`: where a number of a run came from, in the step that was really taken.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod support;

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
