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
    epoch(epoch, epochs) { "epoch {epoch}/{epochs}" "에포크 {epoch}/{epochs}" }
    rows_per_second(rate) { "{rate} rows/s" "초당 {rate}행" }
    time_left(time) { "{time} left" "{time} 남음" }
    valid_loss() { "val" "검증" }
    metric_loss() { "loss" "손실" }
    metric_accuracy() { "acc" "정확도" }
    checkpoint_saved(step) { "saved step {step}" "{step}스텝 저장" }
    stopped_early(epoch) {
        "stopped after epoch {epoch}: no improvement since"
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

    // Errors
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
    not_in_this_build(verb) {
        "`{verb}` is not in this build"
        "이 빌드에는 `{verb}` 명령이 없습니다"
    }
    element_form(example) {
        "expected a path and indices, such as {example}"
        "경로와 위치를 써야 합니다. 예: {example}"
    }
    whole_number() { "expected a whole number" "정수가 필요합니다" }
    cannot_write(problem) { "cannot write: {problem}" "쓸 수 없음: {problem}" }

    // Help
    heading_usage() { "Usage" "사용법" }
    heading_verbs() { "Verbs" "명령" }
    heading_arguments() { "Arguments" "인수" }
    heading_flags() { "Flags" "플래그" }
}
