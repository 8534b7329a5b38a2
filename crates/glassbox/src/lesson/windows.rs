//! V1: a convolution on a 6 × 6 O and X, by hand: every window's products, their sum, bias, ReLU, 2 × 2
//! pooling, one hidden unit, two outputs.

use glassbox_engine::op::Pooling;
use glassbox_engine::{Array, DType, Graph, Mode, Parameters, Scope, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::{Board, Options, Part, Table, Text, Told, count, text};
use crate::nn::{self, Conv, Initial, Loss, Module, Optimizer};
use crate::report::fixed;

const SIDE: usize = 6;
const FILTER: usize = 3;
const WINDOWS: usize = SIDE - FILTER + 1;

/// What stands for a block of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Its largest number.
    Max,
    /// Its mean.
    Mean,
}

/// The network of the lesson: one 3 × 3 filter with ReLU, 2 × 2 pooling, one hidden unit with ReLU, two
/// outputs. `[rows, 6, 6, 1]` → `[rows, 2]`: how much an image is an O, and an X.
///
/// ```
/// use glassbox::lesson::windows::{Pool, TwoLetters, weights};
/// assert_eq!(weights().elements(), 10 + 5 + 4);
/// let net = TwoLetters { pool: Pool::Max };
/// assert_ne!(net, TwoLetters { pool: Pool::Mean });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoLetters {
    /// How the feature map is made smaller.
    pub pool: Pool,
}

/// What is recorded on the way, each with an image in a row.
struct Recorded<'g> {
    /// Of each of the filter's places: pixel × weight in every window, `[rows, 4, 4, 1]`.
    products: Vec<Tensor<'g>>,
    /// Sum and bias, `[rows, 4, 4, 1]`.
    sums: Tensor<'g>,
    map: Tensor<'g>,
    pooled: Tensor<'g>,
    /// Pooled number × weight, `[rows, 4]`.
    terms: Tensor<'g>,
    hidden: Tensor<'g>,
    scores: Tensor<'g>,
}

impl TwoLetters {
    #[track_caller]
    fn record<'g>(&self, at: Scope<'g>, images: Tensor<'g>) -> Recorded<'g> {
        let conv = at.child("conv");
        let sums = nn::conv2d(conv, images, 1, Conv::new([FILTER, FILTER]));
        let of = |scope: Scope<'g>, name| at.graph().state(&format!("{}/{name}", scope.path()));
        let product = |place: usize| {
            let (row, column) = (place / FILTER, place % FILTER);
            let seen = images.slice(1, row..row + WINDOWS).slice(2, column..column + WINDOWS);
            let filter = of(conv, "weight")?;
            Some(seen * filter.slice(0, row..row + 1).slice(1, column..column + 1))
        };
        let products = (0..FILTER * FILTER).filter_map(product).collect();
        let map = {
            let _inside = conv.enter();
            sums.relu().named("relu")
        };
        let windows = Pooling::new([2, 2]);
        let pooled = match self.pool {
            Pool::Max => nn::max_pool2d(at, map, windows),
            Pool::Mean => nn::average_pool2d(at, map, windows),
        };
        let flat = pooled.reshape([images.dim(0), pooled.elements() / images.dim(0).max(1)]);
        let fc1 = at.child("fc1");
        let hidden = nn::linear(fc1, flat, 1, Initial::He).relu();
        let terms = match of(fc1, "weight") {
            Some(weight) => flat * weight.reshape([1, flat.dim(1)]),
            None => flat,
        };
        let scores = nn::linear(at.child("fc2"), hidden, 2, Initial::Xavier);
        Recorded { products, sums, map, pooled: flat, terms, hidden, scores }
    }
}

impl Module for TwoLetters {
    fn name(&self) -> &str {
        "two-letters"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        self.record(at, input).scores
    }
}

/// Weights that tell O from X by its anti-diagonals (the syllabus' fixture F7), for max pooling.
pub fn weights() -> Parameters {
    let anti_diagonal = vec![0.0f32, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    let arrays = [
        ("conv/weight", vec![FILTER, FILTER, 1, 1], anti_diagonal),
        ("conv/bias", vec![1], vec![-2.0]),
        ("fc1/weight", vec![4, 1], vec![-0.8, -0.07, 0.2, 0.17]),
        ("fc1/bias", vec![1], vec![0.97]),
        ("fc2/weight", vec![1, 2], vec![-1.33, 1.33]),
        ("fc2/bias", vec![2], vec![1.45, -0.45]),
    ];
    let array = |(path, shape, numbers): (&str, Vec<usize>, Vec<f32>)| {
        Some((path.to_owned(), Array::new(shape, numbers).ok()?))
    };
    arrays.into_iter().filter_map(array).collect()
}

/// A 6 × 6 image of zeros and ones.
pub type Image = [[f32; SIDE]; SIDE];

/// The letter O.
pub const O: Image = [
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
];

/// The letter X.
pub const X: Image = [
    [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
];

/// The image moved so many pixels to the right (to the left where below 0), zeros moving in.
///
/// ```
/// use glassbox::lesson::windows::{X, moved};
/// assert_eq!(moved(&X, 1)[0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
/// assert_eq!(moved(&moved(&X, -1), 1)[1], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
/// ```
pub fn moved(image: &Image, right: isize) -> Image {
    let pixel = |row: &[f32; SIDE], column: usize| {
        let from = column.checked_add_signed(-right);
        from.and_then(|from| row.get(from)).copied().unwrap_or(0.0)
    };
    image.map(|row| std::array::from_fn(|column| pixel(&row, column)))
}

/// What the filter sees in one place, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Its upper left corner in the image, from 0.
    pub row: usize,
    /// As `row`.
    pub column: usize,
    /// Pixel × weight at each of the filter's nine places, row by row.
    pub products: Vec<f64>,
    /// Their sum.
    pub sum: f64,
    /// The sum with the bias.
    pub with_bias: f64,
    /// After ReLU.
    pub relu: f64,
}

/// One image's way through the network, every number read from the graph that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Walk {
    /// The pixels, row by row.
    pub image: Vec<f64>,
    /// The sixteen windows, row by row.
    pub windows: Vec<Window>,
    /// What is left after pooling, row by row.
    pub pooled: Vec<f64>,
    /// Each of them times its weight of the hidden unit.
    pub terms: Vec<f64>,
    /// The hidden unit.
    pub hidden: f64,
    /// The score of O.
    pub o: f64,
    /// The score of X.
    pub x: f64,
}

impl Walk {
    /// The letter with the higher score.
    pub fn letter(&self) -> char {
        if self.o > self.x { 'O' } else { 'X' }
    }
}

/// Runs the network on images and reads every number on the way.
///
/// # Errors
/// Parameters of another network.
///
/// ```
/// use glassbox::lesson::windows::{O, Pool, TwoLetters, walk, weights};
/// let walked = &walk(TwoLetters { pool: Pool::Max }, &weights(), &[O])?[0];
/// assert_eq!((walked.windows.len(), walked.pooled.len(), walked.letter()), (16, 4, 'O'));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn walk(net: TwoLetters, weights: &Parameters, images: &[Image]) -> Result<Vec<Walk>, Error> {
    let graph = Graph::new();
    let input = graph.input("images", DType::F32, [images.len(), SIDE, SIDE, 1]);
    let Recorded { products, sums, map, pooled, terms, hidden, scores } =
        net.record(graph.root(Mode::Eval), input);
    graph.check()?;
    let mut session = Session::new(glassbox_engine::Options::default())?;
    session.load(weights.clone());
    let given = [("images".to_owned(), batch(images)?)].into_iter().collect();
    let asked = [&[input, sums, map, pooled, terms, hidden, scores], &products[..]].concat();
    let found = session.evaluate(&graph, &given, &asked)?;
    // Output `which` of the row `image`.
    let of = |which: usize, image: usize| -> Vec<f64> {
        let numbers = found.get(which).map(Array::to_f64).unwrap_or_default();
        let width = numbers.len() / images.len().max(1);
        numbers.chunks(width.max(1)).nth(image).unwrap_or_default().to_vec()
    };
    let one = |image: usize| {
        let (sums, map) = (of(1, image), of(2, image));
        let by_place: Vec<Vec<f64>> = (7..asked.len()).map(|which| of(which, image)).collect();
        let window = |(at, (with_bias, relu)): (usize, (&f64, &f64))| {
            let products: Vec<f64> = by_place.iter().filter_map(|p| p.get(at)).copied().collect();
            let (row, column) = (at / WINDOWS, at % WINDOWS);
            let sum = products.iter().sum();
            Window { row, column, products, sum, with_bias: *with_bias, relu: *relu }
        };
        let windows = sums.iter().zip(&map).enumerate().map(window).collect();
        let first = |which| of(which, image).first().copied().unwrap_or(f64::NAN);
        let x = of(6, image).get(1).copied().unwrap_or(f64::NAN);
        Walk {
            image: of(0, image),
            windows,
            pooled: of(3, image),
            terms: of(4, image),
            hidden: first(5),
            o: first(6),
            x,
        }
    };
    Ok((0..images.len()).map(one).collect())
}

fn batch(images: &[Image]) -> Result<Array, Error> {
    let pixels: Vec<f32> = images.iter().flatten().flatten().copied().collect();
    Array::new([images.len(), SIDE, SIDE, 1], pixels).map_err(Error::new)
}

/// Weights for the network with mean pooling, learned from the two letters: those of [`weights`] with
/// everything behind the filter moved by 2,000 steps of Adam at rate 0.01, scores of 1 for the letter
/// that it is and 0 for the other being wanted.
///
/// # Errors
/// None that the letters cause.
pub fn learned(pool: Pool) -> Result<Parameters, Error> {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let images = graph.input("images", DType::F32, [2, SIDE, SIDE, 1]);
    let wanted = graph.input("wanted", DType::F32, [2, 2]);
    let scores = TwoLetters { pool }.forward(at, images);
    let loss = Loss::SquaredError.of(at.child("loss"), scores, wanted);
    let (rate, step) = (graph.input("rate", DType::F32, []), nn::step(&graph));
    let behind = graph.parameters().into_iter().filter(|(path, _)| path.starts_with("fc"));
    Optimizer::ADAM.update(at.child("optimizer"), loss, behind.collect(), rate, step);
    graph.check()?;
    let mut session = Session::new(glassbox_engine::Options { threads: 1, ..Default::default() })?;
    session.load(graph.initial_values(0));
    weights().iter().for_each(|(path, value)| session.set(path, value));
    let prepared = session.prepare(&graph, &[loss])?;
    let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
    let wanted = Array::new([2, 2], vec![1.0f32, 0.0, 0.0, 1.0]).map_err(Error::new)?;
    let given = [("images", batch(&[O, X])?), ("wanted", wanted), ("rate", Array::scalar(0.01))];
    for (name, value) in &given {
        if let Some(at) = prepared.input(name) {
            inputs[at].write(value)?;
        }
    }
    for number in 1..=2_000i64 {
        if let Some(at) = prepared.input("step") {
            inputs[at].write(&Array::new([], vec![number]).map_err(Error::new)?)?;
        }
        session.run(&prepared, &mut inputs, &mut outputs)?;
    }
    let of_net = |(path, _): (&str, &Array)| Some((path.to_owned(), session.value(path)?));
    Ok(weights().iter().filter_map(of_net).collect())
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Numbers that are learned, by the network's parts.
    pub parameters: Parts,
    /// Inputs before the filter, and numbers that are left after pooling.
    pub inputs: [usize; 2],
    /// O, X, X one pixel to the right and to the left, by max pooling.
    pub max_pool: Vec<Named>,
    /// O and X by mean pooling with the weights that suit max pooling.
    pub mean_pool: Vec<Named>,
    /// O and X by mean pooling with weights of its own.
    pub mean_pool_learned: Vec<Named>,
}

/// Parameters of the parts of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Filter and bias.
    pub convolution: usize,
    /// What a dense unit would take on the pixels themselves.
    pub dense_unit: usize,
}

/// An image's walk and what the image is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// `O`, `X`, `X right`, `X left`.
    pub name: &'static str,
    /// Its way through the network.
    #[serde(flatten)]
    pub walk: Walk,
}

/// Walks all images through all networks.
///
/// # Errors
/// None that the letters cause.
pub fn find() -> Result<Found, Error> {
    let images = [("O", O), ("X", X), ("X right", moved(&X, 1)), ("X left", moved(&X, -1))];
    let walks = |pool, weights: &Parameters, images: &[(&'static str, Image)]| {
        let pixels: Vec<Image> = images.iter().map(|(_, image)| *image).collect();
        let walked = walk(TwoLetters { pool }, weights, &pixels)?;
        let named = images.iter().zip(walked).map(|((name, _), walk)| Named { name, walk });
        Ok::<Vec<Named>, Error>(named.collect())
    };
    let max_pool = walks(Pool::Max, &weights(), &images)?;
    let pooled = max_pool.first().map_or(0, |named| named.walk.pooled.len());
    Ok(Found {
        parameters: Parts {
            convolution: count(&[SIDE, SIDE, 1], |at, x| {
                nn::conv2d(at, x, 1, Conv::new([FILTER, FILTER]))
            })?
            .parameters,
            dense_unit: count(&[SIDE * SIDE], |at, x| nn::linear(at, x, 1, Initial::He))?
                .parameters,
        },
        inputs: [SIDE * SIDE, pooled],
        max_pool,
        mean_pool: walks(Pool::Mean, &weights(), &images[..2])?,
        mean_pool_learned: walks(Pool::Mean, &learned(Pool::Mean)?, &images[..2])?,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find()?;
    let mut parts = vec![Part::Paragraph(text!(
        "A 3 × 3 filter moves over the image. In each of its 16 places it multiplies the nine pixels it \
         sees by its nine weights and adds the products and a bias; ReLU makes what is negative 0. Max \
         pooling keeps the largest of each 2 × 2 block, a hidden unit weighs what is left, and two \
         outputs say how much the image is an O and an X.",
        "3 × 3 필터가 이미지 위를 지나갑니다. 16곳 각각에서 보이는 픽셀 9개에 가중치 9개를 곱해 모두 더하고 \
         편향을 더합니다. ReLU는 음수를 0으로 바꿉니다. 최대 풀링은 2 × 2 칸마다 가장 큰 값을 남기고, 은닉 \
         유닛이 남은 값에 가중치를 매기며, 두 출력이 O와 X의 점수를 냅니다.",
    ))];
    let weights = weights();
    for named in &found.max_pool {
        parts.push(Part::Board(board(named, &weights)));
        let walk = &named.walk;
        if options.full {
            parts.push(Part::Board(windows(walk.windows.iter(), named.name)));
        } else if named.name == "O" {
            let seen = walk.windows.iter().filter(|window| window.relu > 0.0);
            parts.push(Part::Board(windows(seen.take(1), named.name)));
        }
    }
    parts.push(Part::Table(scores(&found)));
    let [pixels, left] = found.inputs;
    let Parts { convolution, dense_unit } = found.parameters;
    parts.push(Part::Paragraph(text!(
        "The filter and pooling turn {pixels} inputs into {left}. The filter has {convolution} parameters \
         whatever the image's size; one dense unit on the pixels would have {dense_unit}. A convolution is \
         equivariant to shifts: where the letter moves, its feature map moves along. Pooling is locally \
         invariant: a number stays while it moves within its block, and no further. So the X one pixel to \
         the right is still an X, and one pixel to the left it is not. Mean pooling gives smaller numbers, \
         for which these weights were not made: it needs its own.",
        "필터와 풀링은 입력 {pixels}개를 {left}개로 줄입니다. 필터의 매개변수는 이미지 크기와 상관없이 \
         {convolution}개이고, 픽셀을 직접 받는 밀집 유닛 하나는 {dense_unit}개입니다. 합성곱은 이동에 \
         등변입니다. 글자가 옮겨지면 특징 맵도 똑같이 옮겨집니다. 풀링은 국소적으로 불변입니다. 값이 자기 \
         칸 안에서 움직이는 동안만 결과가 같습니다. 그래서 X를 오른쪽으로 한 픽셀 옮기면 여전히 X이지만 \
         왼쪽으로 옮기면 그렇지 않습니다. 평균 풀링은 더 작은 값을 내므로 이 가중치가 맞지 않고, 자기 \
         가중치가 따로 있어야 합니다.",
    )));
    Told::new(&found, parts)
}

/// The name of an image in both languages.
fn title(name: &str) -> Text {
    match name {
        "X right" => text!("X, one pixel to the right", "오른쪽으로 한 픽셀 옮긴 X"),
        "X left" => text!("X, one pixel to the left", "왼쪽으로 한 픽셀 옮긴 X"),
        name => Text::same(name),
    }
}

/// A number as it stands on a board: at most two decimals, none where it is whole.
fn short(x: f64) -> String {
    fixed(x, 2).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Numbers row by row, each in a column of its own.
fn grid(numbers: impl Iterator<Item = f64>, columns: usize) -> Vec<String> {
    let cells: Vec<String> = numbers.map(|x| format!("{:>2}", short(x))).collect();
    cells.chunks(columns).map(|row| row.join(" ")).collect()
}

/// The whole way on one board.
fn board(Named { name, walk }: &Named, weights: &Parameters) -> Board {
    let of = |path: &str| weights.get(path).map(Array::to_f64).unwrap_or_default();
    let pixels: Vec<String> = walk
        .image
        .chunks(SIDE)
        .map(|row| row.iter().map(|x| if *x > 0.5 { "█ " } else { "· " }).collect())
        .collect();
    let filter = grid(of("conv/weight").into_iter(), FILTER);
    let sums = grid(walk.windows.iter().map(|window| window.with_bias), WINDOWS);
    let map = grid(walk.windows.iter().map(|window| window.relu), WINDOWS);
    let pooled = grid(walk.pooled.iter().copied(), 2);
    let bias = format!("{:>2}", short(of("conv/bias").first().copied().unwrap_or(f64::NAN)));
    let blocks = [(pixels, 0), (filter, 1), (vec![bias], 2), (sums, 1), (map, 1), (pooled, 2)];
    let signs = ["", " *", " +", " =", "→", "→"];
    let mut lines: Vec<String> = (0..SIDE)
        .map(|line| {
            let part = |((block, down), sign): (&(Vec<String>, usize), &&str)| {
                let wide = block.iter().map(|row| row.chars().count()).max().unwrap_or(0);
                let row = line.checked_sub(*down).and_then(|at| block.get(at));
                let sign = if line == 2 { sign } else { "" };
                let row = row.map_or("", String::as_str);
                format!("{sign:<2}  {row:<wide$}", sign = sign.trim_start())
            };
            let line: String = blocks.iter().zip(&signs).map(part).collect::<Vec<_>>().join(" ");
            line.trim_end().to_owned()
        })
        .collect();
    let weighed = |inputs: &[f64], weights: &[f64]| -> String {
        let terms = inputs.iter().zip(weights);
        terms.map(|(x, w)| format!("{} · {}", short(*w), short(*x))).collect::<Vec<_>>().join(" + ")
    };
    let bias = |path: &str, at: usize| {
        let bias = of(path).get(at).copied().unwrap_or(f64::NAN);
        let sign = if bias < 0.0 { "−" } else { "+" };
        format!("{sign} {}", short(bias.abs()))
    };
    let (hidden, out) = (fixed(walk.hidden, 4), of("fc2/weight"));
    let to_hidden = weighed(&walk.pooled, &of("fc1/weight"));
    lines.push(String::new());
    lines.push(format!("h = relu({to_hidden} {}) = {hidden}", bias("fc1/bias", 0)));
    for (at, (letter, score)) in [("O", walk.o), ("X", walk.x)].into_iter().enumerate() {
        let weight = short(out.get(at).copied().unwrap_or(f64::NAN));
        let (bias, score) = (bias("fc2/bias", at), fixed(score, 2));
        lines.push(format!("{letter} = {weight} · {hidden} {bias} = {score}"));
    }
    Board { title: title(name), lines }
}

/// Some of an image's windows, product by product.
fn windows<'a>(shown: impl Iterator<Item = &'a Window>, name: &str) -> Board {
    let line = |window: &Window| {
        let (row, column) = (window.row, window.column);
        let products: Vec<String> = window.products.iter().map(|x| short(*x)).collect();
        let (sum, bias) = (short(window.sum), window.with_bias - window.sum);
        let bias = format!("{} {}", if bias < 0.0 { "−" } else { "+" }, short(bias.abs()));
        let (with_bias, relu) = (short(window.with_bias), short(window.relu));
        let products = products.join(" + ");
        format!(
            "[{row}, {column}]  {products} = {sum};  {sum} {bias} = {with_bias};  relu → {relu}"
        )
    };
    let lines: Vec<String> = shown.map(line).collect();
    let name = title(name);
    let (english, korean) = (name.english, name.korean);
    let title = match lines.len() {
        1 => Text {
            english: format!("one window of {english} (all with --full): pixel × weight"),
            korean: format!("{korean}의 창 하나 (전부 보려면 --full): 픽셀 × 가중치"),
        },
        _ => Text {
            english: format!("every window of {english}: pixel × weight"),
            korean: format!("{korean}의 모든 창: 픽셀 × 가중치"),
        },
    };
    Board { title, lines }
}

fn scores(found: &Found) -> Table {
    let group = |pooling: Text, walks: &[Named]| -> Vec<Vec<Text>> {
        let row = |named: &Named| {
            let walk = &named.walk;
            let (name, letter) = (title(named.name), walk.letter());
            let cells = [fixed(walk.o, 2), fixed(walk.x, 2), letter.to_string()];
            [name, pooling.clone()].into_iter().chain(cells.map(Text::same)).collect()
        };
        walks.iter().map(row).collect()
    };
    let rows = [
        group(text!("max", "최대"), &found.max_pool),
        group(text!("mean, same weights", "평균, 같은 가중치"), &found.mean_pool),
        group(text!("mean, its own weights", "평균, 자기 가중치"), &found.mean_pool_learned),
    ];
    Table {
        title: text!("what the network says", "신경망의 답"),
        columns: vec![
            text!("image", "이미지"),
            text!("pooling", "풀링"),
            Text::same("O"),
            Text::same("X"),
            text!("read as", "읽은 글자"),
        ],
        rows: rows.concat(),
    }
}
