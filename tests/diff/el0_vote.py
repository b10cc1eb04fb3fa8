#!/usr/bin/env python3
"""el0_vote.py - what several emulators make of the same cases, and who stands alone.

    el0_vote.py ROWS CASES KNOWN POME QEMU [NAME=OUTCOMES]...

ROWS is what `el0_host rows` prints, KNOWN what `el0_host run` prints as an error; POME and QEMU are files of outcomes. Only
cases that at least one of the others has an opinion of are counted. Prints how often each stood alone, and by row where pome
or QEMU did. Pome alone against all others, who agree with one another, for no known reason is a fault of pome's until it is
explained, and the exit status is 1.
"""
import collections
import struct
import sys

CASE, OUTCOME, STATE = 920, 808, 24
SHAPES = ["", "straight line", "loop", "loop entered in the middle", "call", "self-modifying loop"]
OTHER, END = 6, 0
FPSR = STATE + 8 * 32 + 16 * 32 + 8


def outcomes(path):
    data = open(path, "rb").read()
    return [data[i:i + OUTCOME] for i in range(0, len(data), OUTCOME)]


def kind(o):
    return struct.unpack_from("<I", o)[0]


def plain(o):
    """Without what only some know: FPSR; and of a fault, only where it was."""
    if kind(o) != END:
        return o[:8]
    return o[:FPSR] + o[FPSR + 8:]


def main():
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    rows = open(sys.argv[1]).read().split()
    cases = open(sys.argv[2], "rb").read()
    known = {int(k) for k in open(sys.argv[3]).read().split()}
    votes = {"pome": outcomes(sys.argv[4]), "qemu": outcomes(sys.argv[5])}
    for arg in sys.argv[6:]:
        name, path = arg.split("=", 1)
        votes[name] = outcomes(path)
    n = len(cases) // CASE
    for name, v in votes.items():
        if len(v) != n:
            sys.exit("el0_vote.py: %s has %d outcomes for %d cases" % (name, len(v), n))
    alone, where, examples = collections.Counter(), collections.Counter(), {}
    agreed = counted = 0
    for i in range(n):
        row, shape, at, words = struct.unpack_from("<4I", cases, i * CASE)
        said = {name: plain(v[i]) for name, v in votes.items() if kind(v[i]) != OTHER}
        # an unaligned access is a fault to those who know of alignment
        if len(said) < 3 or any(kind(o) == 4 for o in said.values()):
            continue
        counted += 1
        groups = collections.defaultdict(list)
        for name, o in said.items():
            groups[o].append(name)
        if len(groups) == 1:
            agreed += 1
            continue
        split = " | ".join(sorted("+".join(g) for g in groups.values()))
        alone[split] += 1
        what = (SHAPES[shape] or rows[row]) + (" (known)" if i in known else "")
        where[split, what] += 1
        examples.setdefault((split, what), "%08x" % struct.unpack_from("<I", cases, i * CASE + 16)[0])
    print("%d cases with an opinion, %d agreed on by all" % (counted, agreed))
    for split, c in alone.most_common():
        print("%7d  %s" % (c, split))
    bad = 0
    for (split, what), c in sorted(where.items()):
        groups = [g.split("+") for g in split.split(" | ")]
        if "pome" in [g[0] for g in groups if len(g) == 1]:
            print("  %s: %s, %d, as %s" % (split, what, c, examples[split, what]))
            bad += len(groups) == 2 and "(known)" not in what
        elif ["qemu"] in groups:
            print("  %s: %s, %d, as %s" % (split, what, c, examples[split, what]))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
