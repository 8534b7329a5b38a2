//! Texts: how good a model is, and what it predicts.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
    // Results
    split_train() { "train" "훈련" }
    split_valid() { "valid" "검증" }
    split_test() { "test" "시험" }
    rows_of_split(split, rows) { "{split}, {rows} rows" "{split}, {rows}행" }
    words_of_split(split, words, sentences) {
        "{split}, {words} words of {sentences} sentences"
        "{split}, 문장 {sentences}개의 낱말 {words}개"
    }
    model() { "model" "모형" }
    baseline() { "baseline" "기준" }
    run_and_time(run, seconds) { "{run}  {seconds} s" "{run}  {seconds}초" }

    metric_balanced_accuracy() { "balanced_accuracy" "균형 정확도" }
    metric_f1_macro() { "f1_macro" "F1 (매크로 평균)" }
    metric_roc_auc() { "roc_auc" "ROC 면적" }
    metric_average_precision() { "average_precision" "평균 정밀도 (PR 면적)" }
    metric_top_5_accuracy() { "top_5_accuracy" "상위 5 정확도" }
    metric_median_ae() { "median_ae" "절대 오차 중앙값" }
    metric_entity_f1() { "entity_f1" "개체명 F1" }
    metric_entity_precision() { "entity_precision" "개체명 정밀도" }
    metric_entity_recall() { "entity_recall" "개체명 재현율" }
    column_kind_of_name() { "names" "개체명" }
    column_names() { "there are" "개수" }
    confusion_heading() {
        "rows: observed, columns: taken for, ░▒▓█: share of the row"
        "행: 실제 부류, 열: 예측한 부류, ░▒▓█: 그 행에서 차지하는 비율"
    }
    nothing_to_divide_by() {
        "–: nothing to divide by (a class that is never predicted, or has no rows here)"
        "–: 나눌 것이 없음 (한 번도 예측되지 않았거나 여기에 행이 없는 부류)"
    }
    column_class() { "class" "부류" }
    column_precision() { "precision" "정밀도" }
    column_recall() { "recall" "재현율" }
    column_f1() { "F1" "F1" }
    column_rows() { "rows" "행" }
    column_observed_class() { "observed" "실제" }
    column_taken_for() { "taken for" "예측" }
    column_share() { "share" "비율" }
    most_confused(classes) {
        "{classes} classes; the pairs that are confused most:"
        "부류 {classes}개. 가장 자주 헷갈린 쌍:"
    }
    told_worst() { "the classes with the lowest F1:" "F1이 가장 낮은 부류:" }
    column_residual() { "observed − predicted" "실제 − 예측" }
    forecast_beats(gain, guess) {
        "the mean absolute error is {gain} % below that of the better guess ({guess})"
        "평균 절대 오차가 더 나은 단순 예측({guess})보다 {gain} % 작습니다"
    }
    forecast_loses(gain, guess) {
        "the mean absolute error is {gain} % above that of the better guess ({guess}): the model is no use yet"
        "평균 절대 오차가 더 나은 단순 예측({guess})보다 {gain} % 큽니다. 아직 쓸모 있는 모형이 아닙니다"
    }
    guess_last() { "the last value" "마지막 값" }
    guess_seasonal(season) { "{season} rows before" "{season}행 전의 값" }
    column_ahead() { "steps ahead" "몇 스텝 뒤" }
    all_steps() { "all" "전체" }
    column_mae_of_model() { "MAE, model" "MAE, 모형" }
    column_moment() { "time" "시각" }
    column_series() { "series" "시계열" }
    column_from() { "from" "처음" }
    column_to() { "to" "끝" }
    coverage(rows, one, two, mean) {
        "of {rows} rows {one} % lie within ± 1 standard deviation of what is predicted (68 % where the model is right about it), {two} % within ± 2 (95 %); the deviations are {mean} on average"
        "{rows}행 가운데 {one} %가 예측에서 ± 1 표준편차 안에(모형이 맞으면 68 %), {two} %가 ± 2 안에(95 %) 있습니다. 표준편차 평균 {mean}"
    }
    column_worst_row() { "furthest off: row" "가장 빗나간 행" }
    column_target() { "target" "목표" }
    column_text() { "text" "원문" }
    column_translation() { "translation" "번역" }
    words_unknown(count) {
        "tokens of the texts that the model never saw in training: {count}"
        "훈련 때 본 적 없는 토큰이 글에 {count}개 있습니다"
    }
    column_observed_number() { "observed" "실제" }
    column_predicted_number() { "predicted" "예측" }
    accuracy_misleads(guess, accuracy) {
        "Always saying the most frequent class is right in {guess} of the rows, so an accuracy of {accuracy} says little: look at the balanced accuracy and at each class."
        "가장 흔한 부류만 대답해도 {guess}만큼 맞으므로 정확도 {accuracy}만으로는 알 수 없습니다. 균형 정확도와 부류별 지표를 보세요."
    }
    cure_class_weights() {
        "`--set train.class_weights=balanced` makes every class count the same in training."
        "`--set train.class_weights=balanced`를 쓰면 훈련에서 모든 부류의 비중이 같아집니다."
    }
    undefined_one_class() {
        "cannot be told, all of these rows are of one class"
        "구할 수 없음. 이 행들은 모두 한 부류입니다"
    }
    undefined_constant() {
        "cannot be told, all of these rows have the same number"
        "구할 수 없음. 이 행들의 값이 모두 같습니다"
    }
    column_threshold() { "threshold" "기준 확률" }
    column_false_positives() { "false alarms" "잘못된 경보" }
    column_false_negatives() { "missed" "놓침" }
    threshold_chosen(class, threshold, f1) {
        "`{class}` from a probability of {threshold} up has the best F1 on the validation part ({f1}). Where a false alarm costs more (spam: a good letter is lost) go higher, for precision; where a miss costs more (cancer: an ill person is sent home) go lower, for recall."
        "확률 {threshold} 이상을 `{class}`(으)로 보면 검증 데이터에서 F1이 가장 좋습니다({f1}). 잘못된 경보가 더 해로우면(스팸: 멀쩡한 편지를 잃음) 기준을 높여 정밀도를, 놓치는 것이 더 해로우면(암: 환자를 돌려보냄) 기준을 낮춰 재현율을 얻으세요."
    }

    // Importance
    importance_heading(split, figure, whole, repeats) {
        "{split}: how far {figure} ({whole}) drops where a column is shuffled, mean ± deviation of {repeats} times"
        "{split}: 열의 값을 뒤섞으면 {figure} ({whole}) 값이 떨어지는 정도, {repeats}회 평균 ± 표준편차"
    }
    and_more_columns(columns) { "… and {columns} more columns" "… 외 {columns}개 열" }
    importance_note() {
        "Columns that say the same share their importance: where one is shuffled, the model goes by the other."
        "같은 것을 말하는 열들은 중요도를 나눠 가집니다. 하나를 뒤섞어도 모형이 다른 하나를 보기 때문입니다."
    }

    // Predictions
    column_row() { "row" "행" }
    column_observed(target) { "{target}" "{target}" }
    column_predicted(target) { "predicted {target}" "예측한 {target}" }
    column_probability() { "probability" "확률" }
    column_file() { "file" "파일" }
    column_word() { "word" "낱말" }
    column_sentence() { "sentence" "문장" }
    names_found(names) { "names: {names}" "개체명: {names}" }
    words_right(right, words, percent) {
        "{right} of {words} words right ({percent} %)"
        "낱말 {words}개 가운데 {right}개 맞음 ({percent} %)"
    }
    column_next_best() { "next best" "그다음" }
    predicted_speed(images, rate, milliseconds) {
        "{images} images at {rate} images/s, reading included; the model takes {milliseconds} ms for one alone"
        "이미지 {images}장, 읽기를 포함해 초당 {rate}장. 한 장만 예측하면 모형이 {milliseconds} ms 걸림"
    }
    and_more_files(files) { "… and {files} more files" "… 외 파일 {files}개" }
    no_images() { "no image could be read" "읽을 수 있는 이미지가 없습니다" }
    one_file_of_rows() {
        "one file of rows at a time: only images can be several"
        "행이 담긴 파일은 한 번에 하나만 쓸 수 있습니다. 여럿은 이미지일 때만 됩니다"
    }
    and_more_rows(rows) {
        "… and {rows} more: all of them with --out-file, or through a pipe"
        "… 외 {rows}행. 전부 보려면 --out-file 또는 파이프"
    }
    wrote_tokens(tokens, seconds, rate) { "{tokens} tokens in {seconds} s, {rate} a second" "토큰 {tokens}개, {seconds}초, 초당 {rate}개" }
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
    target_of_tags(target, tags) {
        "{target}, one of {tags} tags for each word"
        "{target} (낱말마다 태그 {tags}종 가운데 하나)"
    }
    target_number(target) { "{target}, a number" "{target} (수)" }
    target_tokens(vocabulary) { "the next of {vocabulary} tokens" "다음 토큰 ({vocabulary}종)" }
    target_rows() { "the rows themselves" "행 자체" }
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
    column_token() { "token" "토큰" }
    column_candidate() { "candidate" "후보" }
}
