//! The workloads in burn, on its eager backend for processors, as its users write them.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d,
};
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{gelu, relu};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::{GPT, Gpt, LENET_BATCH, MLP, MLP_BATCH, Numbers, POOL, Work};

/// Training steps on `batches`: `logits` of each, cross entropy, then an update.
fn training<M: Module + 'static, X: Clone + 'static>(
    model: M,
    (mut optimizer, rate): (ModuleOptimizer, f64),
    batches: Vec<(X, Tensor<1, Int>)>,
    logits: impl Fn(&M, X) -> Tensor<2> + 'static,
    device: &Device,
    (items, unit, flops): (usize, &'static str, usize),
) -> Work {
    let parameters = model.num_params();
    let entropy = CrossEntropyLossConfig::new().init(device);
    let mut held = Some(model);
    let step = move |number: usize| {
        let model = held.take().ok_or("a step before this one failed")?;
        let (x, y) = batches[number % batches.len()].clone();
        let loss = entropy.forward(logits(&model, x), y);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        held = Some(optimizer.step(rate, model, gradients));
        let read = move || Ok(f64::from(loss.into_scalar::<f32>()));
        Ok(Box::new(read) as crate::Loss)
    };
    Work { step: Box::new(step), items, unit, parameters, flops }
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().with_epsilon(1e-8).init()
}

fn images<const D: usize>(
    shape: [usize; D],
    classes: usize,
    device: &Device,
) -> Vec<(Tensor<D>, Tensor<1, Int>)> {
    let mut numbers = Numbers::new(0);
    let batch = |_| {
        let x = TensorData::new(numbers.uniform(shape.iter().product()), shape);
        let y = TensorData::new(numbers.below(classes, shape[0]), [shape[0]]);
        (Tensor::from_data(x, device), Tensor::from_data(y, device))
    };
    (0..POOL).map(batch).collect()
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.forward(if index == 0 { x } else { relu(x) });
        }
        x
    }
}

pub fn mlp() -> Work {
    let device = &device();
    let layer = |sizes: &[usize]| LinearConfig::new(sizes[0], sizes[1]).init(device);
    let model = Mlp { layers: MLP.windows(2).map(layer).collect() };
    let batches = images([MLP_BATCH, MLP[0]], MLP[3], device);
    let counts = (MLP_BATCH, "samples/s", crate::mlp_flops());
    training(model, (adam(), 1e-3), batches, Mlp::forward, device, counts)
}

#[derive(Module, Debug)]
struct Lenet {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    hidden: Linear,
    out: Linear,
}

impl Lenet {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let pooled = |x, layer: &Conv2d| self.pool.forward(relu(layer.forward(x)));
        let x = self.convolutions.iter().fold(x, pooled);
        self.out.forward(relu(self.hidden.forward(x.flatten(1, 3))))
    }
}

pub fn lenet() -> Work {
    let device = &device();
    let convolution = |channels| {
        let padding = PaddingConfig2d::Explicit(2, 2, 2, 2);
        Conv2dConfig::new(channels, [5, 5]).with_padding(padding).init(device)
    };
    let model = Lenet {
        convolutions: vec![convolution([1, 32]), convolution([32, 64])],
        pool: MaxPool2dConfig::new([2, 2]).init(),
        hidden: LinearConfig::new(3136, 1024).init(device),
        out: LinearConfig::new(1024, 10).init(device),
    };
    let batches = images([LENET_BATCH, 1, 28, 28], 10, device);
    let counts = (LENET_BATCH, "samples/s", crate::lenet_flops());
    training(model, (adam(), 1e-3), batches, Lenet::forward, device, counts)
}

#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    norm2: LayerNorm,
    qkv: Linear,
    proj: Linear,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn new(device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let norm = || LayerNormConfig::new(GPT.width).init(device);
        let w = GPT.width;
        Block {
            norm1: norm(),
            norm2: norm(),
            qkv: linear(w, 3 * w),
            proj: linear(w, w),
            fc1: linear(w, 4 * w),
            fc2: linear(4 * w, w),
        }
    }

    /// Rows of tokens, batch after batch.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let Gpt { batch, time, heads, width, .. } = GPT;
        let qkv = self.qkv.forward(self.norm1.forward(x.clone()));
        let part = |index: usize| {
            let part = qkv.clone().slice([0..batch * time, index * width..(index + 1) * width]);
            part.reshape([batch, time, heads, width / heads]).swap_dims(1, 2)
        };
        let options = AttentionModuleOptions { is_causal: true, ..Default::default() };
        let mixed = attention(part(0), part(1), part(2), None, None, options);
        let mixed = mixed.swap_dims(1, 2).reshape([batch * time, width]);
        let x = x + self.proj.forward(mixed);
        let inner = gelu(self.fc1.forward(self.norm2.forward(x.clone())));
        x + self.fc2.forward(inner)
    }
}

#[derive(Module, Debug)]
struct Transformer {
    tokens: Embedding,
    places: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}

impl Transformer {
    fn forward(&self, ids: Tensor<2, Int>) -> Tensor<2> {
        let places = self.places.weight.val().unsqueeze::<3>();
        let x = self.tokens.forward(ids) + places;
        let x = x.reshape([GPT.batch * GPT.time, GPT.width]);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.head.forward(self.norm.forward(x))
    }
}

pub fn gpt() -> Work {
    let Gpt { vocabulary, width, time, blocks, batch, .. } = GPT;
    let device = &device();
    let model = Transformer {
        tokens: EmbeddingConfig::new(vocabulary, width).init(device),
        places: EmbeddingConfig::new(time, width).init(device),
        blocks: (0..blocks).map(|_| Block::new(device)).collect(),
        norm: LayerNormConfig::new(width).init(device),
        head: LinearConfig::new(width, vocabulary).with_bias(false).init(device),
    };
    let mut numbers = Numbers::new(0);
    let mut ids = || numbers.below(vocabulary, batch * time);
    let batches = (0..POOL)
        .map(|_| {
            let (x, y) = (ids(), ids());
            let x = Tensor::from_data(TensorData::new(x, [batch, time]), device);
            (x, Tensor::from_data(TensorData::new(y, [batch * time]), device))
        })
        .collect();
    let optimizer = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.01).init();
    let counts = (batch * time, "tokens/s", crate::gpt_flops());
    training(model, (optimizer, 3e-4), batches, Transformer::forward, device, counts)
}
