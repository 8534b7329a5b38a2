//! The texts of `--help`.

use super::Lang;

/// Key (`verb`, or `verb.argument`, or `.flag` for the flags of all verbs), English, Korean.
pub const HELP: &[(&str, &str, &str)] = &[
    ("", "A deep-learning system you can see through", "속이 보이는 딥러닝 시스템"),
    (
        ".json",
        "Print one JSON object on standard output",
        "표준 출력에 JSON 객체 하나를 출력합니다",
    ),
    (".quiet", "Print results and errors only", "결과와 오류만 출력합니다"),
    (".lang", "Language: en or ko", "언어: en 또는 ko"),
    (".help", "Print help", "도움말을 출력합니다"),
    (".version", "Print the version", "버전을 출력합니다"),
    ("train", "Train a model", "모형을 훈련합니다"),
    (
        "train.what",
        "A built-in data set, a file or folder of data, or a run.toml",
        "내장 데이터 이름, 데이터 파일이나 폴더, 또는 run.toml",
    ),
    ("train.target", "The column to predict", "예측할 열"),
    ("train.model", "The kind of model", "모형의 종류"),
    ("train.hidden", "Units of each hidden layer, e.g. 32,16", "은닉층마다의 유닛 수. 예: 32,16"),
    (
        "train.activation",
        "The hidden units' activation: relu, tanh, sigmoid, softplus, identity",
        "은닉 유닛의 활성화 함수: relu, tanh, sigmoid, softplus, identity",
    ),
    ("train.epochs", "Passes over the training part", "훈련 데이터를 도는 횟수"),
    ("train.batch", "Rows a step, or all", "한 스텝의 행 수, 또는 all"),
    ("train.lr", "The learning rate", "학습률"),
    ("train.seed", "What all randomness follows from", "모든 난수의 출발점(시드)"),
    (
        "train.threads",
        "Threads; the numbers do not depend on it",
        "스레드 수. 결과 수치에는 영향이 없습니다",
    ),
    (
        "train.set",
        "Set a value of the configuration, e.g. optimizer.lr=0.03; may be repeated",
        "설정값을 정합니다. 예: optimizer.lr=0.03 (여러 번 쓸 수 있음)",
    ),
    ("train.out", "The run folder to make", "만들 실행 폴더"),
    ("resume", "Go on with an interrupted run", "멈춘 실행을 이어서 합니다"),
    ("resume.run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
    (
        "eval",
        "Measure a run on its test part, or on new rows",
        "실행의 모형을 시험 데이터나 새 행으로 평가합니다",
    ),
    ("eval.run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
    (
        "eval.file",
        "A table of new rows that has the target's column too",
        "예측할 열도 들어 있는 새 행의 표",
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
    ("predict", "Predict the rows of a file", "파일의 각 행을 예측합니다"),
    ("predict.run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
    ("predict.file", "The file with the rows", "행이 들어 있는 파일"),
    (
        "predict.out_file",
        "Where the predictions go; standard output where absent",
        "예측을 쓸 파일. 없으면 표준 출력",
    ),
    (
        "summary",
        "Show a run's layers, shapes and parameters",
        "실행의 층, 모양, 매개변수를 보여 줍니다",
    ),
    ("summary.run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
    (
        "explain",
        "Show the chain rule for one number, term by term, and check it",
        "숫자 하나에 대한 연쇄 법칙을 항별로 보여 주고 검산합니다",
    ),
    ("explain.run", "A run's folder or name, or `last`", "실행 폴더나 이름, 또는 `last`"),
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
        "The class whose probability is explained; the predicted one where absent",
        "확률을 설명할 클래스. 없으면 예측한 클래스",
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
];

/// The text for a key.
pub fn help(lang: Lang, key: &str) -> Option<&'static str> {
    HELP.iter().find(|(known, _, _)| *known == key).map(|&(_, english, korean)| match lang {
        Lang::English => english,
        Lang::Korean => korean,
    })
}
