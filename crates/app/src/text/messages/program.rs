//! Texts: errors and help.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
    // Errors
    other_checkpoint(problem) {
        "{problem}; another checkpoint is used"
        "{problem}. 다른 저장 지점을 씁니다"
    }
    two_folds() { "at least 2 folds" "2 이상이어야 합니다" }
    not_empty(folder) {
        "{folder}: is not empty: name an empty or new folder"
        "{folder}: 비어 있지 않습니다. 비어 있거나 새로운 폴더를 쓰세요"
    }
    is_a_folder(file) {
        "{file}: is a folder: name the file to write"
        "{file}: 폴더입니다. 쓸 파일 이름을 정하세요"
    }
    there_already(file) {
        "{file}: is there already: name another with --out, or replace it with --force"
        "{file}: 이미 있습니다. --out으로 다른 이름을 정하거나 --force로 바꾸세요"
    }
    unknown_model(name) { "there is no model `{name}`" "`{name}` 모형이 없습니다" }
    see_also(command) { "see `{command}`" "참고: `{command}`" }
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
        "no parameter or activation matches `{pattern}`"
        "`{pattern}`에 맞는 매개변수나 활성값이 없습니다"
    }
    error(message) { "error: {message}" "오류: {message}" }
    warning(message) { "warning: {message}" "경고: {message}" }
    unknown_workload(name) {
        "there is no workload `{name}`"
        "`{name}` 작업이 없습니다"
    }
    no_steps(name) {
        "`{name}` times whole processes: it has no step to look at"
        "`{name}` 작업은 프로세스 전체를 재므로 들여다볼 스텝이 없습니다"
    }
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
    rows_from_one() {
        "--source-row counts from 1; --row counts from 0"
        "--source-row는 1부터, --row는 0부터 셉니다"
    }
    above_zero() {
        "expected a whole number, 1 or more"
        "1 이상의 정수가 필요합니다"
    }
    seconds_of_an_hour() { "expected seconds, at most 3600" "초 단위의 수가 필요합니다(최대 3600)" }
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
    exported_folder(folder, arrays, numbers) {
        "wrote {folder}: {arrays} arrays, {numbers} numbers, as Hugging Face's transformers reads them"
        "{folder}에 썼습니다: 배열 {arrays}개, 수 {numbers}개. Hugging Face transformers가 읽는 형식입니다"
    }
    published_model(class, vocabulary, context) {
        "published: {class}, knows {vocabulary} tokens, reads {context} at most"
        "공개 모형: {class}. 아는 토큰 {vocabulary}종, 한 번에 읽는 토큰 최대 {context}개"
    }
    published_writes(folder, class) {
        "{folder} holds a {class}, which writes: glassbox generate {folder} --prompt …"
        "{folder}의 모형은 {class}이고, 글을 이어 씁니다: glassbox generate {folder} --prompt …"
    }
    published_learns(folder, class) {
        "{folder} holds a {class}, which tells no hidden tokens: it can learn to, glassbox train FILE --weights {folder}"
        "{folder}의 모형은 {class}이고, 가려진 토큰을 알아맞히지 못합니다. 훈련하면 됩니다: glassbox train FILE --weights {folder}"
    }
    neither_run_nor_model(folder) {
        "{folder}: is neither a run (it has no run.toml) nor a published model (it has no config.json)"
        "{folder}: 실행도 아니고(run.toml이 없음) 공개 모형도 아닙니다(config.json이 없음)"
    }
}
