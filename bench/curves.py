#!/usr/bin/env python3
"""Records longer starts: as the peers' --export-start, with the losses of a hundred steps.

    python3 bench/curves.py PEERS DIR mlp vae       # DIR/mlp, DIR/vae
    glassbox bench mlp --start DIR
"""
import argparse

from exact import load


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("peers", metavar="PEERS", help="the peers' script")
    ap.add_argument("folder", metavar="DIR", help="where to write")
    ap.add_argument("names", metavar="NAME", nargs="*", help="workloads; all where absent")
    ap.add_argument("--steps", type=int, default=100)
    a = ap.parse_args()
    peers = load(a.peers)
    for name in a.names or sorted(peers.BUILDERS):
        peers.export_start(name, a.folder, steps=a.steps)


if __name__ == "__main__":
    main()
