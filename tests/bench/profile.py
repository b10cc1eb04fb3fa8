#!/usr/bin/env python3
"""profile.py - what a `make profile` build counted: hottest handlers, pairs and triples, and what would pay to fuse.

  profile.py [-n ROWS] POME FILE...          POME: the program that wrote the FILEs (POME_PROFILE=FILE pome run ...)
  profile.py --fuse LEAST [-n ROWS] [--without FILE] POME FILE...

Each row: share of all instructions, cumulative share, names. In pairs, N and M say that the second's Rn or Rm is the
first's Rd. Weights: every FILE counts the same, whatever its length.

--fuse plays what run.c and fuse.c do with the tables fuse.def, fuse3.def and fuse_branch.def on what was executed, and
adds the row that spares most jumps between handlers in the file that it helps most, again and again, until the best
spares less than LEAST per cent of that file's instructions. Prints the rows in the tables' form, with that share, and
each file's jumps per instruction before and after.
"""
import argparse, collections, os, re, struct, subprocess

ap = argparse.ArgumentParser()
ap.add_argument("-n", type=int, default=40)
ap.add_argument("--fuse", type=float)
ap.add_argument("--without", help="file of a program to subtract: what every FILE's did before its own work")
ap.add_argument("pome")
ap.add_argument("file", nargs="+")
a = ap.parse_args()

symbols = {}
for line in subprocess.run(["nm", a.pome], capture_output=True, text=True, check=True).stdout.splitlines():
    f = line.split()
    if len(f) == 3 and f[2].startswith("op_"):
        symbols[int(f[0], 16)] = f[2][3:]
base = next(at for at, name in symbols.items() if name == "decode")

Rec = collections.namedtuple("Rec", "name rd rn ra rm n jumps")


def dep(first, second):
    return "ONMB"[(second.rn == first.rd) | (second.rm == first.rd) << 1]


def read(path):
    """{where: Rec}; of several at one place, the one that ran most"""
    recs = {}
    with open(path, "rb") as f:
        for at, h, rd, rn, ra, rm, _, n, jumps in struct.iter_unpack("<IiBBBBIQQ", f.read()):
            if n and (at not in recs or recs[at].n < n):
                recs[at] = Rec(symbols.get(base + h, "?"), rd, rn, ra, rm, n, jumps)
    return recs


files = [read(name) for name in a.file]
if a.without:
    less = collections.Counter()
    for r in read(a.without).values():
        less[r[:5]] += r.n
    for i, recs in enumerate(files):
        # records lie elsewhere in each run: those alike in all but place
        left = less.copy()
        for at in sorted(recs):
            r = recs[at]
            if left[r[:5]] >= r.n:
                left[r[:5]] -= r.n
                del recs[at]

# ---- listing


def listing():
    singles, pairs, triples = (collections.Counter() for _ in range(3))
    for recs in files:
        total = sum(r.n for r in recs.values()) * len(files)
        for at, r in recs.items():
            singles[r.name] += r.n / total
            one, two = recs.get(at - 1), recs.get(at - 2)
            if one and r.n > r.jumps:
                pairs["%s %s %s" % (one.name, r.name, dep(one, r))] += (r.n - r.jumps) / total
                if two and one.n > one.jumps:
                    triples["%s %s %s" % (two.name, one.name, r.name)] += min(r.n - r.jumps, one.n - one.jumps) / total
    for title, counter in (("handlers", singles), ("pairs", pairs), ("triples", triples)):
        print("\n%s: %d" % (title, len(counter)))
        seen = 0
        for name, n in counter.most_common(a.n):
            seen += n
            print("%6.2f %% %6.2f %%  %s" % (100 * n, 100 * seen, name))


# ---- fusing

src = os.path.join(os.path.dirname(__file__), "../../src/interp/")


def text(name):
    with open(src + name) as f:
        return f.read()


CONDS = "eq ne cs cc mi pl vs vc hi ls ge lt gt le".split()
BRANCHES = "b bl bl_far ret cbz cbnz cbz_w cbnz_w tbz tbnz".split()
hot = set(re.findall(r"#define DO_(\w+)\(", text("hot.h")))
sets_flags = {o for o in hot if re.match(r"subs|adds|ands|bics|cmp|ccmp", o)}
# those that leave nothing in Rd, or more than `res`
no_result = {o for o in hot if re.match(r"ldp|st|cmp|ccmp|nop", o)}

# a row: (handlers, deps) as tuples; B.cond of any condition is "b.cond", a select "csel.cond" or "csel.cond.w"
rows = set()
for name in ("fuse.def", "fuse_branch.def"):
    for x in re.findall(r"^FUSE\((\w+), (\w+), (\w)\)", text(name), re.M):
        rows.add(((x[0], x[1]), (x[2],)))
    for x in re.findall(r"^FUSE_COND\((\w+)\)", text(name), re.M):
        rows.add(((x, "b.cond"), ("O",)))
    for x in re.findall(r"^FUSE3_COND\((\w+), (\w+), (\w)\)", text(name), re.M):
        rows.add(((x[0], x[1], "b.cond"), (x[2], "O")))
for name in ("fuse3.def", "fuse_branch.def"):
    for x in re.findall(r"^FUSE3\((\w+), (\w+), (\w), (\w+), (\w)\)", text(name), re.M):
        rows.add(((x[0], x[1], x[3]), (x[2], x[4])))
for x in re.findall(r"^FUSE_SELECT(_W|)\((\w+), (\w+)\)", text("fuse.def"), re.M):
    rows.add(((x[1], x[2] + ".cond" + x[0].lower().replace("_", ".")), ("O",)))


def kind(name):
    """as rows name it"""
    m = re.fullmatch(r"(b|csel|csinc|csinv|csneg)_(%s)(_w|)" % "|".join(CONDS), name)
    return m[1] + ".cond" + m[3].replace("_", ".") if m and name not in hot else name


def matches(want, have):
    return want == "O" or have == "B" or want == have


class File:
    def __init__(self, recs):
        self.total = sum(r.n for r in recs.values())
        # the rest of what ran decides nothing
        self.recs = {at: r._replace(name=kind(r.name)) for at, r in recs.items() if r.n > self.total / 300000}
        self.order = sorted(self.recs)

    def chain(self, at, length):
        """the records from `at` on that run one after another, without a jump between"""
        out = [self.recs[at]]
        for i in range(1, length):
            r = self.recs.get(at + i)
            if not r or r.n == r.jumps or out[-1].name in BRANCHES + ["b.cond"]:
                break
            out.append(r)
        return out

    def group(self, at, rows):
        c = self.chain(at, 3)
        names = tuple(r.name for r in c)
        deps = tuple(dep(c[i], c[i + 1]) for i in range(len(c) - 1))
        best = None
        for d in "BNMO":
            if len(c) > 1 and matches(d, deps[0]) and (names[:2], (d,)) in rows:
                best = (names[:2], (d,))
                break
        if best and len(c) > 2:
            for d in "BNMO":
                if matches(d, deps[1]) and (names, (best[1][0], d)) in rows:
                    return (names, (best[1][0], d))
        return best

    def play(self, rows):
        """jumps between handlers, and how often a head starts where: {at: (count, row or None)}"""
        start = collections.Counter()
        heads, jumps = {}, 0
        for at in self.order:
            r = self.recs[at]
            s = start.pop(at, 0) + r.jumps
            if s <= 0:
                continue
            s = min(s, r.n)
            g = self.group(at, rows)
            length = len(g[0]) if g else 1
            jumps += s
            heads[at] = (s, g)
            last, nxt = self.recs[at + length - 1], self.recs.get(at + length)
            if nxt and nxt.n > nxt.jumps:
                start[at + length] += s * min(1, (nxt.n - nxt.jumps) / last.n)
        return jumps, heads


def meeting(first, second):
    """dep for a new row"""
    no_operand = ".cond" in second.name or second.name in ("b", "bl", "bl_far")
    return "O" if first.name in no_result or no_operand else dep(first, second)


def candidates(f, heads):
    """what adding a row would spare in this file: {row: jumps}"""
    gain = collections.Counter()
    for at, (s, g) in heads.items():
        c = f.chain(at, 3)
        names = tuple(r.name for r in c)
        if g and len(g[0]) == 2 and len(c) == 3:
            # a third joins; what it began before, it no longer does
            if ".cond" in names[1]:
                continue
            if names[2] in hot or names[2] == "b.cond" and (names[1] in sets_flags or names[0] in sets_flags):
                gain[names, (g[1][0], meeting(c[1], c[2]))] += 0.8 * s
        elif not g and len(c) > 1 and names[0] in hot and names[0] not in BRANCHES:
            if names[1] in hot or ".cond" in names[1] and names[0] in sets_flags:
                gain[names[:2], (meeting(c[0], c[1]),)] += s
    return gain


def write(row):
    h, d = row
    if h[-1] == "b.cond":
        return "FUSE_COND(%s)" % h[0] if len(h) == 2 else "FUSE3_COND(%s, %s, %s)" % (h[0], h[1], d[0])
    if ".cond" in h[-1]:
        return "FUSE_SELECT%s(%s, %s)" % ("_W" if h[1][-2:] == ".w" else "", h[0], h[1].split(".")[0])
    if len(h) == 2:
        return "FUSE(%s, %s, %s)" % (h[0], h[1], d[0])
    return "FUSE3(%s, %s, %s, %s, %s)" % (h[0], h[1], d[0], h[2], d[1])


def fuse():
    played = [File(recs) for recs in files]
    state = [f.play(rows) for f in played]
    before = [j / f.total for f, (j, _) in zip(played, state)]
    new = []
    while len(new) < a.n:
        best = collections.Counter()
        for f, (_, heads) in zip(played, state):
            for row, gain in candidates(f, heads).items():
                best[row] = max(best[row], 100 * gain / f.total)
        # many at once, though one may take from another: this is slow enough
        took = [(gain, row) for row, gain in best.most_common() if gain >= a.fuse and row not in rows][:80]
        if not took:
            break
        rows.update(row for _, row in took)
        new += took
        state = [f.play(rows) for f in played]
    for gain, row in sorted(new, key=lambda x: write(x[1])):
        print("%-60s %.2f %%" % (write(row), gain))
    for name, f, b, (j, _) in zip(a.file, played, before, state):
        print("%-30s jumps per instruction %.3f, now %.3f" % (os.path.basename(name), b, j / f.total))


fuse() if a.fuse else listing()
