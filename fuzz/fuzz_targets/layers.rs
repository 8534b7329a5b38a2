//! Any text as the `[[model.layer]]` tables of a configuration: a network whose graph is recorded
//! without a complaint and gives as many outputs as it was asked for, or what is wrong with which
//! layer; never a panic.
//!
//! Run with `cargo +nightly fuzz run layers`.
#![no_main]

use glassbox::engine::{DType, Graph, Mode};
use glassbox::nn::Module;
use glassbox::train::config::RunConfig;
use glassbox::zoo::Network;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let config = match RunConfig::from_toml(text, &[]) {
        Ok(config) => config,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let back = RunConfig::from_toml(&config.to_toml(), &[]);
    assert_eq!(back.as_ref(), Ok(&config));
    for input in [&[6][..], &[2, 3], &[1, 1, 1]] {
        match Network::new(config.model.layers.clone(), input, 3) {
            Ok(network) => {
                let graph = Graph::new();
                let batch: Vec<usize> = [5].iter().chain(input).copied().collect();
                let x = graph.input("x", DType::F32, batch);
                let y = network.forward(graph.root(Mode::Train), x);
                match graph.check() {
                    Ok(()) => assert_eq!(y.shape().sizes(), &[5, 3]),
                    // Sizes that no machine has are left to the graph.
                    Err(problems) => assert!(!problems.to_string().is_empty()),
                }
            }
            Err(problems) => assert!(problems.iter().all(|p| !p.to_string().is_empty())),
        }
    }
});
