#!/usr/bin/env python3
"""profile.py - what a `make profile` build counted: hottest handlers, pairs and triples.

  profile.py [-n ROWS] POME FILE...      POME: the program that wrote the FILEs (POME_PROFILE=FILE pome run ...)

Each row: share of all instructions, cumulative share, names. In pairs, N and M say that the second's Rn or Rm is the
first's Rd; "=": Rd is Rn. Weights: every FILE counts the same, whatever its length.
"""
import argparse, collections, struct, subprocess

ap = argparse.ArgumentParser()
ap.add_argument("-n", type=int, default=40)
ap.add_argument("pome")
ap.add_argument("file", nargs="+")
a = ap.parse_args()

symbols = {}
for line in subprocess.run(["nm", a.pome], capture_output=True, text=True, check=True).stdout.splitlines():
    f = line.split()
    if len(f) == 3 and f[2].startswith("op_"):
        symbols[int(f[0], 16)] = f[2][3:]
base = next(at for at, name in symbols.items() if name == "decode")

singles, pairs, triples = (collections.Counter() for _ in range(3))
for name in a.file:
    with open(name, "rb") as f:
        rows = [r for r in struct.iter_unpack("<iiiIQ", f.read()) if r[4]]
    total = sum(r[4] for r in rows)
    for h0, h1, h2, dep, n in rows:
        n /= total * len(a.file)
        s = [symbols.get(base + h, "?") if h else None for h in (h0, h1, h2)]
        singles[s[2] + (" =" if dep & 4 else "")] += n
        if s[1]:
            pairs["%s %s%s%s" % (s[1], s[2], " N" if dep & 1 else "", " M" if dep & 2 else "")] += n
        if s[0]:
            triples[" ".join(s)] += n

for title, counter in (("handlers", singles), ("pairs", pairs), ("triples", triples)):
    print("\n%s: %d" % (title, len(counter)))
    seen = 0
    for name, n in counter.most_common(a.n):
        seen += n
        print("%6.2f %% %6.2f %%  %s" % (100 * n, 100 * seen, name))
