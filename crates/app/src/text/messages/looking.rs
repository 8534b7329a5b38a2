//! Texts: looking inside: values, pictures, plans, speed, lessons.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
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
}
