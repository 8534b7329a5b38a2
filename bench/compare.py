#!/usr/bin/env python3
"""Glassbox beside other libraries on the same work, in turn on the same cores.

    python3 bench/compare.py PEERS --glassbox target/release/glassbox --only 'mlp|lenet' --rounds 2

PEERS is the script that defines the workloads for the other libraries; `glassbox bench` and it print
the same JSON line. Each round runs every side once, one after the other; medians over rounds count.
Every line goes to --lines as it comes, so that a run that was cut off goes on where it stopped; the
table of all of them is printed at the end as markdown.

The lock that PEERS takes while it times ($BENCH_LOCK) is taken for Glassbox, too, so that several
comparisons on one machine do not measure each other.
"""
import argparse
import datetime
import fcntl
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile

# What each variant adds to `python PEERS NAME`. Not every workload has every one.
VARIANTS = {
    "torch": "--backend torch",
    "torch, tuned": "--backend torch --tuned",
    "torch, tuned, channels last": "--backend torch --tuned --channels-last",
    "torch, tuned, fast MKL": "--backend torch --tuned --mkl-fast",
    "torch, tuned, fast MKL, channels last": "--backend torch --tuned --mkl-fast --channels-last",
    "torch-compile, tuned": "--backend torch-compile --tuned",
    "torch-compile, tuned, channels last": "--backend torch-compile --tuned --channels-last",
    "torch-compile, tuned, fast MKL": "--backend torch-compile --tuned --mkl-fast",
    "torch-compile, tuned, fast MKL, channels last":
        "--backend torch-compile --tuned --mkl-fast --channels-last",
    "torch-compile, tuned, freezing": "--backend torch-compile --tuned --freezing",
    "numpy": "--backend numpy",
    "jax": "--backend jax",
}
# Rust's other libraries, by the program of bench/rust.
RUST = ["candle", "burn"]
IMAGES = re.compile("lenet|resnet|xception|conv-vae|dcgan")
JAX = re.compile("^(mlp|mlp-wide|lenet|gpt|ae|vae|gemm-.*|fused-chain)$")
OURS = "glassbox"


def output(words):
    run = subprocess.run(words, capture_output=True, text=True)
    return run.stdout if run.returncode == 0 else ""


def line(words):
    """The JSON line that a program prints last, or what went wrong."""
    run = subprocess.run(words, capture_output=True, text=True)
    found = [text for text in run.stdout.splitlines() if text.startswith("{")]
    if run.returncode == 0 and found:
        return json.loads(found[-1])
    return {"error": (run.stderr.strip().splitlines() or ["nothing was printed"])[-1]}


def locked(words):
    path = os.environ.get("BENCH_LOCK") or os.path.join(tempfile.gettempdir(), "bench.lock")
    with open(path, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return line(words)


def exists(name, variant):
    """Whether the comparison's page has this variant of the workload."""
    if variant in RUST:
        return name in ("mlp", "lenet", "gpt")
    if variant == "jax":
        return bool(JAX.match(name))
    if variant == "numpy":
        return name.startswith("gemm") or name == "membw-out"
    plain = re.match("gemm|membw|startup", name)
    if variant == "torch":
        return True
    if plain or ("freezing" in variant) != (name == "resnet18-infer-b1" and "freezing" in variant):
        return False
    return "channels last" not in variant or bool(IMAGES.search(name))


def machine():
    """What it ran on, in one line."""
    text = output(["lscpu"])
    model = re.search(r"Model name:\s*(.*)", text)
    widest = next((isa for isa in ("avx512f", "avx2", "asimd") if isa in text), "")
    memory = re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())
    gib = int(memory.group(1)) / 2**20
    cores = len(os.sched_getaffinity(0))
    return (f"{model.group(1) if model else platform.machine()}, {cores} cores, {widest}, "
            f"{gib:.0f} GiB, {platform.system()} {platform.release()}")


def shown(value, unit):
    if value is None:
        return "–"
    if unit in ("ms", "s") or value < 1000:
        return f"{value:.3g}"
    return f"{value / 1000:.3g} k" if value < 1e6 else f"{value / 1e6:.3g} M"


def table(rows, best_runs, rounds, commands):
    """Markdown of all lines, worst ratio first: by workload and side the median over rounds, or the
    best run of all."""
    names, sides = [], [OURS]
    of = {}
    for row in rows:
        key = (row["name"], row["side"])
        names += [row["name"]] if row["name"] not in names else []
        sides += [row["side"]] if row["side"] not in sides else []
        of.setdefault(key, []).append(row["line"])
    lines = []
    for name in names:
        figure, unit = {}, ""
        for side in sides:
            good = [found for found in of.get((name, side), []) if "median" in found]
            if good:
                unit = good[0]["unit"]
                figure[side] = (
                    statistics.median(found["median"] for found in good) if not best_runs else
                    min(found["min"] for found in good) if unit in ("ms", "s") else
                    max(found["max"] for found in good))
        peers = {side: value for side, value in figure.items() if side != OURS}
        less = unit in ("ms", "s")
        best = (min if less else max)(peers, key=peers.get) if peers else None
        ours, ratio = figure.get(OURS), None
        if best and ours:
            ratio = peers[best] / ours if less else ours / peers[best]
        found = [entry for side in sides for entry in of.get((name, side), [])]
        memory = {side: max((e.get("peak_rss_mb") or 0 for e in of.get((name, side), [])), default=0)
                  for side in (OURS, best)}
        flops = next((e["flops_per_step"] for side in sides[1:] for e in of.get((name, side), [])
                      if e.get("flops_per_step") and e.get("items_per_step")), None)
        items = next((e["items_per_step"] for e in found if e.get("items_per_step")), None)
        speed = flops * ours / items / 1e9 if flops and ours and unit.endswith("/s") else None
        others = max((e.get("other_cpu") or 0 for e in found), default=0)
        cells = [f"{name}, {unit}", *(shown(figure.get(side), unit) for side in sides),
                 f"{ratio:.2f}×" if ratio else "–", best or "–", f"{speed:.0f}" if speed else "–",
                 f"{memory[OURS]:.0f} / {memory[best]:.0f}" if best else "–", f"{others:.1f}"]
        lines.append((ratio if ratio is not None else float("inf"), cells))
    heads = ["workload", *sides, "ours against the fastest", "fastest", "ours, GFLOP/s",
             "peak MB, ours / fastest", "others' cores"]
    print("| " + " | ".join(heads) + " |")
    print("|---" + "|--:" * (len(heads) - 1) + "|")
    for _, cells in sorted(lines, key=lambda entry: entry[0]):
        print("| " + " | ".join(cells) + " |")
    versions = {}
    for row in rows:
        found = row["line"]
        versions |= {key[:-8]: value for key, value in found.items() if key.endswith("_version")}
    failed = {(row["name"], row["side"], row["line"]["error"]) for row in rows if "error" in row["line"]}
    print()
    print(f"{machine()}; {datetime.date.today()}; " +
          ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ". "
          f"{'The best' if best_runs else 'Medians'} of {rounds} rounds of 7 runs each. GFLOP/s count the operations of the definition. "
          "Others' cores: what other processes used meanwhile, at worst.")
    print("\n".join(["", *(f"    {command}" for command in commands)]))
    for name, side, error in sorted(failed):
        print(f"\nfailed: {name}, {side}: {error}")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("peers", metavar="PEERS", help="the peers' script")
    ap.add_argument("--glassbox", default="target/release/glassbox", help="the program")
    ap.add_argument("--rust", default="bench/rust/target/release/peers",
                    help="the program of bench/rust, for the sides candle and burn")
    ap.add_argument("--python", default=sys.executable, help="the Python that has the peers")
    ap.add_argument("--only", default="", help="workloads: a regular expression for whole names")
    ap.add_argument("--variants", default="torch;torch, tuned",
                    help="sides beside ours, by ';', or 'all': " + "; ".join([*VARIANTS, *RUST]))
    ap.add_argument("--best", action="store_true",
                    help="the best run instead of the median, for a machine that is never quiet")
    ap.add_argument("--rounds", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=3.0)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--patience", type=float, default=0.0,
                    help="seconds that PEERS waits for a quiet machine")
    ap.add_argument("--lines", default="compare.jsonl", help="the file of every line")
    a = ap.parse_args()
    every = [*VARIANTS, *RUST]
    wanted = every if a.variants == "all" else [v.strip() for v in a.variants.split(";")]
    unknown = [variant for variant in wanted if variant not in every]
    if unknown:
        ap.error(f"no variant {unknown}; there are: {'; '.join(every)}")
    listed = json.loads(output([a.glassbox, "bench", "--list", "--json"]) or '{"workloads": []}')
    names = [entry["name"] for entry in listed["workloads"]]
    if not names:
        ap.error(f"{a.glassbox} does not list workloads: build it, or name it by --glassbox")
    if a.only:
        names = [name for name in names if re.fullmatch(a.only, name)]

    rows = []
    if os.path.exists(a.lines):
        with open(a.lines) as file:
            rows = [json.loads(text) for text in file if text.strip()]
    done = {(row["name"], row["side"], row["round"]) for row in rows if "error" not in row["line"]}
    rows = [row for row in rows if "error" not in row["line"]]
    settings = ["--seconds", str(a.seconds), "--threads", str(a.threads)]
    for name in names:
        for number in range(a.rounds):
            for side in [OURS, *wanted]:
                if (name, side, number) in done or (side != OURS and not exists(name, side)):
                    continue
                if side == OURS:
                    found = locked([a.glassbox, "bench", name, *settings])
                elif side in RUST:
                    found = locked([a.rust, side, name, *settings])
                else:
                    found = line([a.python, a.peers, name, *VARIANTS[side].split(), *settings,
                                  "--patience", str(a.patience)])
                row = {"name": name, "side": side, "round": number, "line": found}
                rows.append(row)
                with open(a.lines, "a") as file:
                    file.write(json.dumps(row) + "\n")
                print(f"{name}, {side}, round {number + 1}: "
                      f"{found.get('median', found.get('error'))} {found.get('unit', '')}",
                      file=sys.stderr, flush=True)
    script = os.path.basename(a.peers)
    commands = [f"glassbox bench NAME {' '.join(settings)}",
                *(f"peers {side} NAME {' '.join(settings)}" if side in RUST else
                  f"python {script} NAME {VARIANTS[side]} {' '.join(settings)}" for side in wanted)]
    table(rows, a.best, a.rounds, commands)


if __name__ == "__main__":
    main()
