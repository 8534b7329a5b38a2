//! Texts: rows that are made, codes, and what is odd.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
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
    likeness_of() { "rows" "행" }
    likeness_rows() { "number" "수" }
    frechet() { "Fréchet distance" "프레셰 거리" }
    training_rows() { "training rows" "훈련 행" }
    likeness_against(rows, features) {
        "against {rows} rows of the data, by {features} features (what the classifier's last layer reads)"
        "데이터의 행 {rows}개와 견줌, 특징 {features}개로 (분류기의 마지막 층이 읽는 수)"
    }
    too_few_for_features(features) {
        "no Fréchet distance: it takes more rows than there are features ({features}), made and held out: see --count"
        "프레셰 거리 없음: 만든 행과 따로 둔 행이 모두 특징 수({features})보다 많아야 합니다: --count를 보세요"
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
    no_such_row(row) {
        "there is no file {row}, and no row of this number in the run's data: rows count from 1"
        "{row}라는 파일도, 이 번호의 행도 없습니다. 행은 1부터 셉니다"
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
