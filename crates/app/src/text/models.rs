//! What the models are, in a sentence each.

use glassbox::train::config::ModelKind;

use super::Lang;
use super::help::in_lang;

/// Settings beside the kind that a model is drawn with, where its defaults draw nothing.
pub fn example(kind: ModelKind) -> &'static [&'static str] {
    match kind {
        ModelKind::Network => &[LAYERS],
        ModelKind::Mlp | ModelKind::Named(_) => &[],
    }
}

const LAYERS: &str = r#"model.layer=[
  { kind = "linear", units = 32 },
  { kind = "activation", activation = "relu", name = "first" },
  { kind = "linear", units = 32 },
  { kind = "activation", activation = "relu" },
  { kind = "add", from = ["first", "activation2"] },
]"#;

/// What a kind of model is, and for what.
pub fn about(kind: ModelKind, lang: Lang) -> &'static str {
    let [english, korean] = match kind {
        ModelKind::Mlp => [
            "fully connected layers (multi-layer perceptron); tables, small images",
            "완전 연결 층 (다층 퍼셉트론). 표와 작은 이미지용",
        ],
        ModelKind::Network => [
            "layers of your own, with branches and skips, from [[model.layer]]",
            "[[model.layer]]로 직접 쌓는 층. 갈래와 건너뛰기도 가능",
        ],
        ModelKind::Named(named) => of_family(named.family.name),
    };
    in_lang(lang, english, korean)
}

fn of_family(name: &str) -> [&'static str; 2] {
    match name {
        "LeNet" => [
            "two convolutions, three dense layers; digits and other small images",
            "합성곱 두 층과 완전 연결 세 층. 숫자 같은 작은 이미지용",
        ],
        "AlexNet" => [
            "five convolutions with ReLU and dropout; photographs",
            "ReLU와 드롭아웃을 쓰는 합성곱 다섯 층. 사진용",
        ],
        "VGG" => [
            "nothing but 3 × 3 convolutions, one after another; photographs",
            "3 × 3 합성곱만 차례로 쌓은 망. 사진용",
        ],
        "GoogLeNet (Inception v1)" => [
            "filters of several sizes side by side, auxiliary heads in training; photographs",
            "여러 크기의 필터를 나란히 놓고 훈련 때 보조 머리를 둔 망. 사진용",
        ],
        "ResNet for small images" => {
            ["residual blocks; small images such as CIFAR's", "잔차 블록. CIFAR 같은 작은 이미지용"]
        }
        "ResNet" => [
            "residual blocks: each adds a change to what it reads; photographs",
            "읽은 것에 변화를 더하는 잔차 블록. 사진용",
        ],
        "SE-ResNet" => [
            "residual blocks whose channels are weighed for each image; photographs",
            "이미지마다 채널의 무게를 정하는 잔차 블록. 사진용",
        ],
        "Xception" => [
            "depthwise separable convolutions with skips; photographs",
            "깊이별 분리 합성곱과 건너뛰기. 사진용",
        ],
        "MobileNetV2" => [
            "narrow blocks that widen inside, for phones; photographs",
            "안에서 넓어지는 좁은 블록, 휴대전화용. 사진용",
        ],
        "ConvNeXt" => [
            "7 × 7 depthwise convolutions, built like a transformer; photographs",
            "트랜스포머처럼 쌓은 7 × 7 깊이별 합성곱. 사진용",
        ],
        "Vision transformer" => [
            "attention among patches of the image; photographs, much data",
            "이미지 조각들 사이의 어텐션. 데이터가 많은 사진용",
        ],
        "Recurrent networks" => [
            "a state that is carried from step to step; series, sensors, text",
            "걸음마다 상태를 이어 가는 망. 시계열, 센서, 텍스트용",
        ],
        "Convolutions over time" => [
            "filters over time that reach further from layer to layer; series, sensors, text",
            "층마다 더 멀리 보는 시간 축 합성곱. 시계열, 센서, 텍스트용",
        ],
        "Attention over time" => [
            "every place looks at the others; series, sensors, text",
            "모든 자리가 서로를 보는 어텐션. 시계열, 센서, 텍스트용",
        ],
        "GPT" => [
            "a transformer that tells what comes next; text, which it can go on writing",
            "다음에 올 것을 맞히는 트랜스포머. 이어서 쓸 수 있는 텍스트용",
        ],
        "Encoder and decoder of LSTM" => [
            "an LSTM reads one text, another writes what it says in its way; pairs of texts",
            "한 LSTM이 읽고 다른 LSTM이 옮겨 쓰는 망. 짝지어진 텍스트용",
        ],
        "Transformer" => [
            "attention reads one text and writes what it says in its way; pairs of texts",
            "어텐션으로 읽고 옮겨 쓰는 망. 짝지어진 텍스트용",
        ],
        "word2vec" => [
            "a vector for each word, from the words that stand around it; text, in a fast way of its own",
            "둘레의 낱말로 배우는 낱말 벡터. 전용의 빠른 방법으로 배우는 텍스트용",
        ],
        "BERT" => [
            "a transformer that tells hidden tokens by what stands around them; text",
            "가려진 토큰을 앞뒤를 보고 맞히는 트랜스포머. 텍스트용",
        ],
        "Autoencoders" => [
            "rows squeezed through a few numbers and made again; tables, images: codes, odd rows, repair",
            "행을 몇 개의 수로 줄였다가 되살리는 망. 표와 이미지의 코드, 이상 탐지, 복원용",
        ],
        "Variational autoencoders" => [
            "codes that are drawn from a normal distribution, so that new rows can be made; tables, images",
            "정규분포에서 뽑는 코드로 새 행을 만드는 망. 표와 이미지용",
        ],
        "Generative adversarial networks" => [
            "a generator against a discriminator that tells its rows from real ones; tables, points, images",
            "진짜 행을 가려내는 판별자와 겨루며 새 행을 만드는 생성자. 표, 점, 이미지용",
        ],
        "Wasserstein GANs" => [
            "a generator led by a critic that estimates a distance (gradient penalty); tables, images",
            "거리를 재는 비평자(기울기 벌점)를 따라 새 행을 만드는 생성자. 표와 이미지용",
        ],
        _ => ["", ""],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_model_is_described() {
        for kind in ModelKind::all() {
            for lang in [Lang::English, Lang::Korean] {
                assert!(!about(kind, lang).is_empty(), "{kind}");
            }
        }
    }
}
