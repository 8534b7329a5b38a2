"""Speed of convolutions in PyTorch, forward and each gradient alone: the layers of
`crates/engine/examples/convolution.rs`, best of many runs, GFLOP/s.

    python3 bench/convolution.py [name part] [threads] [seconds]
"""

import pathlib
import re
import sys
import time

import torch

wanted = sys.argv[1] if len(sys.argv) > 1 else ""
threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.2
torch.set_num_threads(threads)

example = pathlib.Path(__file__).parent.parent / "crates/engine/examples/convolution.rs"
layers = re.findall(r'\("([^"]+)", \[([\d, ]+)\]\)', example.read_text())


def best(run):
    run()
    start, least = time.perf_counter(), float("inf")
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - before)
    return least


print(f"GFLOP/s on {threads} threads, PyTorch {torch.__version__}: as it is | channels last")
for name, numbers in layers:
    if wanted not in name:
        continue
    batch, size, channels, filter, outputs, stride, padding, groups = map(int, numbers.split(","))
    row = f"{name:<12}"
    for memory in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, channels, size, size).contiguous(memory_format=memory)
        w = torch.randn(outputs, channels // groups, filter, filter).contiguous(memory_format=memory)
        with torch.no_grad():
            y = torch.nn.functional.conv2d(x, w, None, stride, padding, 1, groups)
            up = torch.randn_like(y)
            work = 2 * y.numel() * filter * filter * channels // groups

            def gradient(input, weights):
                return torch.ops.aten.convolution_backward(
                    up, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups,
                    [input, weights, False],
                )

            for run in (
                lambda: torch.nn.functional.conv2d(x, w, None, stride, padding, 1, groups),
                lambda: gradient(True, False),
                lambda: gradient(False, True),
            ):
                row += f" {work / best(run) / 1e9:>6.0f}"
        row += "  |" if memory == torch.contiguous_format else ""
    print(row, flush=True)
