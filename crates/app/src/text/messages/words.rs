//! Texts of word vectors.

use std::fmt::Display;

use super::texts;
use crate::text::{Lang, Text};

texts! {
    words_per_second(rate) { "{rate} words/s" "초당 낱말 {rate}개" }
    words_of_text(words, sentences, kept, vocabulary) {
        "text: {words} words in {sentences} sentences; {kept} of them are learned from, {vocabulary} different ones"
        "텍스트: 문장 {sentences}개, 낱말 {words}개. 그 가운데 {kept}개({vocabulary}종)로 배움"
    }
    words_skip_gram(dimensions, window, negative) {
        "skip-gram: each of up to {window} words on each side is guessed from the one in the middle, among {negative} that are not there; {dimensions} numbers a word"
        "스킵그램: 가운데 낱말에서 양쪽 최대 {window}개 낱말을 하나씩, 거기 없는 낱말 {negative}개와 가려 맞힘. 낱말마다 수 {dimensions}개"
    }
    words_cbow(dimensions, window, negative) {
        "CBOW: a word is guessed from the mean of up to {window} words on each side, among {negative} that are not there; {dimensions} numbers a word"
        "CBOW: 양쪽 최대 {window}개 낱말의 평균에서 가운데 낱말을, 거기 없는 낱말 {negative}개와 가려 맞힘. 낱말마다 수 {dimensions}개"
    }
    words_training(rate, epochs) {
        "training: rate {rate}, falling in a line, {epochs} epochs"
        "훈련: 학습률 {rate}에서 직선으로 줄임, {epochs}에포크"
    }
    words_touched(touched, weights) {
        "a guess touches {touched} of {weights} weights"
        "한 번 맞힐 때 가중치 {weights}개 가운데 {touched}개만 건드림"
    }
    words_read(words) { "{words} words" "낱말 {words}개" }
    words_coin() { "a coin" "동전 던지기" }
    words_next(line) {
        "see what it learned: `{line} WORD`"
        "배운 것을 보려면: `{line} 낱말`"
    }
    words_with_count(word, count) { "{word} ({count} times)" "{word} ({count}번)" }
    words_have_no_network(run) {
        "{run}: a run of word vectors, which has no network: for it there are `neighbours`, `analogy`, `see`, `export`, `resume`, `runs` and `compare`"
        "{run}: 신경망이 없는 낱말 벡터 실행입니다. 쓸 수 있는 명령: `neighbours`, `analogy`, `see`, `export`, `resume`, `runs`, `compare`"
    }
    words_format_of_network(run) {
        "{run}: a run of a network: `--format word2vec` is for word vectors"
        "{run}: 신경망 실행입니다. `--format word2vec`은 낱말 벡터에만 씁니다"
    }
    words_format_alone(run) {
        "{run}: a run of word vectors: export it with `--format word2vec`"
        "{run}: 낱말 벡터 실행입니다. `--format word2vec`으로 내보내세요"
    }
    words_exported(file, words, dimensions) {
        "wrote {file}: {words} words of {dimensions} numbers, in word2vec's format"
        "{file}에 썼습니다: 낱말 {words}개, 낱말마다 수 {dimensions}개. word2vec 형식입니다"
    }
    column_cosine() { "cosine" "코사인" }
    column_times() { "times" "횟수" }
    column_section() { "section" "묶음" }
    column_right() { "right" "맞음" }
    column_known() { "of" "물음" }
    column_unknown() { "unknown" "모름" }
    all_sections() { "all" "전체" }
    unknown_are_left_out() {
        "unknown: questions with a word that has no vector; they do not count"
        "모름: 벡터가 없는 낱말이 든 물음. 셈에 넣지 않음"
    }
    analogy_form(line) {
        "words with `+` or `-` between them: `{line}`"
        "낱말 사이에 `+`나 `-`를 넣으세요: `{line}`"
    }
    see_words(words, share) {
        "{words} words before training and after, along the two directions in which they differ most ({share} of the variance)"
        "훈련 전과 후의 낱말 {words}개. 가장 크게 갈리는 두 방향(분산의 {share})으로 그림"
    }
    see_words_alone() {
        "of word vectors there is one picture: `see RUN` takes `--out` and no more"
        "낱말 벡터의 그림은 하나입니다. `see RUN`에는 `--out`만 쓸 수 있습니다"
    }
    wrote_config_of_words(file, model, parameters, words) {
        "{file} written: {model}, {parameters}, {words} words to learn from"
        "{file} 저장: {model}, {parameters}, 배울 낱말 {words}개"
    }
}
