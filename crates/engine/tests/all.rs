//! The engine's tests, in one program: a program for each file would be linked and started apart.

mod attention;
mod bundles;
mod column_sums;
mod convolution;
mod convolution_chains;
mod diagnostics;
mod extending;
mod gradients;
mod kept;
mod local;
mod order_and_windows;
mod orthogonal;
mod plan_corner_cases;
mod plan_costs;
mod plans;
mod pointwise;
mod products;
mod profile;
mod random_graphs;
mod recompute;
mod recomputed;
mod scan;
mod scan_mistakes;
mod stored;

#[test]
fn every_file_of_tests_is_run() {
    let here = include_str!("all.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = std::fs::read_dir(folder).expect("the folder of the tests");
    for file in files.flatten().map(|file| file.path()) {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let apart = ["all", "no_allocation"].contains(&name);
        if file.extension().is_some_and(|ending| ending == "rs") && !apart {
            assert!(here.contains(&format!("mod {name};")), "{name} is not in all.rs");
        }
    }
}
