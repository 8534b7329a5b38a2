"""Word vectors beside gensim's: words per second, and how well words of a held-back tenth are guessed.

    cargo build --release -p glassbox --example word2vec
    python bench/word2vec.py TEXT [--epochs 5] [--program target/release/examples/word2vec]

Both read the same file, nine tenths of the sentences in a seeded order, lower-cased; dimensions 100, window 5,
5 negatives, minimum count 5, sample 1e-3. gensim's rate is 0.025 for skip-gram and 0.05 for CBOW, its usual ones;
Glassbox takes its own usual ones. Words per second of the clock, and per second of processor time, which other work on the machine changes little (of ours with
reading the text and writing the vectors). Held out: the mean of -ln s(right) - sum ln s(-wrong) over
windows of 3, five wrong words a guess by unigram^0.75, the same for both; and how often the right word scores
higher than a wrong one. Needs numpy and gensim.
"""
import argparse
import pathlib
import random
import re
import resource
import subprocess
import tempfile
import time
from collections import Counter

import numpy as np
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence


def split(text, folder):
    parts = (re.findall(r"[^\W_]+(?:'[^\W_]+)*", part) for part in re.split(r"[.?!;:\n]", text.lower()))
    sentences = [words for words in parts if words]
    random.Random(0).shuffle(sentences)
    cut = len(sentences) * 9 // 10
    train = folder / "train.txt"
    train.write_text("".join(" ".join(words) + "\n" for words in sentences[:cut]))
    return train, sentences[:cut], sentences[cut:]


def held_out(words, inputs, outputs, counts, sentences, skip_gram):
    place = {word: at for at, word in enumerate(words)}
    chances = np.array([counts[word] for word in words], float) ** 0.75
    around, targets = [], []
    for sentence in sentences:
        ids = [place[word] for word in sentence if word in place]
        for at, word in enumerate(ids):
            near = ids[max(0, at - 3):at] + ids[at + 1:at + 4]
            rows = [[one] for one in near] if skip_gram else [near] if near else []
            around += rows
            targets += [word] * len(rows)
    rows = np.stack([inputs[ids].mean(0) for ids in around])
    wrong = np.random.default_rng(0).choice(len(words), (len(targets), 5), p=chances / chances.sum())
    right = (rows * outputs[targets]).sum(1)
    other = np.einsum("nd,nkd->nk", rows, outputs[wrong])
    loss = np.logaddexp(0, -right).mean() + np.logaddexp(0, other).sum(1).mean()
    return f"held out {loss:.4f}, right above wrong {(right[:, None] > other).mean():.4f}"


def read(path):
    lines = path.read_text().splitlines()[1:]
    rows = [line.split(" ") for line in lines]
    return [row[0] for row in rows], np.array([row[1:] for row in rows], "f4")


def processor(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("text", type=pathlib.Path)
    ap.add_argument("--epochs", type=int, default=5)
    ap.add_argument("--program", default="target/release/examples/word2vec")
    args = ap.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())
    train, seen, held = split(args.text.read_text(), folder)
    counts = Counter(word for sentence in seen for word in sentence)
    for skip_gram in (True, False):
        name = "skip-gram" if skip_gram else "CBOW"
        rate = 0.025 if skip_gram else 0.05
        for file in (True, False):
            source = {"corpus_file": str(train)} if file else {"corpus_iterable": LineSentence(str(train))}
            model = Word2Vec(vector_size=100, window=5, min_count=5, sample=1e-3, negative=5, hs=0, cbow_mean=1,
                             sg=int(skip_gram), workers=2, epochs=args.epochs, seed=1, alpha=rate)
            model.build_vocab(**source)
            words = model.corpus_total_words
            begun, before = time.perf_counter(), processor(resource.RUSAGE_SELF)
            model.train(total_words=words, total_examples=model.corpus_count, epochs=args.epochs, **source)
            speed = words * args.epochs / (time.perf_counter() - begun)
            of_core = words * args.epochs / (processor(resource.RUSAGE_SELF) - before)
            scores = held_out(model.wv.index_to_key, model.wv.vectors, model.syn1neg, counts, held, skip_gram)
            how = "file" if file else "iterator"
            print(f"{name:10} gensim, {how:8} 2 threads {speed:12,.0f} words/s {of_core:12,.0f}/core s   {scores}", flush=True)
        for threads in (1, 2):
            out = folder / f"{name}-{threads}.txt"
            line = [args.program, str(train), "--epochs", str(args.epochs), "--threads", str(threads),
                    "--out", str(out)] + ([] if skip_gram else ["--cbow"])
            before = processor(resource.RUSAGE_CHILDREN)
            said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
            of_core = words * args.epochs / (processor(resource.RUSAGE_CHILDREN) - before)
            names, inputs = read(out)
            scores = held_out(names, inputs, read(pathlib.Path(f"{out}.outputs"))[1], counts, held, skip_gram)
            speed = float(said.split()[0])
            print(f"{name:10} glassbox          {threads} threads {speed:12,.0f} words/s {of_core:12,.0f}/core s   {scores}",
                  flush=True)


if __name__ == "__main__":
    main()
