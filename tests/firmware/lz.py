"""LZFSE and LZSS encoders for tests: spec/lzfse.md. Small, not fast, not the best ratio."""
import struct
import zlib

L_TAIL = [(16, 2), (20, 3), (28, 5), (60, 8)]
M_TAIL = [(16, 3), (24, 5), (56, 8), (312, 11)]
L_BASE = [(i, 0) for i in range(16)] + L_TAIL
M_BASE = [(i, 0) for i in range(16)] + M_TAIL
D_BASE = [(4 * (2 ** (s // 4) - 1) + (s % 4 << s // 4), s // 4) for s in range(64)]


def matches(data, start, end, far=262139):
    """Greedy triplets (literals, match length, distance) over data[start:end]; looks back before start, too."""
    table, out, at, lit = {}, [], start, start
    for i in range(max(0, start - far), start):
        table[data[i:i + 4]] = i
    while at + 4 <= end:
        key = data[at:at + 4]
        cand = table.get(key)
        table[key] = at
        if cand is None or at - cand > far:
            at += 1
            continue
        n = 4
        while at + n < end and data[cand + n] == data[at + n]:
            n += 1
        out.append((bytes(data[lit:at]), n, at - cand))
        for i in range(at + 1, min(at + n, end - 4), 1 if n < 32 else 8):
            table[data[i:i + 4]] = i
        at += n
        lit = at
    out.append((bytes(data[lit:end]), 0, 0))
    return out


def split(triplets):
    """To what a block's alphabets can say."""
    for lit, m, d in triplets:
        while len(lit) > 315:
            yield lit[:315], 0, d or 1
            lit = lit[315:]
        while m > 2359:
            yield lit, 2359, d
            lit, m = b"", m - 2359
        if lit or m:
            yield lit, m, d or 1


def symbol(base, v):
    s = max(i for i, (b, _) in enumerate(base) if b <= v)
    return s, v - base[s][0], base[s][1]


def normalise(count, n):
    total = sum(count)
    if not total:
        return [0] * len(count)
    freq = [max(1, c * n // total) if c else 0 for c in count]
    while sum(freq) != n:
        big = max(range(len(freq)), key=lambda i: freq[i])
        step = n - sum(freq)
        freq[big] += max(step, 1 - freq[big]) if step < 0 else step
        if step < 0 and sum(freq) > n:
            for i in sorted(range(len(freq)), key=lambda i: -freq[i]):
                if freq[i] > 1 and sum(freq) > n:
                    freq[i] -= 1
    return freq


def encoder(freq, n):
    """symbol -> [(low, bits, state)] by rising next state."""
    out, at = {}, 0
    for s, f in enumerate(freq):
        if not f:
            continue
        k = n.bit_length() - 1 - (f.bit_length() - 1)
        j0 = (2 * n >> k) - f
        rows = [None] * n
        for j in range(f):
            bits, low = (k, ((f + j) << k) - n) if j < j0 else (k - 1, (j - j0) << (k - 1))
            for x in range(1 << bits):
                rows[low + x] = (at + j, x, bits)
        out[s] = rows
        at += f
    return out


class Bits:
    def __init__(self, zeros=0):
        self.out, self.acc, self.n = bytearray(zeros), 0, 0

    def put(self, v, n):
        self.acc |= v << self.n
        self.n += n
        while self.n >= 8:
            self.out.append(self.acc & 255)
            self.acc >>= 8
            self.n -= 8

    def end(self):
        pad = -self.n % 8
        if self.n:
            self.out.append(self.acc)
        return bytes(self.out), -pad


def pack_freqs(freqs):
    b = Bits()
    for f in freqs:
        if f < 2:
            b.put(f << 1, 2)
        elif f < 4:
            b.put(1 | (f - 2) << 2, 3)
        elif f < 8:
            b.put(3 | (f - 4) << 3, 5)
        elif f < 24:
            b.put(7 | (f - 8) << 4, 8)
        else:
            b.put(15 | (f - 24) << 4, 14)
    return b.end()[0]


def block(triplets, v1=False):
    lits = b"".join(t[0] for t in triplets)
    n_raw = sum(len(t[0]) + t[1] for t in triplets)
    lits += lits[:1] * (-len(lits) % 4)
    lit_count = [0] * 256
    for c in lits:
        lit_count[c] += 1
    rows, last = [], None
    for lit, m, d in triplets:
        rows.append((symbol(L_BASE, len(lit)), symbol(M_BASE, m), symbol(D_BASE, 0 if d == last else d)))
        last = d
    freq = []
    for which, (symbols, n) in enumerate(((20, 64), (20, 64), (64, 256))):
        count = [0] * symbols
        for r in rows:
            count[r[which][0]] += 1
        freq.append(normalise(count, n))
    freq.append(normalise(lit_count, 1024))
    enc = [encoder(f, n) for f, n in zip(freq, (64, 64, 256, 1024))]
    b, states = Bits(), [0] * 4
    for i in reversed(range(len(lits))):
        states[i % 4], x, bits = enc[3][lits[i]][states[i % 4]]
        b.put(x, bits)
    lit_payload, lit_bits = b.end()
    b, st = Bits(8), [0] * 3
    for r in reversed(rows):
        for which in (2, 1, 0):
            sym, extra, e = r[which]
            st[which], x, bits = enc[which][sym][st[which]]
            b.put(x << e | extra, bits + e)
    lmd_payload, lmd_bits = b.end()
    flat = [f for part in freq for f in part]
    if v1:
        head = b"bvx1" + struct.pack("<6Ii4HiHHH", n_raw, len(lit_payload) + len(lmd_payload), len(lits), len(rows),
                                     len(lit_payload), len(lmd_payload), lit_bits, *states, lmd_bits, *st)
        head += struct.pack("<360H", *flat) + b"\0\0"
        assert len(head) == 772
    else:
        tables = pack_freqs(flat)
        a = len(lits) | len(lit_payload) << 20 | len(rows) << 40 | (lit_bits + 7) << 60
        w = sum(s << 10 * i for i, s in enumerate(states)) | len(lmd_payload) << 40 | (lmd_bits + 7) << 60
        c = 32 + len(tables) | st[0] << 32 | st[1] << 42 | st[2] << 52
        head = b"bvx2" + struct.pack("<IQQQ", n_raw, a, w, c) + tables
    return head + lit_payload + lmd_payload


def lzfse(data, v1=False, chunk=30000):
    """A stream of entropy-coded blocks of `chunk` plain bytes each (limits: 40000 literals, 10000 matches)."""
    out = b"".join(block(list(split(matches(data, at, min(at + chunk, len(data))))), v1)
                   for at in range(0, len(data), chunk))
    return out + b"bvx$"


def raw(data):
    return b"bvx-" + struct.pack("<I", len(data)) + data + b"bvx$"


def lzvn(data):
    out = bytearray()
    for lit, m, d in matches(data, 0, len(data), 65535):
        while lit:
            n = min(len(lit), 271)
            out += bytes([0xe0, n - 16]) if n >= 16 else bytes([0xe0 | n])
            out += lit[:n]
            lit = lit[n:]
        if m:
            n = min(m, 10)
            out += bytes([0x07 | (n - 3) << 3]) + struct.pack("<H", d)
            m -= n
        while m:
            n = min(m, 271)
            out += bytes([0xf0, n - 16]) if n >= 16 else bytes([0xf0 | n])
            m -= n
    out += b"\6" + bytes(7)
    return b"bvxn" + struct.pack("<II", len(data), len(out)) + out + b"bvx$"


def lzss(data):
    out, items = bytearray(), []
    for lit, m, d in matches(data, 0, len(data), 4000):
        items += [bytes([c]) for c in lit]
        while m >= 3:
            n = min(m, 18)
            if m - n in (1, 2):
                n = m - 3 if m > 5 else m
            items.append((n, d))
            m -= n
        assert m == 0
    pos = 0
    for i in range(0, len(items), 8):
        part, flags, body = items[i:i + 8], 0, bytearray()
        for j, it in enumerate(part):
            if isinstance(it, bytes):
                flags |= 1 << j
                body += it
                pos += 1
            else:
                n, d = it
                ring = (4078 + pos - d) % 4096
                body += bytes([ring & 255, ring >> 4 & 0xf0 | n - 3])
                pos += n
        out.append(flags)
        out += body
    head = b"complzss" + struct.pack(">IIII", zlib.adler32(data), len(data), len(out), 1)
    return head + bytes(0x180 - len(head)) + bytes(out)
