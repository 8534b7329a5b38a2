//! The examples of one's own model, data, loss, callback and loop run, and keep what they promise.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

#[path = "../examples/character_lstm.rs"]
mod character_lstm;
#[path = "../examples/own_callback.rs"]
mod own_callback;
#[path = "../examples/own_dataset.rs"]
mod own_dataset;
#[path = "../examples/own_loop.rs"]
mod own_loop;
#[path = "../examples/own_loss.rs"]
mod own_loss;
#[path = "../examples/own_model.rs"]
mod own_model;
#[path = "../examples/own_recurrent.rs"]
mod own_recurrent;
#[path = "../examples/tiny_transformer.rs"]
mod tiny_transformer;

#[test]
fn a_model_of_one_s_own() {
    own_model::main().unwrap();
}

#[test]
fn data_of_one_s_own() {
    own_dataset::main().unwrap();
}

#[test]
fn a_loss_of_one_s_own() {
    own_loss::main().unwrap();
}

#[test]
fn callbacks_of_one_s_own() {
    own_callback::main().unwrap();
}

#[test]
fn a_loop_of_one_s_own() {
    own_loop::main().unwrap();
}

#[test]
fn a_recurrent_network_of_one_s_own() {
    own_recurrent::main().unwrap();
}

/// The mean loss of the last five of some steps is below that of the first five by this much.
fn falls(losses: &[f32], by: f32) {
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
    assert!(last < first - by, "{first} to {last}");
}

#[test]
fn a_language_model_by_lstm() {
    falls(&character_lstm::learn(40).unwrap(), 0.5);
}

#[test]
fn a_language_model_by_transformer() {
    falls(&tiny_transformer::learn(40).unwrap(), 0.5);
}
