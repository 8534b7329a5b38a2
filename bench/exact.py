#!/usr/bin/env python3
"""Adds to recorded starts what the first steps are in float64.

    python3 peers.py NAME --export-start DIR        # the peers' script: DIR/NAME
    python3 bench/exact.py PEERS DIR NAME           # DIR/NAME/exact.json
    glassbox bench NAME --start DIR

PyTorch's own float32 may be far from the truth: gradients that cancel (batch normalisation), and norms
of millions of numbers, which it sums in float32. With `exact.json` beside the recorded trajectory
`glassbox bench --start` compares with the truth, and tells how far PyTorch's float32 is from it;
with `--f64` it computes in float64, too, and compares all losses.
"""
import argparse
import importlib.util
import itertools
import json
import os


def load(path):
    spec = importlib.util.spec_from_file_location("peers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exact(peers, folder, name, most):
    import torch
    from safetensors.torch import load_file

    def read(file):
        values = load_file(os.path.join(folder, file))
        return {key: v.double() if v.is_floating_point() else v for key, v in values.items()}

    setup = peers.BUILDERS[name](torch)
    setup.model.load_state_dict(read("start.safetensors"))
    setup.model.double().train()
    arrays = read("batches.safetensors")
    count = 1 + max(int(key.split(".")[0]) for key in arrays)
    width = len(arrays) // count
    batches = [[arrays[f"{i}.{j}"] for j in range(width)] for i in range(count)]
    drawn = torch.randn_like
    if os.path.exists(os.path.join(folder, "noise.safetensors")):
        noise = read("noise.safetensors")
        numbers = itertools.count()
        torch.randn_like = lambda *a, **kw: noise[str(next(numbers))]
    with open(os.path.join(folder, "trajectory.json")) as file:
        steps = min(len(json.load(file)["losses"]), most)
    optimizer, losses, gradients = setup.opt(setup.model.parameters()), [], {}
    for step in range(steps):
        optimizer.zero_grad()
        loss = setup.loss(setup.model, *batches[step % count])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {key: {"norm": p.grad.norm().item(), "first": p.grad.flatten()[:8].tolist()}
                         for key, p in setup.model.named_parameters() if p.grad is not None}
        optimizer.step()
    torch.randn_like = drawn
    with open(os.path.join(folder, "exact.json"), "w") as file:
        json.dump({"workload": name, "losses": losses, "gradients": gradients}, file, indent=1)
    print(f"{name}: {losses[0]:.9g} to {losses[-1]:.9g}")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("peers", metavar="PEERS", help="the peers' script")
    ap.add_argument("folder", metavar="DIR", help="where its --export-start wrote")
    ap.add_argument("names", metavar="NAME", nargs="*", help="workloads; all in DIR where absent")
    ap.add_argument("--steps", type=int, default=10, help="how many, if the start has as many")
    a = ap.parse_args()
    peers = load(a.peers)
    for name in a.names or sorted(os.listdir(a.folder)):
        exact(peers, os.path.join(a.folder, name), name, a.steps)


if __name__ == "__main__":
    main()
