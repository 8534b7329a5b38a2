//! The library's tests, in one program: a program for each file would be linked and started apart.

mod adversaries;
mod augment;
mod checkpoints;
mod config;
mod data_arbitrary;
mod data_arrays;
mod data_baseline;
mod data_builtin;
mod data_csv;
mod data_describe;
mod data_formats;
mod data_idx;
mod data_load;
mod data_parquet;
mod data_photos;
mod data_prepare;
mod data_real;
mod data_rules;
mod data_schema;
mod data_split;
mod data_target;
mod deviations;
mod examples;
mod explain;
mod explain_loops;
mod explain_losses;
mod generate;
mod generative;
mod hugging_face;
mod importance;
mod initial_values;
mod layer_costs;
mod layers;
mod likeness;
mod loss_targets;
mod metrics;
mod optimizers_by_name;
mod plans;
mod pytorch;
mod pytorch_convolution;
mod pytorch_more;
mod pytorch_sequences;
mod pytorch_zoo;
mod report;
mod run_folder;
mod safetensors;
mod seq2seq;
mod sequences;
mod series;
mod several_outputs;
mod softmax_holds_for_any_scores;
mod support;
mod syllabus_backpropagation;
mod syllabus_descent;
mod syllabus_generative;
mod syllabus_gradients;
mod syllabus_likelihood;
mod syllabus_networks;
mod syllabus_online;
mod syllabus_perceptron;
mod syllabus_recurrence;
mod syllabus_regularisation;
mod syllabus_relu;
mod syllabus_sequences;
mod syllabus_softmax;
mod syllabus_training;
mod syllabus_vision;
mod tagged_words;
mod text_data;
mod tokenizers;
mod train_loop;
mod train_options;
mod translation;
mod verdict;
mod vision;
mod watch_alarms;
mod watch_not_finite;
mod watch_statistics;
mod weights;
mod word2vec;
mod zoo_counts;

#[test]
fn every_file_of_tests_is_run() {
    let here = include_str!("all.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = std::fs::read_dir(folder).expect("the folder of the tests");
    for file in files.flatten().map(|file| file.path()) {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let apart = ["all"].contains(&name);
        if file.extension().is_some_and(|ending| ending == "rs") && !apart {
            assert!(here.contains(&format!("mod {name};")), "{name} is not in all.rs");
        }
    }
}
