//! Texts: data, models and runs as they are.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
    // A table before anything is learned from it
    rows_and_columns(rows, columns) { "{rows} rows, {columns} columns" "{rows}행, {columns}열" }
    column_column() { "column" "열" }
    column_kind() { "kind" "종류" }
    column_missing() { "missing" "빈 값" }
    column_values() { "values" "값" }
    column_tells() { "tells" "예측력" }
    the_target() { "← target" "← 목표" }
    kind_number() { "number" "수" }
    kind_boolean() { "yes/no" "예/아니요" }
    kind_date() { "date" "날짜" }
    kind_category() { "category" "범주" }
    kind_text() { "text" "글" }
    kind_constant() { "constant" "상수" }
    kind_empty() { "empty" "비어 있음" }
    values_such_as(distinct, example) {
        "{distinct} different: {example}, …"
        "서로 다른 값 {distinct}개: {example}, …"
    }
    tells_means() {
        "tells: how much of the target the column tells alone, on rows held out"
        "예측력: 그 열 하나로 떼어 둔 행의 목표를 얼마나 맞히는지"
    }
    target_is_class(target, classes) {
        "target: `{target}`, one of {classes} classes"
        "목표: `{target}`, {classes}개 부류 가운데 하나"
    }
    target_is_number(target) { "target: `{target}`, a number" "목표: `{target}`, 수" }
    target_spread(mean, deviation, median) {
        "mean {mean}, standard deviation {deviation}, median {median}"
        "평균 {mean}, 표준편차 {deviation}, 중앙값 {median}"
    }
    target_missing(rows) {
        "! {rows} rows have no target: training leaves them out"
        "! {rows}행에 목표 값이 없어 훈련에서 뺍니다"
    }
    and_more_classes(classes) { "… and {classes} more classes" "… 외 {classes}개 부류" }
    imbalanced(ratio) {
        "The largest class has {ratio} rows for each one of the smallest, so accuracy alone says little."
        "가장 큰 부류의 행이 가장 작은 부류의 {ratio}배여서 정확도만으로는 알 수 없습니다."
    }
    leak_equal(column) {
        "`{column}` is the target, cell by cell: leave it out."
        "`{column}` 열은 목표와 모든 칸이 같습니다. 빼세요."
    }
    leak_counts(column) {
        "`{column}` only counts the rows: leave it out."
        "`{column}` 열은 행 번호일 뿐입니다. 빼세요."
    }
    leak_tells(column, percent) {
        "`{column}` tells {percent} of the target alone: leave it out if it is only known afterwards."
        "`{column}` 열 하나가 목표의 {percent}를 알려 줍니다. 결과가 나온 뒤에야 알 수 있는 값이라면 빼세요."
    }
    duplicate_rows(rows) {
        "{rows} rows are the same as an earlier one: the same row can be trained on and tested with."
        "앞에 나온 행과 똑같은 행이 {rows}개입니다. 같은 행으로 훈련도 하고 시험도 하게 됩니다."
    }
    contradictory_rows(rows) {
        "{rows} rows have the inputs of another row and another target: no model can tell all of them."
        "{rows}행은 다른 행과 입력이 같은데 목표가 다릅니다. 어떤 모형도 다 맞힐 수 없습니다."
    }
    cannot_be_learned() {
        "as it is, this cannot be trained on:"
        "이대로는 훈련할 수 없습니다:"
    }
    train_on_it(command) { "next: {command}" "다음: {command}" }
    images_of(source, rows, shape) {
        "{source} · {rows} images of {shape}"
        "{source} · {shape} 이미지 {rows}장"
    }
    texts_of(source, rows, places, tokens) {
        "{source} · {rows} rows of {places} tokens, of {tokens} that there are"
        "{source} · {tokens}종의 토큰이 {places}개씩 {rows}행"
    }
    arrays_of(source, rows, shape) {
        "{source} · {rows} arrays of {shape}"
        "{source} · {shape} 배열 {rows}개"
    }
    classes_of(classes) { "{classes} classes:" "부류 {classes}개:" }
    sizes_of_images(sizes, heights, widths) {
        "{sizes} sizes: height {heights}, width {widths} (least, median, greatest)"
        "크기 {sizes}가지: 높이 {heights}, 너비 {widths} (최소, 중앙값, 최대)"
    }
    one_size_of_images(size) { "all of {size} pixels" "모두 {size} 픽셀" }
    formats_of_images(formats) { "formats: {formats}" "형식: {formats}" }
    grey_images(images) { "{images} grey" "흑백 {images}장" }
    colour_images(images) { "{images} in colour" "컬러 {images}장" }
    transparent_images(images) { "{images} with transparency" "투명도 있음 {images}장" }
    deep_images(images) { "{images} of 16 bits a channel" "채널당 16비트 {images}장" }
    left_out_images(files) { "! {files} files left out:" "! 뺀 파일 {files}개:" }
    duplicate_images(images, example) {
        "{images} images are the same file as an earlier one, e.g. {example}."
        "앞에 나온 것과 똑같은 파일이 {images}장입니다. 예: {example}"
    }
    contradictory_images(images) {
        "{images} images stand in two classes: no model can tell both."
        "이미지 {images}장이 두 부류에 들어 있습니다. 어떤 모형도 둘 다 맞힐 수 없습니다."
    }
    leaked_images(images, example) {
        "{images} images of the validation or test part are in the training part, too, e.g. {example}: figures on them say too much."
        "검증이나 시험 데이터의 이미지 {images}장이 훈련 데이터에도 있습니다. 예: {example}. 이런 이미지로 잰 값은 실제보다 좋게 나옵니다."
    }
    decoding_speed(images, seconds, rate, threads) {
        "{images} images decoded in {seconds} s: {rate} images/s, threads: {threads}"
        "이미지 {images}장을 {seconds}초에 디코딩: 초당 {rate}장, 스레드 {threads}개"
    }

    // Models and configurations
    column_model() { "model" "모형" }
    column_multiply_adds() { "multiply-adds" "곱셈·덧셈" }
    multiply_adds_a_row(count) { "{count} multiply-adds a row" "행마다 곱셈·덧셈 {count}번" }
    frozen_parameter(path) { "{path} (frozen)" "{path} (고정)" }
    column_computes() { "computes" "계산" }
    inputs() { "inputs" "입력" }
    model_on(data) { "On {data}:" "{data} 데이터에서:" }
    published_for(image, classes, parameters) {
        "published for images of {image} and {classes} classes: {parameters} parameters; takes other sizes, channels and classes, too"
        "{image} 이미지와 {classes}개 클래스용으로 발표됨: 매개변수 {parameters}개. 다른 크기, 채널, 클래스도 가능"
    }
    poor_for_small_images() {
        "made for photographs: on images of 64 × 64 or less its first layers throw away most of them; take lenet or resnet20 there"
        "사진용입니다. 64 × 64 이하의 이미지는 첫 층들이 대부분을 버리므로 lenet이나 resnet20을 쓰세요"
    }
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
    column_verdict() { "verdict" "판단" }
    column_setting() { "setting" "설정" }
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
}
