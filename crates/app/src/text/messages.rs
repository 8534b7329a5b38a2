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
    chosen_tokens(places, tokens) { "text: rows of {places} tokens, of {tokens} that there are" "텍스트: {tokens}종의 토큰이 {places}개씩 한 행" }
    chosen_told(target) { "told at every place: {target}" "자리마다 알아맞히는 것: {target}" }
    chosen_shape(shape) { "inputs: {shape} a row" "입력: 행마다 {shape}" }
    chosen_numbers() { "numbers" "수" }
    chosen_booleans() { "yes or no" "예/아니요" }
    chosen_dates() { "dates" "날짜" }
    chosen_categories() { "categories" "범주" }
    chosen_classes(target, count, classes) {
        "target: `{target}`, one of {count} classes: {classes}"
        "예측: `{target}`, {count}개 부류 가운데 하나: {classes}"
    }
    chosen_number(target) { "target: `{target}`, a number" "예측: `{target}`, 수" }
    chosen_numbers_of(targets) { "targets: {targets}, numbers" "예측: {targets}, 수" }
    chosen_layers(layers) { "layers: {layers}" "층: {layers}" }
    chosen_row_weights() { "rows count by their weights" "행마다 가중치를 둠" }
    chosen_row_weights_of(column) {
        "rows count by their `{column}`"
        "행의 가중치: `{column}` 열"
    }
    chosen_class_weights(weights) { "classes count: {weights}" "부류의 가중치: {weights}" }
    exported(file, arrays, numbers) {
        "wrote {file}: {arrays} arrays, {numbers} numbers, in PyTorch's names and layouts"
        "{file}에 썼습니다: 배열 {arrays}개, 수 {numbers}개. PyTorch의 이름과 배열 순서입니다"
    }
    chosen_weights(arrays, from) { "weights: {arrays} arrays of {from}" "가중치: {from}의 배열 {arrays}개" }
    chosen_drawn(paths) {
        "  drawn anew, being of other classes: {paths}"
        "  부류가 달라 새로 뽑음: {paths}"
    }
    chosen_unused(names) { "  not used: {names}" "  쓰지 않음: {names}" }
    chosen_frozen(numbers, paths) {
        "frozen: {numbers} parameters, in {paths}"
        "고정: 매개변수 {numbers}개 ({paths})"
    }
    loss_cross_entropy() { "cross entropy" "교차 엔트로피" }
    loss_binary_cross_entropy() { "binary cross entropy" "이진 교차 엔트로피" }
    loss_squared_error() { "squared error" "제곱 오차" }
    loss_sum_of_squares() { "sum of squares" "제곱합" }
    loss_absolute_error() { "absolute error" "절대 오차" }
    loss_huber() { "Huber loss" "후버 손실" }
    loss_gaussian_nll() {
        "Gaussian negative log-likelihood (mean and deviation)"
        "가우스 음의 로그 가능도 (평균과 표준편차)"
    }
    loss_of_model() { "what the model itself records" "모델이 스스로 정하는 손실" }
    loss_own() { "own loss" "직접 만든 손실" }
    chosen_augment(changes) {
        "training images are changed anew in every epoch: {changes}"
        "훈련 이미지를 에포크마다 새로 바꿈: {changes}"
    }
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
    wrote_sheet(file) { "wrote {file}" "{file} 파일을 썼습니다" }
    interrupted(step, run) {
        "stopped at step {step} and saved; go on with `glassbox resume {run}`"
        "{step}스텝에서 멈추고 저장했습니다. 이어서 하려면: `glassbox resume {run}`"
    }
    loading(rate, threads, waited) {
        "loading: {rate} rows/s a thread, {threads} ahead of the steps, which waited {waited} % of the time for it"
        "데이터 준비: 스레드마다 초당 {rate}행, 스레드 {threads}개. 스텝이 기다린 시간 {waited} %"
    }
    loading_is_slow() {
        "loading is the bottleneck: fewer or simpler changes (train.augment) would make training faster"
        "데이터 준비가 느려 훈련이 기다립니다. 변환(train.augment)을 줄이면 빨라집니다"
    }
    best_at(step) { "best weights: step {step}" "가장 좋은 가중치: {step}스텝" }

    // Alarms
    alarm_vanishing(ratio) {
        "gradient norm {ratio} of the output layer's (vanishing). Try relu, a skip connection or fewer layers"
        "기울기 크기가 출력층의 {ratio}배입니다(기울기 소실). relu나 건너뛰기 연결을 쓰거나 층을 줄여 보세요"
    }
    alarm_exploding(norm) {
        "gradient norm {norm} (exploding). Try smaller initial weights, gradient clipping or a lower learning rate"
        "기울기 크기가 {norm}입니다(기울기 폭발). 초기 가중치를 줄이거나, 기울기를 자르거나, 학습률을 낮춰 보세요"
    }
    alarm_dead(dead, units, rows) {
        "{dead} of {units} units gave 0 for each of {rows} rows (dead). Try a lower learning rate, or an activation without a flat side, such as softplus"
        "유닛 {units}개 가운데 {dead}개가 {rows}행 모두에서 0을 냈습니다(죽은 유닛). 학습률을 낮추거나 softplus처럼 평평한 쪽이 없는 활성화 함수를 써 보세요"
    }
    alarm_saturated(percent) {
        "{percent} % of its outputs lie where the activation is flat (saturated). Try smaller initial weights, inputs of unit scale, or relu"
        "출력의 {percent} %가 활성화 함수의 평평한 곳에 있습니다(포화). 초기 가중치를 줄이거나, 입력의 크기를 1 안팎으로 맞추거나, relu를 써 보세요"
    }
    alarm_rate_too_high(loss, against, rate, better) {
        "the loss is {loss}, where {against} was to be had (learning rate too high). Try {better} instead of {rate}"
        "손실이 {against}까지 낮아질 수 있었는데 {loss}입니다(너무 높은 학습률). 학습률을 {rate} 대신 {better} 정도로 낮춰 보세요"
    }
    alarm_rate_too_low(ratio, rate, better) {
        "the loss does not fall, and a step moves the weights by only {ratio} of their size (learning rate too low). Try {better} instead of {rate}"
        "손실이 줄지 않고, 한 스텝이 가중치를 그 크기의 {ratio}배만 움직입니다(너무 낮은 학습률). 학습률을 {rate} 대신 {better} 정도로 높여 보세요"
    }
    alarm_not_learning(loss, guess) {
        "the loss is {loss}, no better than the simplest guess's {guess}. Look whether the inputs tell anything about the target; try another learning rate or a larger model"
        "손실 {loss}: 가장 단순한 추측의 {guess}보다 낫지 않습니다. 입력에 목표를 알려 주는 것이 있는지 살펴보고, 다른 학습률이나 더 큰 모형을 써 보세요"
    }
    alarm_collapse(covered, modes, why) {
        "what is made is of {covered} of the data's {modes} modes (mode collapse), {why}"
        "만든 것이 데이터의 최빈 구역 {modes}개 가운데 {covered}개에만 있습니다(모드 붕괴). {why}"
    }
    collapse_vanishing(told) {
        "and the discriminator tells {told} % apart: little gradient reaches the generator (vanishing). Try a lower rate for discriminator/*, spectral = true, label smoothing, or wgan-gp"
        "판별자가 {told} %를 가려내어 생성자에 기울기가 거의 닿지 않습니다(소실). discriminator/*의 학습률을 낮추거나, spectral = true, 라벨 평활화, wgan-gp를 써 보세요"
    }
    collapse_biased(frequency) {
        "and the missing ones have {frequency} of the rows that an even share would be (biased data). Try to collect more of them, or a conditional model"
        "빠진 구역의 행은 고르게 나눈 몫의 {frequency}배뿐입니다(치우친 데이터). 그런 행을 더 모으거나 조건부 모형을 써 보세요"
    }
    collapse_settings(rate) {
        "which adversaries do where settings do not suit them (learning rate {rate}). Try a lower rate, beta1 = 0.5, more units, or wgan-gp"
        "설정이 맞지 않을 때 흔한 일입니다(학습률 {rate}). 학습률을 낮추거나, beta1 = 0.5, 더 많은 유닛, wgan-gp를 써 보세요"
    }
    alarm_spike(loss, usual) {
        "the loss of a batch jumped to {loss}, where {usual} was usual (spike). Look for extreme values in the data; try gradient clipping or a lower learning rate"
        "한 배치의 손실이 {loss} 값으로 뛰었습니다. 평소에는 {usual} 정도였습니다(급등). 데이터에 극단적인 값이 있는지 살펴보고, 기울기를 자르거나 학습률을 낮춰 보세요"
    }

    // Results
    split_train() { "train" "훈련" }
    split_valid() { "valid" "검증" }
    split_test() { "test" "시험" }
    rows_of_split(split, rows) { "{split}, {rows} rows" "{split}, {rows}행" }
    model() { "model" "모형" }
    baseline() { "baseline" "기준" }
    run_and_time(run, seconds) { "{run}  {seconds} s" "{run}  {seconds}초" }

    metric_balanced_accuracy() { "balanced_accuracy" "균형 정확도" }
    metric_f1_macro() { "f1_macro" "F1 (매크로 평균)" }
    metric_roc_auc() { "roc_auc" "ROC 면적" }
    metric_average_precision() { "average_precision" "평균 정밀도 (PR 면적)" }
    metric_top_5_accuracy() { "top_5_accuracy" "상위 5 정확도" }
    metric_median_ae() { "median_ae" "절대 오차 중앙값" }
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

    // The verdict on a training
    verdict_healthy() { "healthy" "건강함" }
    verdict_overfitting() { "overfitting" "과대적합" }
    verdict_underfitting() { "underfitting" "과소적합" }
    verdict_unclear() { "unclear" "판단 불가" }
    verdict_try(cures) { "Try {cures}." "해 볼 것: {cures}." }
    verdict_not_more_data() {
        "More data does not cure underfitting."
        "데이터를 늘려도 과소적합은 낫지 않습니다."
    }
    reason_gap(train, held_out, rows, gap, margin, guess) {
        "the loss is {train} on the training part and {held_out} on {rows} held-out rows. The gap is {gap} % (± {margin}) of what the simplest guess loses, {guess}."
        "손실이 훈련 데이터에서 {train}, 떼어 둔 {rows}행에서 {held_out}. 차이는 가장 단순한 추측의 손실 {guess}의 {gap} % (± {margin})."
    }
    reason_rise(held_out, end) {
        "on held-out rows the loss rose from {held_out} to {end} as training went on. The weights that are kept are from before."
        "훈련이 이어지는 동안 떼어 둔 행에서 손실이 {held_out}에서 {end}까지 올라갔습니다. 보관한 가중치는 그 전의 것입니다."
    }
    reason_nothing_holds(train, held_out, rows, guess) {
        "what was learned does not hold for other rows. The loss is {train} on the training part and {held_out} on {rows} held-out rows; the simplest guess has {guess}."
        "배운 것이 다른 행에는 통하지 않습니다. 손실이 훈련 데이터에서 {train}, 떼어 둔 {rows}행에서 {held_out}, 가장 단순한 추측은 {guess}."
    }
    reason_nothing_learned(train, guess) {
        "even on the training part the loss is {train}; the simplest guess has {guess}."
        "훈련 데이터에서조차 손실이 {train}. 가장 단순한 추측은 {guess}."
    }
    reason_diverged(train, guess) {
        "training ran away: even on the training part the loss is {train}; the simplest guess has {guess}."
        "훈련이 발산했습니다. 훈련 데이터에서조차 손실이 {train}. 가장 단순한 추측은 {guess}."
    }
    reason_neighbours(model, neighbours) {
        "on the training part the model makes {model} % of the simplest guess's errors, the five nearest neighbours {neighbours} %: there is more to learn in these rows."
        "훈련 데이터에서 모형의 오차는 가장 단순한 추측의 {model} %, 가장 가까운 이웃 다섯의 오차는 {neighbours} %. 이 행들에는 배울 것이 더 있습니다."
    }
    reason_still_falling(train) {
        "the loss was still falling when training ended, at {train} on the training part."
        "훈련이 끝날 때 손실이 아직 내려가고 있었습니다 (훈련 데이터에서 {train})."
    }
    reason_stopped_in_time(held_out, end) {
        "training stopped in time. On held-out rows the loss had risen from {held_out} to {end}, and the weights that are kept are from before."
        "제때 멈췄습니다. 떼어 둔 행에서 손실이 {held_out}에서 {end}까지 올라갔고, 보관한 가중치는 그 전의 것입니다."
    }
    reason_nothing_held_out() {
        "no rows were held out, so overfitting cannot be seen."
        "떼어 둔 행이 없어 과대적합을 볼 수 없습니다."
    }
    reason_too_few_rows(rows, gap, margin) {
        "{rows} held-out rows are too few to tell. The gap is {gap} % (± {margin}) of what the simplest guess loses."
        "떼어 둔 {rows}행으로는 알 수 없습니다. 차이는 가장 단순한 추측이 내는 손실의 {gap} % (± {margin})."
    }
    reason_too_few_rows_of(rows, gap, margin, wanted) {
        "{rows} held-out rows are too few to tell. The gap is {gap} % (± {margin}) of what the simplest guess loses; about {wanted} rows would do."
        "떼어 둔 {rows}행으로는 알 수 없습니다. 차이는 가장 단순한 추측이 내는 손실의 {gap} % (± {margin}). {wanted}행쯤이면 충분합니다."
    }
    cure_more_data() { "more or cleaner data" "더 많거나 깨끗한 데이터" }
    cure_less_capacity() { "fewer layers or units" "층이나 유닛 줄이기" }
    cure_penalty() { "L1 or L2" "L1이나 L2" }
    cure_dropout() { "dropout" "드롭아웃" }
    cure_early_stopping() { "early stopping" "조기 종료" }
    cure_more_capacity() { "more layers or units" "층이나 유닛 늘리기" }
    cure_less_penalty() { "less L1, L2 or dropout" "L1, L2, 드롭아웃 줄이기" }
    cure_longer() { "more epochs" "더 많은 에포크" }
    cure_higher_rate() { "a higher learning rate" "더 높은 학습률" }
    cure_lower_rate() { "a lower learning rate" "더 낮은 학습률" }
    cure_clip() { "clipped gradients" "기울기 자르기" }
    cure_better_inputs() { "inputs that say more about the target" "목표를 더 잘 말해 주는 입력" }
    cure_more_held_out() { "a larger validation part" "더 큰 검증 데이터" }

    // Predictions
    column_row() { "row" "행" }
    column_observed(target) { "{target}" "{target}" }
    column_predicted(target) { "predicted {target}" "예측한 {target}" }
    column_probability() { "probability" "확률" }
    column_file() { "file" "파일" }
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

    // Cross-validation
    fold_of(fold, folds, rows) { "fold {fold}/{folds}  {rows} rows" "{fold}/{folds}번째  {rows}행" }
    folds_and_rows(folds, rows) {
        "{folds} folds, {rows} rows"
        "{folds}겹, {rows}행"
    }
    mean_and_deviation() {
        "mean ± standard deviation over the folds; each row was held out once"
        "겹들의 평균 ± 표준편차. 모든 행을 한 번씩 떼어 두었습니다"
    }
    folds_kept(run, folds) {
        "Each fold's model is a run of its own, {run}/fold1 to fold{folds}. For one model of all the data train without --folds."
        "겹마다 모형이 실행 하나로 남습니다: {run}/fold1부터 fold{folds}까지. 데이터 전부로 모형 하나를 얻으려면 --folds 없이 훈련하세요."
    }
    folds_interrupted(done, folds, run) {
        "stopped with {done} of {folds} folds done; this one goes on with `glassbox resume {run}`, the others begin anew with `train --folds`"
        "{folds}겹 가운데 {done}겹을 마치고 멈췄습니다. 이 겹을 이어서 하려면 `glassbox resume {run}`, 나머지는 `train --folds`로 다시 시작하세요"
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

    // A look inside
    column_norm() { "norm" "노름" }
    column_zeros() { "zeros" "0값" }
    not_finite(path, count) {
        "{path}: {count} infinite or NaN, not in these figures"
        "{path}: 무한대나 NaN {count}개는 이 값들에서 뺌"
    }
    weights_of(run, step) {
        "{run} · weights of step {step}"
        "{run} · {step}스텝의 가중치"
    }
    next_batch(rows, loss) {
        "over the batch that comes next: {rows} rows, loss {loss}"
        "바로 다음 배치에서: {rows}행, 손실 {loss}"
    }
    column_gradient() { "gradient" "기울기" }
    column_step_ratio() { "step/weight" "스텝/가중치" }
    column_activation() { "activation" "활성값" }
    silent_units(silent) { "{silent} units 0 in every row" "유닛 {silent}개가 모든 행에서 0" }
    saturated_share(percent) { "{percent} saturated" "{percent} 포화" }
    gradient_curves(first, last) {
        "gradient norm of each layer, steps {first} to {last}"
        "층마다 기울기의 노름, {first}–{last}스텝"
    }
    gradient_curves_log(first, last) {
        "gradient norm of each layer, steps {first} to {last} (logarithmic scale)"
        "층마다 기울기의 노름, {first}–{last}스텝 (로그 눈금)"
    }
    only_weights(problem) {
        "weights only; gradients and activations cannot be computed: {problem}"
        "가중치만 보여 줍니다. 기울기와 활성값을 계산할 수 없습니다: {problem}"
    }

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

    // Seeing
    see_filters(path, count, height, width, channels) {
        "{path}: {count} filters of {height} × {width}, channels read: {channels}"
        "{path}: {height} × {width} 필터 {count}개, 읽는 채널 {channels}개"
    }
    see_row(row, part) { "row {row} ({part})" "{part} 행 {row}" }
    see_file(file, row) { "{file}, image {row}" "{file}, 이미지 {row}" }
    see_no_images() { "none of the images could be read" "읽을 수 있는 이미지가 없습니다" }
    see_class(class, probability) { "{class} with {probability}" "{class} ({probability})" }
    see_right() { ", which is right" ", 정답" }
    see_wrong(observed) { ", but it is {observed}" ", 오답: 실제는 {observed}" }
    see_of_class(class) {
        "explained is the score of {class}"
        "설명하는 점수: {class}"
    }
    see_saliency() { "saliency" "현저성(saliency)" }
    see_smooth() { "saliency, mean of noisy images" "현저성, 잡음 섞은 이미지의 평균" }
    see_gradcam(layer) { "Grad-CAM at {layer}" "Grad-CAM ({layer})" }
    see_spot(of, row, column, half) {
        "{of}: strongest at row {row}, column {column}; half of it lies in {half} of the pixels"
        "{of}: {row}행 {column}열에서 가장 강함. 절반이 픽셀의 {half}에 몰려 있음"
    }
    see_integrated(sum, difference, score, baseline, points) {
        "integrated gradients: the shares sum up to {sum}; score {score} − black image's {baseline} = {difference}, {points} points:"
        "적분 기울기: 몫의 합 {sum}. 점수 {score} − 검은 이미지의 {baseline} = {difference}, 점 {points}개:"
    }
    see_complete() { "complete ✓" "완전함 ✓" }
    see_incomplete() {
        "not complete: the score has steps that more points would need"
        "완전하지 않음: 점수가 가팔라 점이 더 필요합니다"
    }
    see_occlusion(rows, columns, score, covered, before, after) {
        "occlusion: without rows {rows}, columns {columns} the score falls most, from {score} to {covered} (probability {before} → {after})"
        "가림: {rows}행, {columns}열을 가리면 점수가 가장 많이 변함, {score} → {covered} (확률 {before} → {after})"
    }
    see_features(layer, count, constant) {
        "maps of {layer}: {count}, of which {constant} are the same everywhere"
        "{layer}의 특징 지도 {count}개, 그중 {constant}개는 모든 곳에서 같은 값"
    }
    see_channels(layer, most, high, least, low) {
        "{layer}: channel {most} counts most ({high}), channel {least} least ({low})"
        "{layer}: 채널 {most} 비중이 가장 크고({high}) 채널 {least} 비중이 가장 작음({low})"
    }
    see_mistakes(wrong, rows, part) {
        "mistakes: {wrong} of {rows} rows ({part})"
        "오답: {part} {rows}행 가운데 {wrong}행"
    }
    see_surest(row, predicted, probability, observed) {
        "the surest: row {row}, {predicted} with {probability}, but it is {observed}"
        "가장 확신한 오답: 행 {row}, {predicted} ({probability}), 실제는 {observed}"
    }
    see_gradients(step, from, first, to, last, ratio) {
        "gradient norm at step {step}: {first} in {from}, {last} in {to}; ratio {ratio}"
        "스텝 {step}의 기울기 크기: {from} {first}, {to} {last}, 비율 {ratio}"
    }
    see_no_looks() {
        "no step of this run was looked at, or it has one layer: train with `--set watch.every=50`"
        "이 실행에는 들여다본 스텝이 없거나 층이 하나뿐입니다. `--set watch.every=50`으로 훈련하세요"
    }
    see_no_text() {
        "`--text` is for models that read text: this one reads images or tables"
        "`--text`는 글을 읽는 모델에만 씁니다. 이 모델은 이미지나 표를 읽습니다"
    }
    see_no_files() {
        "this model reads sequences, not files of images: give a text by `--text` or rows by `--row`"
        "이 모델은 이미지 파일이 아니라 수열을 읽습니다. `--text`로 글을, 또는 `--row`로 행을 주세요"
    }
    see_of_images(what) {
        "`{what}` is for networks of images; of sequences there are gates, attention, embedding, gradients"
        "`{what}`는 이미지 신경망에만 있습니다. 수열에는 gates, attention, embedding, gradients가 있습니다"
    }
    see_no_gates() {
        "this model has none of that in these layers: no recurrent gates, no attention"
        "이 모델의 해당 층에는 순환 게이트도 어텐션도 없습니다"
    }
    see_sequence(name, places) { "{name}: {places} places" "{name}: 자리 {places}개" }
    see_layer(layer, units) { "{layer}: {units} units" "{layer}: 유닛 {units}개" }
    see_gate() { "gate or state" "게이트나 상태" }
    see_mean() { "mean" "평균" }
    see_low() { "at the low end" "아래 끝" }
    see_high() { "at the high end" "위 끝" }
    see_by_step() { "mean by step" "스텝별 평균" }
    see_attention() { "attention" "어텐션" }
    see_head() { "head" "헤드" }
    see_itself() { "itself" "자신" }
    see_before() { "before" "바로 앞" }
    see_first() { "first" "처음" }
    see_spread() { "spread" "퍼짐" }
    see_last(place) { "the last, {place}, looks at" "마지막 {place}의 시선" }
    see_embedding(table, tokens, width, share) {
        "{table}: {tokens} tokens of {width} numbers; two directions hold {share} of their variance"
        "{table}: 토큰 {tokens}개, 수 {width}개씩. 두 방향이 분산의 {share}를 담음"
    }
    see_wrote(files) { "pictures written: {files}" "저장한 그림: {files}개" }

    // Plans and profiles
    plan_of(what, model, rows) {
        "{what} · {model} · a step of {rows} rows"
        "{what} · {model} · {rows}행 한 스텝"
    }
    profile_of(run, rows, step, rate) {
        "{run} · a step of {rows} rows takes {step}: {rate} rows/s"
        "{run} · {rows}행 한 스텝 {step}: 초당 {rate}행"
    }
    step_costs(kernels, operations, read, written, arena, states) {
        "{kernels} kernels, {operations}; {read} read, {written} written; {arena} of memory for what lies between, {states} for parameters and what the optimizer remembers"
        "커널 {kernels}개, {operations}. 읽기 {read}, 쓰기 {written}. 중간값 메모리 {arena}, 매개변수와 옵티마이저 상태 {states}"
    }
    limits(set, threads, gflops, gigabytes, steps) {
        "limits measured here, {set}, threads: {threads}: {gflops} GFLOP/s, {gigabytes} GB/s copying; caches can give more. Mean of {steps} steps"
        "이 기계에서 잰 한계 ({set}, 스레드 {threads}개): {gflops} GFLOP/s, 복사 {gigabytes} GB/s. 캐시에서는 더 빠를 수 있음. {steps}스텝의 평균"
    }
    trace_written(file) {
        "{file} written: open it in ui.perfetto.dev or chrome://tracing"
        "{file} 저장: ui.perfetto.dev나 chrome://tracing에서 여세요"
    }
    flame_written(file) {
        "{file} written: open it in a browser"
        "{file} 저장: 브라우저에서 여세요"
    }
    between_kernels() { "between kernels" "커널 사이" }
    so_many_more(count) { "{count} more" "그 밖의 {count}개" }
    no_layer() { "(no layer)" "(층 없음)" }
    phase_forward() { "forward" "순방향" }
    phase_backward() { "backward" "역방향" }
    phase_update() { "update" "갱신" }
    column_layer() { "layer" "층" }
    column_phase() { "phase" "단계" }
    column_kernel() { "kernel" "커널" }
    column_operations() { "operations" "연산" }
    column_bytes() { "bytes" "바이트" }
    column_time() { "time" "시간" }
    column_speed() { "speed" "속도" }
    column_of_limit() { "of limit" "한계 대비" }

    // Speed
    column_workload() { "workload" "작업" }
    column_unit() { "unit" "단위" }
    column_step() { "step" "스텝" }
    column_ours() { "ours" "이쪽" }
    column_theirs() { "PyTorch" "PyTorch" }
    column_exact() { "PyTorch in f64" "f64 PyTorch" }
    column_apart() { "apart" "차이" }
    gradients_apart(count) {
        "gradients of the first step: of {count} those furthest apart"
        "첫 스텝의 기울기: {count}개 가운데 차이가 가장 큰 것"
    }
    losses_apart() { "losses of the first steps" "첫 스텝들의 손실" }
    curve_apart(steps, apart, at) {
        "losses of {steps} steps: furthest apart at step {at}, by {apart}"
        "{steps}스텝의 손실: 차이가 가장 큰 것은 {at}번째, {apart}"
    }
    limits_apart(limit, later) {
        "{limit}, later losses within {later}"
        "{limit} (뒤쪽 손실은 {later})"
    }
    recorded_apart(gradients, losses) {
        "the recorded f32 is itself {gradients} (gradients) and {losses} (losses) from f64"
        "기록된 f32 값도 f64와 기울기 {gradients}, 손실 {losses}만큼 다릅니다"
    }
    same_work(name, limit) {
        "{name} is the same work: gradients and losses within {limit}"
        "{name}: 같은 작업입니다. 기울기와 손실의 차이 {limit} 이하"
    }
    other_work(name, limit) {
        "{name} is not the same work, or not computed well: gradients and losses must be within {limit}; what is further apart is marked !"
        "{name}: 같은 작업이 아니거나 계산이 정확하지 않습니다. 기울기와 손실의 차이는 {limit} 이하여야 하며, 넘은 것에 ! 표시를 했습니다"
    }

    // Lessons
    column_lesson() { "lesson" "수업" }
    take_lesson(id) {
        "`glassbox lesson {id}` gives the first of them."
        "`glassbox lesson {id}`로 첫 수업을 들을 수 있습니다."
    }
    unknown_lesson(id) { "there is no lesson {id}" "{id} 수업은 없습니다" }
    on_logarithmic_scale(what) { "{what} (logarithmic)" "{what} (로그 눈금)" }
    picture_written(file) { "{file} written" "{file} 저장" }
    from_to(low, high) { "from {low} to {high}" "{low}부터 {high}까지" }

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

    // Rows that are made
    rows_need_classes() {
        "the model is told of classes: each row needs its own (a column of the target's name, folders called after classes)"
        "이 모형은 부류를 함께 받습니다: 행마다 부류가 있어야 합니다 (목표 열, 또는 부류 이름의 폴더)"
    }
    not_told_of_classes() {
        "the model is not told of classes: train it with --set model.conditional=true and --target"
        "이 모형은 부류를 받지 않습니다: --set model.conditional=true 와 --target 으로 훈련하세요"
    }
    no_such_class(class, known) {
        "there is no class `{class}`: the classes are {known}"
        "`{class}`라는 부류가 없습니다. 부류: {known}"
    }
    title_generated(seed) { "new rows, seed {seed}" "새 행, 시드 {seed}" }
    class_entropy(made, data, most) {
        "entropy of the classes: {made} nats of what is made, {data} of the data, {most} at most"
        "부류의 엔트로피: 만든 것 {made}내트, 데이터 {data}내트, 최대 {most}내트"
    }
    points_of_data() { "data" "데이터" }
    points_made() { "made" "만든 것" }
    rows_no_picture() {
        "rows of this model are neither images nor points, so that nothing can be drawn: see them by `glassbox generate`"
        "이 모형의 행은 이미지도 점도 아니어서 그릴 것이 없습니다: `glassbox generate`로 행을 보세요"
    }
    title_decoded() { "rows made from codes" "코드에서 만든 행" }
    title_interpolated(from, to) { "from {from} to {to}" "{from}에서 {to}까지" }
    title_restored() { "whole, damaged, restored" "원본, 손상, 복원" }
    title_remade() { "rows, and what is made of their codes" "행과, 그 코드로 되살린 것" }
    title_grid(first, second) {
        "what is made of codes: number {first} across, {second} upwards"
        "코드로 만든 것: 가로 {first}번, 세로 {second}번 수"
    }
    title_map(first, second) {
        "codes of rows: number {first} across, {second} upwards"
        "행의 코드: 가로 {first}번, 세로 {second}번 수"
    }
    wrote_codes(rows, code, file) {
        "{rows} rows, {code} numbers each: {file}"
        "행 {rows}개, 각각 수 {code}개: {file}"
    }
    columns_of_codes(file, missing, code) {
        "{file}: there is no column {missing}: codes have the columns z1 to z{code}, as `glassbox encode` writes them"
        "{file}: {missing} 열이 없습니다. 코드는 `glassbox encode`가 쓰는 z1부터 z{code}까지의 열입니다"
    }
    code_is_no_number(file, row) {
        "{file}: row {row}: a code is made of numbers"
        "{file}: {row}행: 코드는 수여야 합니다"
    }
    no_such_row(row, some) {
        "there is no file {row}, and no such row in the test part: its rows are {some} …"
        "{row}라는 파일도, 시험 데이터의 행도 없습니다. 있는 행: {some} …"
    }
    noise_above_zero() { "--noise must be above 0" "--noise는 0보다 커야 합니다" }
    what_can_be_hidden(word) {
        "`{word}` cannot be hidden: left, right, top, bottom, or a share from 0 to below 1"
        "`{word}`는 가릴 수 없습니다: left, right, top, bottom, 또는 0 이상 1 미만의 비율"
    }
    restored(rows, before, after) {
        "{rows} rows: mean squared error {before} as damaged, {after} as restored"
        "행 {rows}개: 평균 제곱 오차 손상 {before}, 복원 {after}"
    }
    share_between() { "--share must be between 0 and 1" "--share는 0과 1 사이여야 합니다" }
    odd_losses() { "losses (▓: above the threshold)" "손실 (▓: 문턱을 넘음)" }
    odd_class_name() { "class" "부류" }
    odd_class_rows() { "rows" "행" }
    odd_class_odd() { "odd" "이상" }
    odd_class_loss() { "mean loss" "평균 손실" }
    left_out_of_training() { "left out of the training" "훈련에서 뺌" }
    oddest(rows) { "oddest rows (loss): {rows}" "가장 이상한 행 (손실): {rows}" }
    odd_threshold(loss, share, rows, part) {
        "threshold: {loss}, above which {share} of {rows} usual rows lie ({part} part)"
        "문턱: {loss} (정상 행 {rows}개 중 {share}가 넘음, {part} 부분)"
    }
    odd_rows(odd, rows, share) {
        "odd: {odd} of {rows} rows ({share})"
        "이상한 행: {rows}개 중 {odd}개 ({share})"
    }
    odd_area(classes, area) {
        "telling {classes} from the others by the loss: ROC area {area}"
        "손실로 {classes}를 나머지와 구별: ROC 면적 {area}"
    }
    code_in_use(used, all, nats) {
        "{used} of {all} numbers of the code carry something: {nats} nats in all"
        "코드의 수 {all}개 중 {used}개가 쓰입니다: 모두 {nats}나트"
    }
}
