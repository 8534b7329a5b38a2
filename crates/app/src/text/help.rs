//! The texts of `--help`.

use glassbox::data::{Augment, Label};
use glassbox::nn::{Activation, Optimizer, Schedule};
use glassbox::train::config::Loss;

use super::Lang;

mod examples;

pub use examples::EXAMPLES;

/// Key (`verb`, `verb.argument`, or `.argument` for that argument wherever it has no text of its
/// own), English, Korean. `{words}` stands for what the argument takes (see [`words`]).
pub const HELP: &[(&str, &str, &str)] = &[
    ("", "A deep-learning system you can see through.", "속이 보이는 딥러닝 시스템."),
    (
        ".json",
        "Print one JSON object on standard output",
        "표준 출력에 JSON 객체 하나를 출력합니다",
    ),
    (".quiet", "Print results and errors only", "결과와 오류만 출력합니다"),
    (".lang", "Language: en or ko", "언어: en 또는 ko"),
    (".help", "Print help", "도움말을 출력합니다"),
    (".version", "Print the version", "버전을 출력합니다"),
    (".run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
    (
        ".what",
        "A built-in data set, a file or folder of data, or a run.toml",
        "내장 데이터 이름, 데이터 파일이나 폴더, 또는 run.toml",
    ),
    (".target", "The column to predict", "예측할 열"),
    (".drop", "Columns to leave out, e.g. id,name", "빼고 읽을 열. 예: id,name"),
    (
        ".time",
        "The column (or columns) that tell the time: rows are read as a series",
        "시각을 담은 열(여럿이면 쉼표로 구분). 행을 시계열로 읽습니다",
    ),
    (".horizon", "Steps ahead to forecast", "앞으로 몇 스텝을 예측할지"),
    (
        ".window",
        "Rows of a window, from which a forecast or a class is told; of word2vec, words on each side",
        "예측이나 분류에 쓰는 구간(윈도)의 행 수. word2vec에서는 양쪽으로 보는 낱말 수",
    ),
    (
        ".group",
        "The column that tells several series apart, e.g. person",
        "여러 시계열을 구분하는 열. 예: person",
    ),
    (".label", "The class of a window: {words}", "구간(윈도)의 부류를 정하는 방법: {words}"),
    (
        ".text",
        "The column of texts: each row is a document; beside a --target, what has that class, or becomes that text; of lists, the words whose tags are told",
        "글이 담긴 열. 행마다 글 하나입니다. --target이 있으면 그 부류의 글, 또는 그 글로 바뀔 글. 목록이면 태그를 맞힐 낱말들",
    ),
    (
        ".strict",
        "Stop at images that cannot be read instead of leaving them out",
        "읽을 수 없는 이미지를 빼지 않고 오류로 처리합니다",
    ),
    (".model", "The kind of model; see `glassbox models`", "모형의 종류. 참고: `glassbox models`"),
    (".hidden", "Units of each hidden layer, e.g. 32,16", "은닉층마다의 유닛 수. 예: 32,16"),
    (".activation", "The hidden units' activation: {words}", "은닉 유닛의 활성화 함수: {words}"),
    (".epochs", "Passes over the training part", "훈련 데이터를 도는 횟수"),
    (".batch", "Rows a step, or all", "한 스텝의 행 수, 또는 all"),
    (".optimizer", "How parameters move: {words}", "매개변수를 옮기는 방법: {words}"),
    (".lr", "The learning rate", "학습률"),
    (".schedule", "How the learning rate changes: {words}", "학습률의 변화: {words}"),
    (
        ".augment",
        "How training images are changed, in this order, or none: {words}",
        "훈련 이미지를 바꾸는 방법(적은 순서대로), 또는 none: {words}",
    ),
    (".loss", "What is made small: {words}", "줄일 손실: {words}"),
    (
        ".weights",
        "Start with the weights of a file of safetensors (PyTorch's names), a run, or a published folder",
        "safetensors 파일(PyTorch 이름), 다른 실행, 공개된 모형 폴더의 가중치로 시작합니다",
    ),
    (
        ".freeze",
        "Parameters that do not learn, e.g. 'layer1/*'; body: all but the last layer",
        "학습하지 않을 매개변수. 예: 'layer1/*'. body: 마지막 층을 뺀 전부",
    ),
    (".seed", "What all randomness follows from", "모든 난수의 출발점(시드)"),
    (
        ".threads",
        "Threads; the numbers do not depend on it",
        "스레드 수. 결과 수치에는 영향이 없습니다",
    ),
    (
        ".set",
        "Set a value of the configuration, e.g. optimizer.lr=0.03; may be repeated",
        "설정값을 정합니다. 예: optimizer.lr=0.03 (여러 번 쓸 수 있음)",
    ),
    ("train", "Train a model on your data.", "데이터로 모형을 훈련합니다."),
    ("train.out", "The run folder to make", "만들 실행 폴더"),
    (
        "train.folds",
        "Cross-validate: train N times, each time with another part of the table held out",
        "교차 검증: 표를 N등분해 매번 다른 부분을 떼어 두고 N번 훈련합니다",
    ),
    (
        "export",
        "Write a run's weights to a file that others load (safetensors with PyTorch's names, word vectors as word2vec has them), or to a folder that Hugging Face's transformers loads.",
        "실행의 가중치를 다른 프로그램이 읽는 파일(PyTorch 이름의 safetensors, 낱말 벡터는 word2vec 형식)이나 Hugging Face transformers가 읽는 폴더로 씁니다.",
    ),
    (
        "export.format",
        "The format: safetensors; huggingface, a folder, of a run that began with one; word2vec, of word vectors",
        "형식: safetensors. huggingface(폴더)는 그런 폴더로 시작한 실행, word2vec은 낱말 벡터만 됩니다",
    ),
    (
        "export.out_file",
        "The file or folder to write [weights.safetensors, vectors.txt, model]; word vectors are binary where it ends in .bin",
        "쓸 파일이나 폴더 [weights.safetensors, vectors.txt, model]. 낱말 벡터는 이름이 .bin으로 끝나면 이진 형식",
    ),
    (
        "generate.run",
        "A run's folder or name, `last`, or the folder of a published GPT-2",
        "실행 폴더나 이름, `last`, 또는 공개된 GPT-2의 폴더",
    ),
    (
        "predict.run",
        "A run's folder or name, `last`, or the folder of a published BERT",
        "실행 폴더나 이름, `last`, 또는 공개된 BERT의 폴더",
    ),
    (
        "summary.run",
        "A run's folder or name, `last`, or the folder of a published model",
        "실행 폴더나 이름, `last`, 또는 공개된 모형의 폴더",
    ),
    (
        "generate",
        "Let a language model go on writing, token by token.",
        "언어 모형이 토큰을 하나씩 이어서 쓰게 합니다.",
    ),
    ("generate.prompt", "What it goes on from", "이어서 쓸 글의 시작"),
    ("generate.tokens", "How many tokens to write at most", "쓸 토큰의 최대 개수"),
    (
        "generate.count",
        "How many texts to write, each from the next seed; of images and tables, how many rows",
        "쓸 글의 수. 글마다 다음 시드를 씁니다. 이미지나 표이면 만들 행의 개수",
    ),
    (
        "generate.temperature",
        "How daring: 0 takes the most probable token, 1 draws as the model says",
        "과감함: 0은 가장 그럴듯한 토큰, 1은 모형의 확률 그대로",
    ),
    (
        "generate.top_k",
        "Draw from so many of the most probable alone",
        "가장 그럴듯한 몇 개에서만 뽑습니다",
    ),
    (
        "generate.top_p",
        "Draw from the most probable that together have this probability",
        "확률을 더해 이만큼이 되는 상위 토큰에서만 뽑습니다",
    ),
    (
        "generate.repetition_penalty",
        "Above 1: tokens that are there already become less probable",
        "1보다 크면 이미 나온 토큰의 확률을 낮춥니다",
    ),
    (
        "generate.no_cache",
        "Read the whole text again for every token: the same text, only slower",
        "토큰마다 글 전체를 다시 읽습니다: 같은 글, 느릴 뿐",
    ),
    (
        "generate.classifier",
        "Of images and tables: which classes another run takes the rows for, and how like the data they are",
        "이미지나 표: 다른 실행의 분류기가 만든 행을 어느 부류로 보는지, 데이터와 얼마나 닮았는지",
    ),
    (
        "generate.class",
        "Of a model that is told of classes: the class of the new rows",
        "부류를 함께 배운 모형: 새 행의 부류",
    ),
    (
        ".out_file",
        "The file to write (.png for a picture, .csv for a table)",
        "쓸 파일 (.png는 그림, .csv는 표)",
    ),
    (
        "encode",
        "Write the codes of rows: the few numbers that a model squeezes each through.",
        "행의 코드를 씁니다: 모형이 각 행을 줄여 담은 몇 개의 수.",
    ),
    (
        ".files",
        "Rows: a table, IDX images, or images, folders and archives; the run's own where absent",
        "행: 표, IDX 이미지, 이미지 파일·폴더·압축. 없으면 실행의 데이터",
    ),
    ("decode", "Make rows from codes.", "코드에서 행을 만듭니다."),
    (
        "decode.codes",
        "A table with columns z1, z2 … as `encode` writes it",
        "`encode`가 쓴 것 같은 z1, z2 … 열의 표",
    ),
    (
        "interpolate",
        "Go from one row to another by their codes.",
        "코드를 따라 한 행에서 다른 행으로 갑니다.",
    ),
    (
        "interpolate.from",
        "A row of the run's data by its number in the source, or a file",
        "실행 데이터의 행 번호(원본 기준) 또는 파일",
    ),
    ("interpolate.to", "Where it ends, in the same way", "끝 행, 같은 방식으로"),
    ("interpolate.steps", "Rows on the way", "사이의 행 수"),
    (
        "restore",
        "Damage rows by noise or by hiding a part, and let the model repair them.",
        "행을 잡음이나 가림으로 망가뜨리고 모형이 되살리게 합니다.",
    ),
    ("restore.noise", "Add normal noise of this deviation", "이 표준편차의 정규 잡음을 더합니다"),
    (
        "restore.hide",
        "Hide left, right, top, bottom, or a share such as 0.5 [bottom]",
        "left, right, top, bottom, 또는 0.5 같은 비율을 가립니다 [bottom]",
    ),
    ("restore.count", "How many rows", "행의 개수"),
    (
        "anomaly",
        "Tell which rows are odd: those that the model makes worse than usual ones.",
        "이상한 행을 찾습니다: 모형이 평소보다 되살리지 못하는 행.",
    ),
    (
        "anomaly.share",
        "The share of usual rows that may lie above the threshold",
        "문턱을 넘어도 되는 정상 행의 비율",
    ),
    (
        ".without",
        "Of models that learn the rows themselves: classes to leave out of the training",
        "행 자체를 배우는 모형: 훈련에서 뺄 부류",
    ),
    (
        "neighbours",
        "Show the words nearest to a word, by a run of word2vec or a file of vectors.",
        "word2vec 실행이나 벡터 파일에서 한 낱말에 가장 가까운 낱말들을 보여 줍니다.",
    ),
    (
        ".vectors",
        "A run's folder or name, `last`, or a file of vectors",
        "실행 폴더나 이름, `last`, 또는 벡터 파일",
    ),
    (".words", "Words", "낱말들"),
    (".count", "How many words to show", "보여 줄 낱말 수"),
    (
        "analogy",
        "Say what is to one word as another is to a third: king - man + woman.",
        "유추: king - man + woman처럼 낱말 벡터를 더하고 뺍니다.",
    ),
    ("analogy.words", "Words, with + or - between them", "낱말들. 사이에 +나 -"),
    (
        "analogy.questions",
        "Answer the questions of a file in place of words: four words a line, `: name` before a section",
        "낱말 대신 파일의 물음에 답합니다: 한 줄에 낱말 넷, 묶음 앞에 `: 이름`",
    ),
    (
        "data",
        "Show what a table or a folder of images holds: columns, gaps, classes, likely leaks.",
        "표나 이미지 폴더에 담긴 것을 보여 줍니다: 열, 빈 값, 부류, 새는 정보.",
    ),
    (
        "data.set",
        "Say what was inferred wrongly, e.g. data.columns={zip=\"category\"}; may be repeated",
        "잘못 추론한 것을 바로잡습니다. 예: data.columns={zip=\"category\"} (여러 번 쓸 수 있음)",
    ),
    (
        "data.sheet",
        "Draw training images as the network sees them, epoch by epoch (PNG)",
        "신경망이 에포크마다 보는 훈련 이미지를 그림(PNG)으로 저장합니다",
    ),
    ("data.epochs", "With --sheet: how many epochs [6]", "--sheet와 함께: 보여 줄 에포크 수 [6]"),
    (
        "init",
        "Write the complete run.toml that `train` would use.",
        "`train`이 쓸 설정 전부를 run.toml로 씁니다.",
    ),
    ("init.out", "The file to write [run.toml]", "쓸 파일 [run.toml]"),
    ("init.force", "Replace a file that is there", "이미 있는 파일을 바꿉니다"),
    ("resume", "Go on with an interrupted run, to the same bits.", "멈춘 실행을 이어서 합니다."),
    (
        "eval",
        "Measure a run on its test part, or on new rows.",
        "실행의 모형을 시험 데이터나 새 행으로 평가합니다.",
    ),
    (
        "eval.file",
        "A table of new rows that has the target's column too, or sentences of words with tags",
        "예측할 열도 들어 있는 새 행의 표, 또는 낱말마다 태그가 있는 문장",
    ),
    ("eval.split", "The part: train, valid or test", "데이터의 부분: train, valid, test"),
    (
        "eval.positive",
        "Of two classes the one that is looked for; the rarer one where absent",
        "두 부류 가운데 찾으려는 것. 없으면 드문 쪽",
    ),
    (
        "eval.importance",
        "Show how much the figure drops where each column is shuffled",
        "열마다 값을 뒤섞었을 때 지표가 얼마나 나빠지는지 보여 줍니다",
    ),
    (
        "predict",
        "Predict images, or the rows of a file; translate texts; tell what is hidden in them, or the tags of words.",
        "이미지나 파일의 각 행을 예측하고, 글을 번역하고, 글의 가려진 곳이나 낱말의 태그를 알아맞힙니다.",
    ),
    (
        "predict.files",
        "Images, folders or archives of images, or one file with rows; of a model of text, texts ([MASK] hides a token), or files with a text a line",
        "이미지, 이미지 폴더나 압축 파일, 또는 행이 들어 있는 파일 하나. 글의 모형이면 글([MASK]는 가린 토큰), 또는 한 줄에 글 하나씩인 파일",
    ),
    (
        "predict.top",
        "How many classes or candidates to tell; 5 of hidden tokens, 3 of images, 1 of rows where absent",
        "보여 줄 부류나 후보의 수. 없으면 가려진 토큰은 5, 이미지는 3, 행은 1",
    ),
    (
        "predict.out_file",
        "Where the predictions go; standard output where absent",
        "예측을 쓸 파일. 없으면 표준 출력",
    ),
    (
        "summary",
        "Show a run's layers, shapes, parameters and state.",
        "실행의 층, 모양, 매개변수, 상태를 보여 줍니다.",
    ),
    (
        "explain",
        "Show the chain rule for one number, term by term, and check it.",
        "숫자 하나에 대한 연쇄 법칙을 항별로 보여 주고 검산합니다.",
    ),
    (
        "explain.param",
        "A parameter, e.g. fc2/bias[3]; without indices the whole tensor",
        "매개변수. 예: fc2/bias[3]. 위치가 없으면 텐서 전체",
    ),
    (
        "explain.activation",
        "An activation, e.g. fc1/relu[0]; without indices the whole tensor",
        "활성값. 예: fc1/relu[0]. 위치가 없으면 텐서 전체",
    ),
    (
        "explain.input",
        "An input by its column, e.g. petal_width, or its indices, e.g. 12,5; `all` for all of them",
        "입력. 열 이름(예: petal_width)이나 위치(예: 12,5). 전체는 all",
    ),
    (
        "explain.prediction",
        "The inputs' shares of the prediction for a row",
        "한 행의 예측에 입력마다 기여한 몫",
    ),
    (
        "explain.from",
        "Differentiate this number instead of the loss, e.g. prediction[2]",
        "손실 대신 미분할 수. 예: prediction[2]",
    ),
    (
        "explain.why",
        "Why the parameter moves in the step, by the optimiser's terms and by rows",
        "매개변수가 그 스텝에 움직인 까닭. 최적화 항별, 행별",
    ),
    (
        "explain.row",
        "One row, from 0, of the batch (with --prediction of the part or file); the whole batch where absent",
        "배치의 행 하나, 0부터 (--prediction이면 부분이나 파일의 행). 없으면 배치 전체",
    ),
    (
        "explain.source_row",
        "One row by its number in the data, from 1",
        "데이터의 행 번호로 고른 행 하나, 1부터",
    ),
    (
        "explain.step",
        "The step, replayed; the one after the last checkpoint where absent",
        "다시 재현할 스텝. 없으면 마지막 저장 지점의 다음 스텝",
    ),
    ("explain.epoch", "The first step of this epoch, from 1", "그 에포크의 첫 스텝, 1부터"),
    (
        "explain.class",
        "The class whose probability is explained, or which of several targets; the predicted class or the first target where absent",
        "확률을 설명할 클래스, 또는 여러 목표 가운데 하나. 없으면 예측한 클래스나 첫 목표",
    ),
    (
        "explain.part",
        "The part that --row counts in: train, valid or test (the last that has rows where absent)",
        "--row로 셀 부분: train, valid, test. 없으면 행이 있는 마지막 부분",
    ),
    (
        "explain.file",
        "A file with new rows in place of the run's data",
        "실행의 데이터 대신 쓸 새 행이 담긴 파일",
    ),
    #[cfg(feature = "image")]
    (
        "see",
        "Show what a network looks at: filters, maps and mistakes of images; gates and attention of sequences.",
        "신경망이 무엇을 보는지 그림으로 보여 줍니다. 이미지는 필터, 특징 지도, 오답, 수열은 게이트와 어텐션.",
    ),
    #[cfg(feature = "image")]
    (
        "see.text",
        "A text for a model that reads text; of a model of pairs source and target with a tab between",
        "글을 읽는 모델에 줄 글. 쌍을 배운 모델에는 원문과 번역문을 탭으로 나눔",
    ),
    #[cfg(feature = "image")]
    (
        "see.images",
        "Files of images; rows of the run's data where absent",
        "이미지 파일들. 없으면 실행 데이터의 행",
    ),
    #[cfg(feature = "image")]
    (
        "see.row",
        "Rows of the part or file, from 0, e.g. 3,17; some rows and the surest mistakes where absent",
        "부분이나 파일의 행들, 0부터. 예: 3,17. 없으면 행 몇 개와 가장 확신한 오답",
    ),
    #[cfg(feature = "image")]
    (
        "see.part",
        "The part: train, valid or test (the last that has rows where absent)",
        "데이터의 부분: train, valid, test. 없으면 행이 있는 마지막 부분",
    ),
    #[cfg(feature = "image")]
    (
        "see.what",
        "What to show: filters, features, saliency, smooth, integrated, gradcam, occlusion, channels, mistakes; gates, attention, embedding of sequences; gradients",
        "보여 줄 것: filters, features, saliency, smooth, integrated, gradcam, occlusion, channels, mistakes. 수열은 gates, attention, embedding. gradients",
    ),
    #[cfg(feature = "image")]
    (
        "see.layer",
        "The layer of filters, maps and Grad-CAM, e.g. conv2 or conv2/relu; of gates or attention",
        "필터, 특징 지도, Grad-CAM을 볼 층. 예: conv2, conv2/relu. 게이트와 어텐션을 볼 층",
    ),
    #[cfg(feature = "image")]
    (
        "see.class",
        "The class whose score is explained; the predicted one where absent",
        "점수를 설명할 클래스. 없으면 예측한 클래스",
    ),
    #[cfg(feature = "image")]
    (
        "see.patch",
        "Height and width of the patch that covers the image; a sixth of it where absent",
        "이미지를 가릴 조각의 높이와 너비. 없으면 이미지의 6분의 1",
    ),
    #[cfg(feature = "image")]
    (
        "see.stride",
        "How far the patch moves; half of it where absent",
        "조각을 옮길 간격. 없으면 조각의 절반",
    ),
    #[cfg(feature = "image")]
    (
        "see.out",
        "The folder for the pictures [RUN/samples/see]",
        "그림을 둘 폴더 [RUN/samples/see]",
    ),
    (
        "inspect",
        "Show the weights, gradients and activations of each layer.",
        "층마다 가중치, 기울기, 활성값을 보여 줍니다.",
    ),
    (
        "inspect.layer",
        "A layer, parameter or activation, e.g. fc1 or *weight",
        "층이나 매개변수, 활성값. 예: fc1, *weight",
    ),
    (
        "inspect.step",
        "The step of a checkpoint; the best where absent",
        "저장 지점의 스텝. 없으면 가장 좋은 것",
    ),
    (
        "lesson",
        "Give a lesson of the syllabus, or list them.",
        "수업을 하나 하거나 목록을 보여 줍니다.",
    ),
    (
        "lesson.id",
        "The lesson, e.g. V1; all of them are listed where absent",
        "수업. 예: V1. 없으면 목록",
    ),
    (
        "lesson.data",
        "Images to learn from, in place of the built-in digits",
        "내장 숫자 이미지 대신 쓸 이미지 데이터",
    ),
    (
        "lesson.full",
        "Show everything where a lesson shows one example of many",
        "여러 예 가운데 하나만 보여 주는 곳에서 전부 보여 줍니다",
    ),
    (
        "lesson.out",
        "A folder to write the lesson's pictures to; none are written where absent",
        "수업의 그림을 쓸 폴더. 없으면 쓰지 않습니다",
    ),
    (
        "plan",
        "Show what a step of training consists of and costs, before the first.",
        "훈련 한 스텝이 무엇으로 이루어지고 비용이 얼마인지, 시작하기 전에 보여 줍니다.",
    ),
    (
        "profile",
        "Measure where the time of a run's steps goes.",
        "실행의 스텝이 어디에 시간을 쓰는지 잽니다.",
    ),
    ("profile.seconds", "How long to measure", "재는 시간(초)"),
    ("profile.threads", "Threads, in place of the run's", "실행의 설정 대신 쓸 스레드 수"),
    (
        "profile.trace",
        "Write one step as trace events, for ui.perfetto.dev or chrome://tracing",
        "한 스텝을 추적 파일로 저장. ui.perfetto.dev나 chrome://tracing에서 볼 수 있음",
    ),
    (
        "profile.flame",
        "Draw one step as a flame graph (SVG)",
        "한 스텝을 플레임 그래프(SVG)로 저장",
    ),
    (
        "compare",
        "Show runs side by side: settings, figures, curves.",
        "여러 실행의 설정, 결과, 곡선을 나란히 보여 줍니다.",
    ),
    ("compare.runs", "Runs: folders, names, or `last`", "실행들: 폴더, 이름, 또는 `last`"),
    ("runs", "List the runs in runs/.", "runs/에 있는 실행들을 보여 줍니다."),
    ("models", "List the models, or describe one.", "모형들을 보여 주거나 하나를 설명합니다."),
    ("models.name", "The model to describe", "설명할 모형"),
    ("models.on", "The data to draw it for", "모형을 그릴 데이터"),
    (
        "bench",
        "Time a fixed piece of work, the same as in other libraries.",
        "다른 라이브러리와 똑같이 정해 둔 작업의 속도를 잽니다.",
    ),
    ("bench.name", "The workload; see --list", "작업 이름. 참고: --list"),
    ("bench.list", "List the workloads", "작업들을 보여 줍니다"),
    ("bench.seconds", "Seconds to time it for", "재는 시간(초)"),
    (
        "bench.steps",
        "Take so many steps and no more; nothing is repeated",
        "이만큼의 스텝만 하고 끝냅니다. 반복해서 재지 않습니다",
    ),
    (
        "bench.start",
        "Compare the first steps with those that PyTorch recorded in this folder",
        "이 폴더에 PyTorch로 기록해 둔 첫 스텝들과 비교합니다",
    ),
    (
        "bench.f64",
        "With --start: compute in f64, where rounding plays no part, and compare with exact.json",
        "--start와 함께: 반올림의 영향이 없는 f64로 계산해 exact.json과 비교합니다",
    ),
    (
        "bench.plan",
        "Show the plan of a step instead of timing it",
        "재는 대신 한 스텝의 계획을 보여 줍니다",
    ),
    (
        "bench.profile",
        "Show how long each part of a step takes, as `glassbox profile` does for a run",
        "`glassbox profile`처럼 한 스텝의 각 부분에 걸리는 시간을 보여 줍니다",
    ),
    (
        "bench.instructions",
        "Use these instructions instead of the widest: portable, avx2 or avx512",
        "가장 넓은 명령어 대신 쓸 명령어: portable, avx2, avx512",
    ),
    (
        "bench.exact",
        "Sum convolutions term by term, as train.exact does",
        "train.exact처럼 합성곱을 항마다 더합니다",
    ),
    (
        "completions",
        "Print what makes a shell complete verbs and flags.",
        "셸의 자동 완성 스크립트를 출력합니다.",
    ),
    (
        "completions.shell",
        "bash, zsh, fish, powershell or elvish",
        "bash, zsh, fish, powershell, elvish 가운데 하나",
    ),
];

/// The verbs by what one wants to do: the heading in English and Korean, and its verbs.
pub const VERBS: &[(&str, &str, &[&str])] = &[
    ("Train", "훈련", &["data", "train", "init", "resume"]),
    ("Use", "사용", &["predict", "neighbours", "analogy", "eval", "export"]),
    (
        "Make and repair",
        "만들기와 되살리기",
        &["generate", "encode", "decode", "interpolate", "restore", "anomaly"],
    ),
    ("Learn", "배우기", &["lesson"]),
    (
        "Look inside",
        "들여다보기",
        &[
            "summary",
            "explain",
            #[cfg(feature = "image")]
            "see",
            "inspect",
            "compare",
            "plan",
            "profile",
        ],
    ),
    ("Manage", "관리", &["runs", "models", "bench", "completions"]),
];

/// The flags of verbs that have many, by subject; the others are flags as such.
pub const FLAGS: &[(&str, &str, &[&str])] = &[
    ("Data", "데이터", &["target", "text", "drop", "without", "strict"]),
    ("Series", "시계열", &["time", "horizon", "window", "group", "label"]),
    ("Model", "모형", &["model", "hidden", "activation"]),
    (
        "Training",
        "훈련 방법",
        &[
            "epochs",
            "batch",
            "optimizer",
            "lr",
            "schedule",
            "augment",
            "loss",
            "weights",
            "freeze",
            "seed",
            "threads",
        ],
    ),
];

/// The text for an argument of a verb, or for a verb where the argument is empty.
pub fn help(lang: Lang, verb: &str, argument: &str) -> Option<&'static str> {
    let keys = match argument {
        "" => [verb.to_owned(), verb.to_owned()],
        argument => [format!("{verb}.{argument}"), format!(".{argument}")],
    };
    let text = |key: &String| HELP.iter().find(|(known, _, _)| known == key);
    keys.iter().find_map(text).map(|&(_, english, korean)| in_lang(lang, english, korean))
}

/// The words that an argument takes, as the library lists them.
pub fn words(argument: &str) -> String {
    let list: Vec<&str> = match argument {
        "activation" => Activation::ALL.iter().map(|choice| choice.word()).collect(),
        "schedule" => Schedule::ALL.iter().map(|choice| choice.word()).collect(),
        "augment" => Augment::ALL.iter().map(|choice| choice.word()).collect(),
        "loss" => Loss::ALL.iter().map(|choice| choice.word()).collect(),
        "optimizer" => Optimizer::ALL.iter().map(|choice| choice.kind()).collect(),
        "label" => Label::ALL.iter().map(|choice| choice.word()).collect(),
        _ => Vec::new(),
    };
    list.join(", ")
}

/// The heading under which the flag stands in the help, where it has one of its own.
pub fn heading(lang: Lang, flag: &str) -> Option<&'static str> {
    let group = FLAGS.iter().find(|(_, _, flags)| flags.contains(&flag));
    group.map(|&(english, korean, _)| in_lang(lang, english, korean))
}

/// One of two texts.
pub fn in_lang(lang: Lang, english: &'static str, korean: &'static str) -> &'static str {
    match lang {
        Lang::English => english,
        Lang::Korean => korean,
    }
}
