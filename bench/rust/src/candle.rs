//! The workloads in candle, as its users write them.

use std::error::Error;

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::{
    AdamW, Conv2d, Conv2dConfig, Embedding, Linear, Optimizer, ParamsAdamW, VarBuilder, VarMap,
    conv2d, embedding, linear, linear_no_bias, loss, ops,
};

use crate::{GPT, Gpt, LENET_BATCH, MLP, MLP_BATCH, Numbers, POOL, Work};

const CPU: Device = Device::Cpu;

/// Training steps on `batches`: `loss` of each, then an update.
fn training(
    variables: VarMap,
    settings: ParamsAdamW,
    batches: Vec<(Tensor, Tensor)>,
    loss: impl Fn(&Tensor, &Tensor) -> Result<Tensor> + 'static,
    (items, unit, flops): (usize, &'static str, usize),
) -> std::result::Result<Work, Box<dyn Error>> {
    let parameters = variables.all_vars();
    let count = parameters.iter().map(|variable| variable.elem_count()).sum();
    let mut optimizer = AdamW::new(parameters, settings)?;
    let step = move |number: usize| {
        let (x, y) = &batches[number % batches.len()];
        let loss = loss(x, y)?;
        optimizer.backward_step(&loss)?;
        let read = move || Ok(f64::from(loss.to_scalar::<f32>()?));
        Ok(Box::new(read) as crate::Loss)
    };
    Ok(Work { step: Box::new(step), items, unit, parameters: count, flops })
}

/// Adam, which is AdamW without decay.
fn adam() -> ParamsAdamW {
    ParamsAdamW { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
}

fn images(shape: &[usize], classes: usize) -> Result<Vec<(Tensor, Tensor)>> {
    let mut numbers = Numbers::new(0);
    let batch = |_| {
        let x = Tensor::from_vec(numbers.uniform(shape.iter().product()), shape, &CPU)?;
        let y = Tensor::from_vec(numbers.below(classes, shape[0]), shape[0], &CPU)?;
        Ok((x, y))
    };
    (0..POOL).map(batch).collect()
}

pub fn mlp() -> std::result::Result<Work, Box<dyn Error>> {
    let variables = VarMap::new();
    let at = VarBuilder::from_varmap(&variables, DType::F32, &CPU);
    let layers: Vec<Linear> = MLP
        .windows(2)
        .enumerate()
        .map(|(index, sizes)| linear(sizes[0], sizes[1], at.pp(index)))
        .collect::<Result<_>>()?;
    let run = move |x: &Tensor, y: &Tensor| {
        let [inner @ .., last] = &layers[..] else { return loss::cross_entropy(x, y) };
        let x = inner.iter().try_fold(x.clone(), |x, layer| layer.forward(&x)?.relu())?;
        loss::cross_entropy(&last.forward(&x)?, y)
    };
    let batches = images(&[MLP_BATCH, MLP[0]], MLP[3])?;
    training(variables, adam(), batches, run, (MLP_BATCH, "samples/s", crate::mlp_flops()))
}

pub fn lenet() -> std::result::Result<Work, Box<dyn Error>> {
    let variables = VarMap::new();
    let at = VarBuilder::from_varmap(&variables, DType::F32, &CPU);
    let padded = Conv2dConfig { padding: 2, ..Default::default() };
    let convolutions: [Conv2d; 2] =
        [conv2d(1, 32, 5, padded, at.pp("c1"))?, conv2d(32, 64, 5, padded, at.pp("c2"))?];
    let (hidden, out) = (linear(3136, 1024, at.pp("f1"))?, linear(1024, 10, at.pp("f2"))?);
    let run = move |x: &Tensor, y: &Tensor| {
        let pooled = |x: Tensor, layer: &Conv2d| layer.forward(&x)?.relu()?.max_pool2d(2);
        let x = convolutions.iter().try_fold(x.clone(), pooled)?;
        let x = hidden.forward(&x.flatten_from(1)?)?.relu()?;
        loss::cross_entropy(&out.forward(&x)?, y)
    };
    let batches = images(&[LENET_BATCH, 1, 28, 28], 10)?;
    training(variables, adam(), batches, run, (LENET_BATCH, "samples/s", crate::lenet_flops()))
}

/// Layer normalisation; the library's fused one has no derivative.
struct Norm {
    weight: Tensor,
    bias: Tensor,
}

impl Norm {
    fn new(at: VarBuilder) -> Result<Self> {
        let ones = candle_nn::Init::Const(1.0);
        let zeros = candle_nn::Init::Const(0.0);
        Ok(Norm {
            weight: at.get_with_hints(GPT.width, "weight", ones)?,
            bias: at.get_with_hints(GPT.width, "bias", zeros)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm_slow(x, &self.weight, &self.bias, 1e-5)
    }
}

struct Block {
    norms: [Norm; 2],
    qkv: Linear,
    proj: Linear,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn new(at: VarBuilder) -> Result<Self> {
        let w = GPT.width;
        Ok(Block {
            norms: [Norm::new(at.pp("n1"))?, Norm::new(at.pp("n2"))?],
            qkv: linear(w, 3 * w, at.pp("qkv"))?,
            proj: linear(w, w, at.pp("proj"))?,
            fc1: linear(w, 4 * w, at.pp("fc1"))?,
            fc2: linear(4 * w, w, at.pp("fc2"))?,
        })
    }

    /// Rows of tokens, batch after batch; `mask` is −∞ where a key comes later.
    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let Gpt { batch, time, heads, width, .. } = GPT;
        let each = width / heads;
        let qkv = self.qkv.forward(&self.norms[0].forward(x)?)?;
        let qkv = qkv.reshape((batch, time, 3, heads, each))?.permute((2, 0, 3, 1, 4))?;
        let part = |index| qkv.get(index)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.t()?)? * (1.0 / (each as f64).sqrt()))?.broadcast_add(mask)?;
        let mixed = ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        let mixed = mixed.transpose(1, 2)?.reshape((batch * time, width))?;
        let x = (x + self.proj.forward(&mixed)?)?;
        let inner = self.fc1.forward(&self.norms[1].forward(&x)?)?.gelu_erf()?;
        x + self.fc2.forward(&inner)?
    }
}

pub fn gpt() -> std::result::Result<Work, Box<dyn Error>> {
    let Gpt { vocabulary, width, time, blocks, batch, .. } = GPT;
    let variables = VarMap::new();
    let at = VarBuilder::from_varmap(&variables, DType::F32, &CPU);
    let tokens: Embedding = embedding(vocabulary, width, at.pp("tokens"))?;
    let places: Embedding = embedding(time, width, at.pp("places"))?;
    let layers: Vec<Block> =
        (0..blocks).map(|index| Block::new(at.pp(index))).collect::<Result<_>>()?;
    let norm = Norm::new(at.pp("norm"))?;
    let head = linear_no_bias(width, vocabulary, at.pp("head"))?;
    let later = |i: usize| (i % time > i / time).then_some(f32::NEG_INFINITY).unwrap_or(0.0);
    let mask = Tensor::from_vec((0..time * time).map(later).collect(), (time, time), &CPU)?;
    let run = move |x: &Tensor, y: &Tensor| {
        let x = tokens.forward(x)?.broadcast_add(places.embeddings())?;
        let x = x.reshape((batch * time, width))?;
        let x = layers.iter().try_fold(x, |x, layer| layer.forward(&x, &mask))?;
        loss::cross_entropy(&head.forward(&norm.forward(&x)?)?, y)
    };
    let mut numbers = Numbers::new(0);
    let mut ids = || numbers.below(vocabulary, batch * time);
    let batches = (0..POOL)
        .map(|_| {
            let x = Tensor::from_vec(ids(), (batch, time), &CPU)?;
            Ok((x, Tensor::from_vec(ids(), batch * time, &CPU)?))
        })
        .collect::<Result<_>>()?;
    let settings = ParamsAdamW { lr: 3e-4, weight_decay: 0.01, ..adam() };
    training(variables, settings, batches, run, (batch * time, "tokens/s", crate::gpt_flops()))
}
