"""Glassbox with nothing but defaults beside scikit-learn, on the same rows.

    python3 bench/scikit_learn.py FOLDER [glassbox]

FOLDER holds iris.csv, penguins.csv, titanic.csv, mpg.csv and housing.csv; the second argument is the
program (`glassbox` where absent). Needs numpy and scikit-learn. Each side is trained with five seeds;
the test rows are those that Glassbox kept (predictions.csv), scikit-learn learns from all others.
Prints the table of docs/benchmarks.md.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

TABLES = [
    ("iris", "species"),
    ("penguins", "species"),
    ("titanic", "survived"),
    ("mpg", "mpg"),
    ("housing", "median_house_value"),
]
CLASSES = {"iris", "penguins", "titanic"}
SEEDS = range(1, 6)
ABSENT = {"", "NA"}


def ours(program, table, target, seed):
    """Figure, seconds, test rows and dropped columns of one training with defaults."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        command = [program, "train", str(table), "--target", target, "--seed", str(seed)]
        subprocess.run([*command, "--out", run, "--quiet"], check=True, capture_output=True)
        outcome = json.loads(Path(f"{run}/outcome.json").read_text())
        columns = json.loads(Path(f"{run}/data.json").read_text())["schema"]["columns"]
        with open(f"{run}/predictions.csv") as file:
            rows = {int(row["row"]) - 1 for row in csv.DictReader(file)}
    figure = "accuracy" if table.stem in CLASSES else "rmse"
    dropped = {c["name"] for c in columns if isinstance(c["role"], dict) and "dropped" in c["role"]}
    return outcome["metrics"][figure], outcome["seconds"], rows, dropped


def prepared(table, target, dropped):
    """Numbers and categories as scikit-learn wants them, and the target."""
    with open(table) as file:
        rows = [row for row in csv.DictReader(file)]
    names = [name for name in rows[0] if name != target and name not in dropped]

    def is_number(name):
        try:
            return [float(row[name]) for row in rows if row[name] not in ABSENT] is not None
        except ValueError:
            return False

    numbers = [name for name in names if is_number(name)]
    categories = [name for name in names if name not in numbers]
    kept = [row for row in rows if row[target] not in ABSENT]
    places = [index for index, row in enumerate(rows) if row[target] not in ABSENT]
    cell = lambda text: float(text) if text not in ABSENT else np.nan
    x = [[cell(row[n]) for n in numbers] + [row[c] or "NA" for c in categories] for row in kept]
    y = np.array([row[target] for row in kept])
    if table.stem not in CLASSES:
        y = y.astype(float)
    return np.array(x, dtype=object), y, np.array(places), len(numbers)


def theirs(kind, classes, numbers, width, seed):
    """Gradient boosting or a multi-layer perceptron, with usual preparation."""
    first, last = list(range(numbers)), list(range(numbers, width))
    if kind == "boosting":
        encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        model = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        parts = [("n", "passthrough", first), ("c", encode, last)]
        return make_pipeline(ColumnTransformer(parts), model(random_state=seed))
    scale = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    parts = [("n", scale, first), ("c", OneHotEncoder(handle_unknown="ignore"), last)]
    size = (64, 32) if kind == "mlp" else (256, 256)
    if classes:
        model = MLPClassifier(hidden_layer_sizes=size, max_iter=300, random_state=seed)
    else:
        model = MLPRegressor(hidden_layer_sizes=size, max_iter=300, early_stopping=True, random_state=seed)
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return make_pipeline(ColumnTransformer(parts), model)


def told(figures, seconds, classes):
    text = (lambda x: f"{x:.3f}") if classes else (lambda x: f"{x:,.2f}" if x < 1000 else f"{x:,.0f}")
    low, high = min(figures), max(figures)
    spread = f" ({text(low)}–{text(high)})" if low < high else ""
    return f"{text(np.mean(figures))}{spread}, {np.median(seconds):.1f} s"


def main():
    warnings.filterwarnings("ignore")
    folder = Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "glassbox"
    print(f"scikit-learn {sklearn.__version__}, seeds {SEEDS.start} to {SEEDS.stop - 1}\n")
    print("| table | test rows | figure | Glassbox | gradient boosting | MLP 64-32 | MLP 256-256 |")
    print("|---|--:|---|---|---|---|---|", flush=True)
    for name, target in TABLES:
        table, classes = folder / f"{name}.csv", name in CLASSES
        runs = [ours(program, table, target, seed) for seed in SEEDS]
        rows, dropped = runs[0][2], runs[0][3]
        assert all(run[2] == rows for run in runs), "the split does not depend on the seed"
        x, y, places, numbers = prepared(table, target, dropped)
        test = np.isin(places, list(rows))
        cells = [told([run[0] for run in runs], [run[1] for run in runs], classes)]
        for kind in ("boosting", "mlp", "wide"):
            figures, seconds = [], []
            for seed in SEEDS:
                model = theirs(kind, classes, numbers, x.shape[1], seed)
                started = time.perf_counter()
                model.fit(x[~test], y[~test])
                seconds.append(time.perf_counter() - started)
                said = model.predict(x[test])
                right = np.mean(said == y[test]) if classes else np.sqrt(np.mean((said - y[test]) ** 2))
                figures.append(float(right))
            cells.append(told(figures, seconds, classes))
        figure = "accuracy" if classes else "RMSE"
        print(f"| {name} | {test.sum():,} | {figure} | {' | '.join(cells)} |", flush=True)


main()
