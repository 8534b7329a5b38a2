//! The catalogue of what is printed while the program works.

use std::fmt::Display;

use super::{Lang, Text};

macro_rules! texts {
    ($( $key:ident($($placeholder:ident),*) { $english:literal $korean:literal } )*) => {
        impl Text {
            $(
                #[doc = concat!("“", $english, "”")]
                pub fn $key(self $(, $placeholder: impl Display)*) -> String {
                    match self.lang {
                        Lang::English => format!($english $(, $placeholder = $placeholder)*),
                        Lang::Korean => format!($korean $(, $placeholder = $placeholder)*),
                    }
                }
            )*
        }

        /// Every text: its key, English, Korean.
        pub const CATALOGUE: &[(&str, &str, &str)] =
            &[$((stringify!($key), $english, $korean)),*];
    };
}

texts! {
    // Progress
    parameters(count) { "{count} parameters" "매개변수 {count}개" }
    threads(count) { "{count} threads" "스레드 {count}개" }
    one_thread() { "1 thread" "스레드 1개" }
    seed(seed) { "seed {seed}" "시드 {seed}" }
    chosen_rows(train, valid, test) {
        "rows: {train} to train on, {valid} to validate with, {test} to test with"
        "행: 훈련 {train}, 검증 {valid}, 시험 {test}"
    }
    chosen_inputs(columns, shape) {
        "inputs: {columns} → {shape}"
        "입력: {columns} → {shape}"
    }
    chosen_shape(shape) { "inputs: {shape} a row" "입력: 행마다 {shape}" }
    chosen_numbers() { "numbers" "수" }
    chosen_booleans() { "yes or no" "예/아니요" }
    chosen_categories() { "categories" "범주" }
    chosen_classes(target, count, classes) {
        "target: `{target}`, one of {count} classes: {classes}"
        "예측: `{target}`, {count}개 부류 가운데 하나: {classes}"
    }
    chosen_number(target) { "target: `{target}`, a number" "예측: `{target}`, 수" }
    loss_cross_entropy() { "cross entropy" "교차 엔트로피" }
    loss_squared_error() { "squared error" "제곱 오차" }
    loss_sum_of_squares() { "sum of squares" "제곱합" }
    chosen_training(loss, optimizer, rate, batch, epochs) {
        "training: {loss} by {optimizer} at rate {rate}, {batch} rows a step, at most {epochs} epochs"
        "훈련: {loss}, {optimizer}, 학습률 {rate}, 스텝마다 {batch}행, 최대 {epochs}에포크"
    }
    chosen_stop(metric, patience) {
        "; stops after {patience} without a better {metric}"
        "; {metric} 값이 {patience}에포크 동안 나아지지 않으면 멈춤"
    }
    epoch(epoch, epochs) { "epoch {epoch}/{epochs}" "에포크 {epoch}/{epochs}" }
    rows_per_second(rate) { "{rate} rows/s" "초당 {rate}행" }
    time_left(time) { "{time} left" "{time} 남음" }
    valid_loss() { "val" "검증" }
    metric_loss() { "loss" "손실" }
    metric_accuracy() { "acc" "정확도" }
    checkpoint_saved(step) { "saved step {step}" "{step}스텝 저장" }
    stopped_early(epoch) {
        "stopped early after epoch {epoch}: it no longer improved"
        "에포크 {epoch} 뒤에 멈췄습니다: 더 나아지지 않음"
    }
    interrupted(step, run) {
        "stopped at step {step} and saved; go on with `glassbox resume {run}`"
        "{step}스텝에서 멈추고 저장했습니다. 이어서 하려면: `glassbox resume {run}`"
    }
    best_at(step) { "best weights: step {step}" "가장 좋은 가중치: {step}스텝" }

    // Results
    split_train() { "train" "훈련" }
    split_valid() { "valid" "검증" }
    split_test() { "test" "시험" }
    rows_of_split(split, rows) { "{split}, {rows} rows" "{split}, {rows}행" }
    model() { "model" "모형" }
    baseline() { "baseline" "기준" }
    run_and_time(run, seconds) { "{run}  {seconds} s" "{run}  {seconds}초" }

    // Predictions
    column_row() { "row" "행" }
    column_observed(target) { "{target}" "{target}" }
    column_predicted(target) { "predicted {target}" "예측한 {target}" }
    column_probability() { "probability" "확률" }
    and_more_rows(rows) {
        "… and {rows} more: all of them with --out-file, or through a pipe"
        "… 외 {rows}행. 전부 보려면 --out-file 또는 파이프"
    }
    wrote_rows(rows, file) { "{rows} rows written to {file}" "{rows}행 저장: {file}" }
    right_of(right, rows, percent) {
        "{right} of {rows} rows right ({percent} %)"
        "{rows}행 가운데 {right}행 맞음 ({percent} %)"
    }
    rmse_over(rmse, rows) { "RMSE {rmse} over {rows} rows" "RMSE {rmse} ({rows}행)" }
    over_the_input(file) {
        "{file} is the file to predict: write to another one"
        "{file}: 예측할 파일입니다. 다른 파일에 쓰세요"
    }

    // Summary
    column_parameter() { "parameter" "매개변수" }
    column_shape() { "shape" "모양" }
    column_numbers() { "numbers" "개수" }
    column_mean() { "mean" "평균" }
    column_deviation() { "std" "표준편차" }
    column_least() { "min" "최소" }
    column_greatest() { "max" "최대" }
    weights_of_step(step) { "weights of step {step}" "{step}스텝의 가중치" }
    no_checkpoint_yet() { "no checkpoint yet" "아직 저장 지점 없음" }
    column_output() { "output" "출력" }
    column_shape_of_row() { "shape of a row" "한 행의 모양" }
    fact_step() { "a step" "한 스텝" }
    rows(rows) { "{rows} rows" "{rows}행" }
    kernels(kernels) { "{kernels} kernels" "커널 {kernels}개" }
    arena(bytes) { "{bytes} of memory" "메모리 {bytes}" }
    mflop(mflop) { "{mflop} MFLOP" "{mflop} MFLOP" }
    fact_data() { "data" "데이터" }
    fact_target() { "target" "목표" }
    target_of_classes(target, classes) {
        "{target}, one of {classes} classes"
        "{target} (클래스 {classes}개)"
    }
    target_number(target) { "{target}, a number" "{target} (수)" }
    fact_dropped() { "left out" "뺀 열" }
    fact_training() { "training" "훈련" }
    fact_problem() { "problem" "문제" }
    state_running() { "running" "진행 중" }
    state_interrupted() { "interrupted" "중단됨" }
    state_finished() { "finished" "끝남" }
    state_failed() { "failed" "실패" }
    step_number(step) { "step {step}" "{step}스텝" }
    best_figure(metric, value, step) {
        "best {metric} {value} at step {step}"
        "가장 좋은 {metric} {value} ({step}스텝)"
    }

    // Models and configurations
    column_model() { "model" "모형" }
    column_computes() { "computes" "계산" }
    inputs() { "inputs" "입력" }
    model_on(data) { "On {data}:" "{data} 데이터에서:" }
    model_options() { "In run.toml:" "run.toml에서:" }
    model_example() { "For example:" "예:" }
    describe_model(name) {
        "options, shapes and parameters of one: `glassbox models {name}`"
        "옵션, 모양, 매개변수: `glassbox models {name}`"
    }
    wrote_config(file, model, parameters, rows) {
        "{file} written: {model}, {parameters}, {rows} rows to train on"
        "{file} 저장: {model}, {parameters}, 훈련 {rows}행"
    }
    train_with(file) {
        "change what you like, then `glassbox train {file}`"
        "원하는 대로 고친 뒤 `glassbox train {file}`"
    }

    // Several runs
    column_run() { "run" "실행" }
    column_state() { "state" "상태" }
    column_epochs() { "epochs" "에포크" }
    column_figure() { "figure" "값" }
    column_seconds() { "seconds" "초" }
    column_setting() { "setting" "설정" }
    column_rows() { "rows" "행" }
    column_numbers_learned() { "parameters" "매개변수" }
    no_runs() {
        "no runs in runs/ yet: train one with `glassbox train`"
        "runs/에 아직 실행이 없습니다. `glassbox train`으로 훈련하세요"
    }
    arrow_is_last() { "← is what `last` means" "←: `last`가 뜻하는 실행" }
    same_settings() { "every setting is the same" "모든 설정이 같음" }
    best_so_far(split) { "{split}, best so far" "{split}, 지금까지 가장 좋은 값" }
    star_is_best() { "* the best" "* 가장 좋음" }
    curves() { "loss after each epoch, on the validation part" "에포크마다 검증 손실" }
    curves_log() {
        "loss after each epoch, on the validation part (logarithmic scale)"
        "에포크마다 검증 손실 (로그 눈금)"
    }
    epoch_at_the_end(epoch) { "epoch {epoch}" "에포크 {epoch}" }

    // A look inside
    column_norm() { "norm" "노름" }
    column_zeros() { "zeros" "0값" }
    not_finite(path, count) {
        "{path}: {count} infinite or NaN, not in these figures"
        "{path}: 무한대나 NaN {count}개는 이 값들에서 뺌"
    }
    weights_of_step_in(step, run) { "weights of step {step} of {run}" "{run}의 {step}스텝 가중치" }

    // Errors
    is_a_folder(file) {
        "{file}: is a folder: name the file to write"
        "{file}: 폴더입니다. 쓸 파일 이름을 정하세요"
    }
    there_already(file) {
        "{file}: is there already: name another with --out, or replace it with --force"
        "{file}: 이미 있습니다. --out으로 다른 이름을 정하거나 --force로 바꾸세요"
    }
    unknown_model(name) { "there is no model `{name}`" "`{name}` 모형이 없습니다" }
    see(command) { "see `{command}`" "참고: `{command}`" }
    two_runs() {
        "name two runs or more: `glassbox runs` lists them"
        "실행을 둘 이상 쓰세요. 목록: `glassbox runs`"
    }
    other_data() {
        "these runs saw other data: their figures are of other rows and cannot be compared"
        "서로 다른 데이터를 쓴 실행입니다. 다른 행에서 잰 값이라 비교할 수 없습니다"
    }
    other_rows() {
        "the final figures are of other rows of the same data: compare with care"
        "같은 데이터지만 다른 행에서 잰 값입니다. 조심해서 비교하세요"
    }
    no_such_step(step, kept) {
        "there is no checkpoint of step {step}; there are those of {kept}"
        "{step}스텝의 저장 지점이 없습니다. 있는 것: {kept}"
    }
    nothing_to_inspect(run) {
        "{run}: has no checkpoint yet: let it train until its first one"
        "{run}: 아직 저장 지점이 없습니다. 첫 저장까지 훈련하세요"
    }
    no_such_layer(pattern) {
        "no parameter matches `{pattern}`"
        "`{pattern}`에 맞는 매개변수가 없습니다"
    }
    error(message) { "error: {message}" "오류: {message}" }
    warning(message) { "warning: {message}" "경고: {message}" }
    did_you_mean(word) { "; did you mean `{word}`?" ". 혹시 `{word}`?" }
    unknown_flag(flag, program) {
        "there is no flag `{flag}` for `{program}`"
        "`{program}`에는 `{flag}` 플래그가 없습니다"
    }
    unexpected_word(word, program) {
        "`{program}` does not take `{word}`"
        "`{program}`에 `{word}` 인수는 쓸 수 없습니다"
    }
    unknown_verb(word) { "there is no verb `{word}`" "`{word}` 명령이 없습니다" }
    missing_verb(example) {
        "missing: a verb, e.g. `{example}`"
        "빠진 인수: 명령. 예: `{example}`"
    }
    missing_arguments(arguments) { "missing: {arguments}" "빠진 인수: {arguments}" }
    bad_value(value, argument, reason) {
        "`{value}` is not right for {argument}: {reason}"
        "{argument}의 값으로 `{value}` 사용 불가: {reason}"
    }
    needs_value(argument) { "{argument} needs a value" "{argument}에 값이 필요합니다" }
    given_together(first, second) {
        "{first} and {second} cannot be given together"
        "{first}, {second} 동시 사용 불가"
    }
    given_twice(argument) { "{argument} is given more than once" "{argument} 중복 지정" }
    one_of(values) { "one of {values}" "가능한 값: {values}" }
    see_help(program) { "see `{program} --help`" "도움말: `{program} --help`" }
    element_form(example) {
        "expected a path and indices, such as {example}"
        "경로와 위치를 써야 합니다. 예: {example}"
    }
    whole_number() { "expected a whole number" "정수가 필요합니다" }
    cannot_write(problem) { "cannot write: {problem}" "쓸 수 없음: {problem}" }

    // Help
    heading_usage() { "Usage" "사용법" }
    heading_examples() { "Examples" "예" }
    heading_arguments() { "Arguments" "인수" }
    heading_flags() { "Flags" "플래그" }
    heading_every_verb() { "Every verb" "모든 명령" }
    help_of_a_verb() {
        "`glassbox VERB --help` has examples and every flag."
        "`glassbox VERB --help`에 예와 모든 플래그가 있습니다."
    }
}
