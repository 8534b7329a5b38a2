//! Every text of the page, in one place, so that a second language can stand beside the first.
//!
//! A text is a method that takes its placeholders, which are HTML already; the compiler checks that
//! each is used. Texts that reach charts hold no markup.

/// A language that a report is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Words {
    /// English.
    #[default]
    English,
}

macro_rules! words {
    ($($name:ident($($argument:ident),*) $english:literal)*) => {
        impl Words {
            $(
                #[allow(missing_docs)] // The text says it.
                pub fn $name(self, $($argument: &str),*) -> String {
                    match self {
                        Words::English => format!($english),
                    }
                }
            )*
        }
    };
}

words! {
    code() "en"
    kicker() "Glassbox · report of a run"
    title(data, model) "{data} · {model}"
    told(target) "tells {target}"
    finished(time) "finished {time} UTC"
    folder(name) "run {name}"

    // Outcome
    outcome() "Outcome"
    right_classes(right, rows, part, share) "The model names the class of <b>{right} of {rows}</b> rows of the {part} part: <b>{share}</b>."
    baseline_classes(share) "Always saying the most frequent class of the training part would get {share}."
    off_numbers(error, rows, part) "On the {rows} rows of the {part} part the model is off by <b>{error}</b> on average (mean absolute error)."
    baseline_numbers(error) "Always saying the mean of the training part would be off by {error}."
    caution_train() "No rows were held out: these are rows that the model learned from. The figures say nothing about new rows."
    caution_valid() "There is no test part: these rows also chose the best epoch, so the figures are somewhat flattering."
    outcome_rows(part, rows) "{part} part, {rows} rows"
    figure() "figure"
    model() "model"
    baseline() "baseline"
    meaning_accuracy() "share of rows whose class is named; higher is better"
    meaning_loss_cross_entropy() "cross entropy, mean of −ln(probability of the observed class); lower is better"
    meaning_loss_squared_error() "mean squared error on the scale of training; lower is better"
    meaning_loss_sum_of_squares() "sum of squared errors on the scale of training; lower is better"
    meaning_mae() "mean absolute error, in the target’s unit; lower is better"
    meaning_rmse() "root of the mean squared error, in the target’s unit; lower is better"
    meaning_r2() "share of the spread that is explained (1: all of it, 0: as good as the mean)"
    name_accuracy() "accuracy"
    name_loss() "loss"
    name_mae() "MAE"
    name_rmse() "RMSE"
    name_r2() "R²"

    name_balanced_accuracy() "balanced accuracy"
    meaning_balanced_accuracy() "mean recall over the classes: each counts alike, however rare"
    name_f1_macro() "F1, macro average"
    meaning_f1_macro() "mean over the classes of 2 · precision · recall / (precision + recall)"
    name_roc_auc() "ROC area"
    meaning_roc_auc() "how probable it is that a row of a class gets a higher probability of it than another row (½: by chance); the mean over the classes"
    name_average_precision() "average precision"
    meaning_average_precision() "area under the precision–recall curve (by chance: the share of the class)"
    name_top_5_accuracy() "top-5 accuracy"
    meaning_top_5_accuracy() "share of rows whose class is among the five most probable ones"
    name_median_ae() "median absolute error"
    meaning_median_ae() "half of the rows are less far off, in the target’s unit"
    name_mse() "MSE"
    meaning_mse() "mean squared error, in the square of the target’s unit"
    undefined_one_class(figures) "All of these rows are of one class, so some figures cannot be told: {figures}."
    undefined_constant(figures) "All of these rows have the same number, so some figures cannot be told: {figures}."
    verdict() "Verdict on the training"

    // Parts
    part_train() "training"
    part_valid() "validation"
    part_test() "test"

    // Training
    training() "Training"
    loss_curve() "Loss by epoch"
    loss_curve_log() "Loss by epoch, logarithmic"
    metric_curve(metric, part) "{metric} by epoch, {part} part"
    curve_from_to(what, from, to) "{what}: from {from} to {to}"
    epoch() "epoch"
    best_epoch(epoch) "best: epoch {epoch}"
    loss_axis_log() "loss (log scale)"
    no_epochs() "No epoch was finished, so there are no curves."
    epochs_table() "The figures by epoch"
    epochs_sampled(shown, all) "The figures by epoch ({shown} of {all})"
    seconds() "seconds"
    train_loss() "training loss"
    valid_loss() "validation loss"
    epochs() "epochs"
    epochs_run(run, most) "{run} of at most {most}"
    stopped_early() "stopped early"
    steps() "steps"
    best() "weights kept"
    best_is(epoch, metric, value) "those of epoch {epoch} (best validation {metric}, {value})"
    last_is() "those of the last epoch"
    time() "time"
    batch() "rows a step"
    all_rows() "all"
    optimizer() "optimiser"
    rate(lr) "rate {lr}"
    schedule() "rate schedule"
    seed() "seed"
    alerts() "Alarms"
    alert(step, message) "step {step}: {message}"

    // Classes
    classes() "Classes"
    confusion(part, rows) "Confusion on the {part} part, {rows} rows. Each row of the table is an observed class, each column a predicted one; the framed diagonal is right. The stronger a cell’s colour, the larger its share of the row."
    observed() "observed"
    predicted() "predicted"
    observed_predicted() "observed ↓ predicted →"
    probability() "probability"
    pairs() "The classes most often taken for another"
    many_classes(classes) "{classes} classes are too many for a table of all pairs."
    rows() "rows"
    class() "class"
    precision() "precision"
    recall() "recall"
    f1() "F1"
    by_class() "Every class"
    by_class_cut(shown, classes) "The {shown} of {classes} classes with the lowest F1"
    by_class_note() "Precision: of the rows predicted as the class, the share that is. Recall: of the rows that are of the class, the share that is found. F1 = 2 · precision · recall / (precision + recall). A – stands where there is nothing to divide by."
    roc_curve(area) "ROC curve, area {area}"
    precision_recall_curve(area) "Precision–recall curve, average precision {area}"
    fallout() "false positive rate"
    no_better() "by chance"
    roc_note(class) "At every threshold on the probability of {class}: the share of its rows that is found, over the share of other rows that is wrongly called so."
    precision_recall_note(class) "At every threshold on the probability of {class}: of the rows called so, the share that is, over the share of its rows that is found."
    mistakes() "The most confident mistakes"
    mistakes_note(shown, all) "{shown} of {all} mistakes, by the probability that the model gave to the wrong class. Worth a look: a wrong label in the data shows up here."
    no_mistakes() "None: every row is right."
    row() "row"
    rows_note() "Rows are counted from 1 in the source, a header not counted. predictions.csv in the run’s folder holds every row."

    // Numbers
    numbers() "Predictions"
    scatter(target) "Predicted over observed {target}"
    scatter_rows(rows) "{rows} rows"
    scatter_sample(shown, rows) "{shown} of {rows} rows"
    scatter_note() "Shown are an even sample of the rows and the largest misses."
    scatter_diagonal() "predicted = observed"
    scatter_x(target) "observed {target}"
    scatter_y(target) "predicted {target}"
    residuals() "Residuals: observed − predicted"
    residual_x(target) "observed − predicted {target}"
    residual_rows() "rows"
    residual_zero() "no error"
    residual_note(mean, deviation) "Mean {mean}, standard deviation {deviation}: a mean far from 0 says that the model is off to one side."
    misses() "The largest misses"
    residual() "residual"
    no_predictions() "This run has no predictions.csv, so its rows are not shown."
    omitted(rows) "{rows} predictions are not finite numbers and are not drawn."

    // Data
    data() "Data"
    source() "source"
    fingerprint() "fingerprint"
    target() "target"
    target_number() "a number"
    target_classes(classes) "{classes} classes"
    input() "input of a row"
    parts() "rows"
    parts_are(train, valid, test) "{train} to train, {valid} to validate, {test} to test"
    notices() "What was assumed"
    columns(columns, rows) "{columns} columns of {rows} rows"
    columns_more(more) "… and {more} more columns."
    column() "column"
    kind() "type"
    missing() "missing"
    distinct() "distinct"
    range() "range"
    range_of(min, max) "{min} to {max}"
    role() "role"
    role_input() "input"
    role_target() "<b>target</b>"
    role_weight() "weight"
    role_dropped(reason) "left out: {reason}"
    kind_number() "number"
    kind_boolean() "boolean"
    kind_date() "date"
    kind_category() "category"
    kind_text() "text"
    kind_constant() "constant"
    kind_empty() "empty"

    // Model, settings, environment
    model_heading() "Model"
    model_is(kind, parameters) "{kind} with <b>{parameters}</b> parameters that are learned."
    layer() "layer"
    parameters() "parameters"
    shape_of(name, shape) "{name} {shape}"
    scalar() "(one number)"
    number_of() "number"
    share() "share"
    total() "all"
    hidden() "hidden layers"
    none() "none"
    activation() "activation"
    initial() "starting weights"
    settings() "Settings"
    settings_summary() "run.toml, complete: training with it again gives the same numbers"
    environment() "Environment"
    version() "Glassbox"
    system() "system"
    processor() "processor"
    instructions() "instructions"
    threads() "threads"
    footer() "Written by Glassbox at the end of the run. This page is one file and needs no network."
}
