//! The syllabus's numbers of models that learn the rows themselves, as the lessons compute them.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::lesson::{Options, adversaries, components, damaged, few_labels, reparameterised};
use glassbox::watch::{Alarm, Collapse};

#[test]
fn g1_and_g8_a_linear_code_is_the_components_and_a_deep_one_is_better() {
    let found = components::find(&Options::default()).unwrap();
    // 9·4 + 5·2 + 3·2 + 3·4 + 5·8, and 17·8 + 9·4 + 5·6 + 7·12 + 13·16.
    assert_eq!(found.parameters, [104, 494]);
    for of in &found.squeezed {
        let (components, linear, deep) = (of.components.mse, of.linear.mse, of.deep.mse);
        assert!((linear / components - 1.0).abs() < 0.05, "{of:?}");
        assert!(of.cosines.iter().all(|cosine| *cosine > 0.97), "{of:?}");
        assert!(deep < components, "{of:?}");
        assert!((of.deep.rmse.powi(2) - deep).abs() < 1e-9);
    }
    assert!(found.squeezed[0].components.mse > found.squeezed[2].components.mse);
    assert!(found.head_on_pixels > 0.7 && found.squeezed[2].head > 0.7, "{found:?}");
}

#[test]
fn g2_each_damage_is_repaired_best_by_what_was_trained_for_it() {
    let found = damaged::repairs(&Options::default()).unwrap();
    let of = |damage: &str| found.repairs.iter().find(|r| r.damage.starts_with(damage)).unwrap();
    let [plain, denoising, _] = of("noise 0.4").after;
    assert!(denoising < plain && denoising < of("noise 0.4").before);
    let [plain, _, masked] = of("40 %").after;
    assert!(masked < plain && masked < of("40 %").before);
}

#[test]
fn g3_digits_that_were_left_out_are_told_from_the_others() {
    let found = damaged::odd(&Options::default()).unwrap();
    assert_eq!(found.len(), 10);
    let mean = found.iter().map(|odd| odd.roc_auc).sum::<f64>() / 10.0;
    assert!(mean > 0.8, "{found:?}");
    assert!(found.iter().all(|odd| odd.false_alarms < 0.2), "{found:?}");
}

#[test]
fn g4_the_closed_divergence_is_the_sampled_one_and_only_one_way_has_a_gradient() {
    let found = reparameterised::find(&Options::default()).unwrap();
    assert_eq!(found.draws, 1_000_000);
    for of in &found.divergences {
        let apart = (of.closed - of.sampled).abs();
        assert!(apart < 0.01 * of.closed.abs().max(0.1), "{of:?}");
    }
    let of = found.gradients;
    assert!((of.through[0] - 2.0 * of.z).abs() < 1e-5);
    assert!((of.through[1] - of.z * of.epsilon * (-0.5f64).exp()).abs() < 1e-5);
    assert_eq!(of.stopped, [0.0; 2]);
}

#[test]
fn a_generator_covers_the_ring_and_collapses_where_it_is_provoked() {
    let covered = adversaries::covering(&Options::default()).unwrap();
    assert_eq!(covered.alarm, None);
    assert!(covered.stands.last().is_some_and(|stand| stand.covered == 8 && stand.good > 0.3));
    let found = adversaries::collapses(&Options::default()).unwrap();
    println!("{found:?}");
    let cause = |course: &adversaries::Course| match course.alarm {
        Some(Alarm::ModeCollapse { cause, .. }) => cause,
        _ => panic!("no collapse: {course:?}"),
    };
    assert!(matches!(cause(&found.fast), Collapse::VanishingGradient { .. }));
    assert!(found.fast.stands.last().is_some_and(|stand| stand.covered <= 4));
    assert!(matches!(cause(&found.biased), Collapse::BiasedData { .. }));
    cause(&found.hasty);
}

#[test]
fn g9_more_labels_are_better_and_every_way_learns() {
    let found = few_labels::find(&Options::default(), 1).unwrap();
    let labels: Vec<usize> = found.sizes.iter().map(|size| size.labels).collect();
    assert_eq!(labels, [50, 100, 200, 500]);
    let ways = |at: usize| [found.sizes[at].scratch, found.sizes[at].frozen, found.sizes[at].tuned];
    for (few, many) in ways(0).into_iter().zip(ways(3)) {
        assert!(few.mean > 0.7 && many.mean > few.mean, "{found:?}");
    }
}
