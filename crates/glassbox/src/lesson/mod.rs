//! The syllabus, runnable: each lesson computes something real and tells it in paragraphs, tables and
//! curves.
//!
//! A lesson is one file with a function from [`Options`] to [`Told`] and a row in [`LESSONS`]. Its
//! numbers are plain data (what `--json` prints, and what tests hold); its words stand beside them in
//! English and Korean.

mod count;
mod practice;
mod told;

pub mod adversaries;
pub mod bottleneck;
pub mod cells;
pub mod channels;
pub mod components;
pub mod damaged;
pub mod depth;
pub mod embedding;
pub mod few_labels;
pub mod gates;
pub mod hidden;
pub mod images;
pub mod order;
pub mod reparameterised;
pub mod sampling;
pub mod scaled;
pub mod separable;
pub mod sequences;
pub mod shift;
pub mod through_time;
pub mod transfer;
pub mod translate;
pub mod unrolled;
pub mod windows;
pub mod word_vectors;

pub use count::{Count, count};
pub(crate) use told::text;
pub use told::{
    Bars, Board, Chart, Curve, Language, Part, Pictures, Places, Shown, Table, Text, Told,
};

use crate::Error;

/// What a lesson may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What all randomness follows from.
    pub seed: u64,
    /// A folder or file of images in place of the built-in ones, where a lesson learns from images.
    pub data: Option<String>,
    /// Everything that there is to see, where a lesson would show one example of many.
    pub full: bool,
}

impl Default for Options {
    /// Seed 42, built-in data, one example of many.
    fn default() -> Self {
        Options { seed: 42, data: None, full: false }
    }
}

/// A row of the syllabus that can be run.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// The syllabus' id, e.g. `V1`.
    pub id: &'static str,
    /// What it is about, in English and Korean.
    title: [&'static str; 2],
    run: fn(&Options) -> Result<Told, Error>,
}

/// Every lesson there is, in the syllabus' order.
pub const LESSONS: &[Lesson] = &[
    Lesson {
        id: "N24",
        title: [
            "gradients through time: vanishing, exploding, the LSTM beside them, clipping",
            "시간을 거슬러 가는 기울기: 소실과 폭발, LSTM, 자르기",
        ],
        run: through_time::lesson,
    },
    Lesson {
        id: "V1",
        title: [
            "a convolution on a 6 × 6 O and X, window by window",
            "6 × 6 O와 X의 합성곱, 창 하나씩",
        ],
        run: windows::lesson,
    },
    Lesson {
        id: "V2",
        title: [
            "dense layers against convolutions as images move",
            "이미지가 움직일 때 밀집 층과 합성곱",
        ],
        run: shift::lesson,
    },
    Lesson {
        id: "V4",
        title: [
            "gradients by depth, with skip connections and without",
            "깊이에 따른 기울기, 건너뛰기 연결의 유무",
        ],
        run: depth::lesson,
    },
    Lesson {
        id: "V5",
        title: ["what 1 × 1 bottlenecks save in an Inception block", "인셉션 블록의 1 × 1 병목"],
        run: bottleneck::lesson,
    },
    Lesson {
        id: "V6",
        title: [
            "squeeze and excitation: a weight for each channel of each image",
            "스퀴즈-엑사이테이션: 이미지마다 매기는 채널 가중치",
        ],
        run: channels::lesson,
    },
    Lesson {
        id: "V7",
        title: [
            "depthwise and pointwise against ordinary convolution",
            "깊이별·점별 합성곱과 보통의 합성곱",
        ],
        run: separable::lesson,
    },
    Lesson {
        id: "V11",
        title: [
            "transfer: few images of new classes, from scratch, frozen, fine-tuned",
            "전이 학습: 새 부류의 적은 이미지를 처음부터, 고정, 미세 조정으로",
        ],
        run: transfer::lesson,
    },
    Lesson {
        id: "S1",
        title: [
            "a recurrent net unrolled: the same weights at every step, any length",
            "펼친 순환 신경망: 스텝마다 같은 가중치, 아무 길이나",
        ],
        run: unrolled::lesson,
    },
    Lesson {
        id: "S2",
        title: [
            "an LSTM unit on two companies, gate by gate, day by day",
            "두 회사를 읽는 LSTM 유닛, 게이트마다 날마다",
        ],
        run: gates::lesson,
    },
    Lesson {
        id: "S3",
        title: [
            "the GRU, one gate fewer; stacked and bidirectional layers",
            "게이트 하나 적은 GRU, 쌓은 층과 양방향 층",
        ],
        run: cells::lesson,
    },
    Lesson {
        id: "S5",
        title: [
            "words as learned numbers: two names that are used alike come together",
            "배운 수로 나타낸 낱말: 똑같이 쓰이는 두 이름이 만나기까지",
        ],
        run: embedding::lesson,
    },
    Lesson {
        id: "S6",
        title: [
            "word2vec: CBOW, skip-gram, negatives, and how few weights a guess touches",
            "word2vec: CBOW, 스킵그램, 음의 표본, 한 번에 건드리는 몇 안 되는 가중치",
        ],
        run: word_vectors::lesson,
    },
    Lesson {
        id: "S7",
        title: [
            "an encoder–decoder learns let's go → vamos",
            "인코더–디코더가 배우는 let's go → vamos",
        ],
        run: translate::lesson,
    },
    Lesson {
        id: "S9",
        title: [
            "attention with and without √d_k, and what its heads look at",
            "√d_k로 나눈 어텐션과 나누지 않은 어텐션, 헤드들이 보는 것",
        ],
        run: scaled::lesson,
    },
    Lesson {
        id: "S10",
        title: [
            "the same words in another order, with positions and without",
            "같은 낱말, 다른 순서: 위치가 있을 때와 없을 때",
        ],
        run: order::lesson,
    },
    Lesson {
        id: "S11",
        title: [
            "temperature, top-k, top-p on one distribution of a small GPT, and perplexity",
            "작은 GPT의 분포 하나로 보는 온도, top-k, top-p와 퍼플렉시티",
        ],
        run: sampling::lesson,
    },
    Lesson {
        id: "S12",
        title: [
            "a small BERT learns to tell hidden words: 15 %, of those 80/10/10",
            "가린 낱말을 알아맞히는 작은 BERT: 15 %, 그중 80/10/10",
        ],
        run: hidden::lesson,
    },
    Lesson {
        id: "S14",
        title: [
            "one task, five models: dense, convolution, RNN, LSTM, attention",
            "한 과제, 다섯 모형: 밀집, 합성곱, RNN, LSTM, 어텐션",
        ],
        run: sequences::lesson,
    },
    Lesson {
        id: "G1",
        title: [
            "a linear autoencoder finds the plane of the principal components",
            "선형 오토인코더가 찾는 주성분의 평면",
        ],
        run: components::linear,
    },
    Lesson {
        id: "G2",
        title: [
            "denoising and masked autoencoders, and damage that they never saw",
            "잡음 제거와 마스크 오토인코더, 본 적 없는 손상",
        ],
        run: damaged::repairing,
    },
    Lesson {
        id: "G3",
        title: [
            "odd rows: each digit left out of a training once",
            "이상한 행: 숫자를 하나씩 빼고 훈련하기",
        ],
        run: damaged::oddness,
    },
    Lesson {
        id: "G4",
        title: [
            "why a plain sample passes no gradient, and μ + σ·ε does",
            "그냥 뽑으면 막히고 μ + σ·ε으로 뽑으면 통하는 기울기",
        ],
        run: reparameterised::lesson,
    },
    Lesson {
        id: "G6",
        title: [
            "a generator against a discriminator: losses, and the clouds that are covered",
            "생성자와 판별자의 겨루기: 손실과 덮인 구름",
        ],
        run: adversaries::against,
    },
    Lesson {
        id: "G7",
        title: [
            "mode collapse, provoked in three ways and told by an alarm",
            "세 가지로 일으킨 모드 붕괴와 그것을 알리는 경보",
        ],
        run: adversaries::collapsing,
    },
    Lesson {
        id: "G8",
        title: [
            "the encoder reused: components, linear and deep codes, a head on the code",
            "인코더 다시 쓰기: 주성분, 선형과 깊은 코드, 코드 위의 분류",
        ],
        run: components::reused,
    },
    Lesson {
        id: "G9",
        title: [
            "masked pre-training: a classifier from few labels, from scratch, frozen, fine-tuned",
            "가리고 미리 배우기: 적은 이름표로 처음부터, 고정, 미세 조정",
        ],
        run: few_labels::lesson,
    },
];

impl Lesson {
    /// The lesson with this id, in whatever case.
    ///
    /// ```
    /// use glassbox::lesson::Lesson;
    /// assert_eq!(Lesson::find("v1").map(|lesson| lesson.id), Some("V1"));
    /// assert!(Lesson::find("V99").is_none());
    /// ```
    pub fn find(id: &str) -> Option<&'static Lesson> {
        LESSONS.iter().find(|lesson| lesson.id.eq_ignore_ascii_case(id))
    }

    /// What it is about.
    pub fn title(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.title[0],
            Language::Korean => self.title[1],
        }
    }

    /// Computes and tells it.
    ///
    /// # Errors
    /// Data that cannot be read or does not suit the lesson.
    ///
    /// ```
    /// use glassbox::lesson::{Lesson, Options};
    /// let told = Lesson::find("V1").unwrap().run(&Options::default())?;
    /// assert_eq!(told.numbers["parameters"]["convolution"], 10);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn run(&self, options: &Options) -> Result<Told, Error> {
        (self.run)(options)
    }
}
