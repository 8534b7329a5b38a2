#!/usr/bin/env python3
"""Recorded starts of what the peers' script does not export: `dcgan`, whose step has two losses, and
`resnet18-infer-b1`, which has none: there the first score of each of ten images counts.

    python3 bench/starts.py DIR        # DIR/dcgan, DIR/resnet18-infer-b1
    glassbox bench dcgan --start DIR

Writes the same files as the peers' `--export-start`, and `exact.json` (see bench/exact.py).
"""
import copy
import json
import os
import sys

import torch
from safetensors.torch import save_file
from torch import nn

ROWS, LATENT, STEPS, POOL = 64, 64, 10, 8


def modules():
    """The generator and the critic, named as `glassbox bench` names them."""
    up, conv = nn.ConvTranspose2d, nn.Conv2d
    generator = nn.ModuleDict({
        "up1": up(LATENT, 128, 7, bias=False), "norm1": nn.BatchNorm2d(128),
        "up2": up(128, 64, 4, 2, 1, bias=False), "norm2": nn.BatchNorm2d(64),
        "up3": up(64, 1, 4, 2, 1)})
    critic = nn.ModuleDict({
        "conv1": conv(1, 64, 4, 2, 1), "conv2": conv(64, 128, 4, 2, 1), "conv3": conv(128, 1, 7)})
    return nn.ModuleDict({"generator": generator, "critic": critic})


def generated(net, z):
    x = net["norm1"](net["up1"](z)).relu()
    x = net["norm2"](net["up2"](x)).relu()
    return net["up3"](x).tanh()


def judged(net, x):
    for name in ("conv1", "conv2"):
        x = nn.functional.leaky_relu(net[name](x), 0.2)
    return net["conv3"](x).flatten(1)


def trajectory(model, images, noise):
    """The loss of each step, and the gradients of the first."""
    bce = nn.functional.binary_cross_entropy_with_logits
    generator, critic = model["generator"], model["critic"]
    adam = lambda net: torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_generator, of_critic = adam(generator), adam(critic)
    one, zero = (torch.full((ROWS, 1), value, dtype=images[0].dtype) for value in (1.0, 0.0))
    losses, gradients = [], {}

    def keep(side, net):
        for name, p in net.named_parameters():
            first = p.grad.flatten()[:8].tolist()
            gradients[f"{side}.{name}"] = {"norm": p.grad.double().norm().item(), "first": first}

    for step in range(STEPS):
        fake = generated(generator, noise[step])
        of_critic.zero_grad()
        told = bce(judged(critic, images[step % POOL]), one) + bce(judged(critic, fake.detach()), zero)
        told.backward()
        if step == 0:
            keep("critic", critic)
        of_critic.step()
        of_generator.zero_grad()
        passed = bce(judged(critic, fake), one)
        passed.backward()
        if step == 0:
            keep("generator", generator)
        of_generator.step()
        losses.append((told + passed).item())
    return {"workload": "dcgan", "losses": losses, "gradients": gradients}


def write(folder, arrays, found):
    os.makedirs(folder, exist_ok=True)
    for file, values in arrays.items():
        save_file(values, os.path.join(folder, f"{file}.safetensors"))
    for file, told in found.items():
        with open(os.path.join(folder, f"{file}.json"), "w") as out:
            json.dump(told, out, indent=1)
        print(f"{folder}, {file}: {told['losses'][0]:.9g} to {told['losses'][-1]:.9g}")


def dcgan(folder):
    torch.manual_seed(0)
    model = modules()
    images = [torch.rand(ROWS, 1, 28, 28) * 2 - 1 for _ in range(POOL)]
    noise = [torch.randn(ROWS, LATENT, 1, 1) for _ in range(STEPS)]
    arrays = {"start": {name: value.clone() for name, value in model.state_dict().items()},
              "batches": {f"{i}.0": value for i, value in enumerate(images)},
              "noise": {str(i): value for i, value in enumerate(noise)}}
    double = copy.deepcopy(model).double(), [x.double() for x in images], [z.double() for z in noise]
    found = {"trajectory": trajectory(model, images, noise), "exact": trajectory(*double)}
    write(folder, arrays, found)


def resnet18(folder):
    import torchvision
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None)
    with torch.no_grad():
        for _ in range(3):          # Running means and variances of something.
            model(torch.rand(8, 3, 224, 224))
        model.eval()
        images = [torch.rand(1, 3, 224, 224) for _ in range(STEPS)]
        arrays = {"start": {name: value.clone() for name, value in model.state_dict().items()},
                  "batches": {f"{i}.0": value for i, value in enumerate(images)}}
        scores = lambda net, images: {"workload": "resnet18-infer-b1", "gradients": {},
                                      "losses": [net(x)[0, 0].item() for x in images]}
        found = {"trajectory": scores(model, images)}
        found["exact"] = scores(model.double(), [x.double() for x in images])
    write(folder, arrays, found)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    dcgan(os.path.join(sys.argv[1], "dcgan"))
    resnet18(os.path.join(sys.argv[1], "resnet18-infer-b1"))


if __name__ == "__main__":
    main()
