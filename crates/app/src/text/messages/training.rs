//! Texts: what is said while a model trains.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

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
    chosen_themselves() { "learned: the rows themselves" "배울 것: 행 자체" }
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
    chosen_drawn(paths) { "  drawn anew: {paths}" "  새로 뽑음: {paths}" }
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
    alarm_mode_collapse(covered, modes, why) {
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
    alarm_collapse(dead, code, kl) {
        "{dead} of {code} numbers of the code are the same whatever the row; all together carry {kl} nats (posterior collapse). Try model.kl_warmup, model.free_bits, a smaller model.beta or a smaller code"
        "코드의 수 {code}개 중 {dead}개가 행과 상관없이 같고, 모두 합해 {kl}나트를 담습니다(사후 분포 붕괴). model.kl_warmup, model.free_bits를 쓰거나 model.beta 또는 코드를 줄여 보세요"
    }
}
