"""DER, written: just what IMG4 containers and their certificates need."""


def tlv(tag: bytes, body: bytes) -> bytes:
    return tag + length(len(body)) + body


def length(n: int) -> bytes:
    if n < 128:
        return bytes([n])
    b = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(b)]) + b


def seq(*parts): return tlv(b"\x30", b"".join(parts))
def set_(*parts): return tlv(b"\x31", b"".join(parts))
def ia5(s): return tlv(b"\x16", s.encode() if isinstance(s, str) else s)
def utf8(s): return tlv(b"\x0c", s.encode())
def octets(b): return tlv(b"\x04", b)
def null(): return b"\x05\x00"
def boolean(v): return tlv(b"\x01", b"\xff" if v else b"\x00")
def context(n, *parts): return tlv(bytes([0xa0 | n]), b"".join(parts))


def integer(v: int) -> bytes:
    return tlv(b"\x02", v.to_bytes(v.bit_length() // 8 + 1, "big"))


def oid(text: str) -> bytes:
    n = [int(x) for x in text.split(".")]
    out = bytearray([40 * n[0] + n[1]])
    for v in n[2:]:
        part = [v & 127]
        while v := v >> 7:
            part.append(v & 127 | 128)
        out += bytes(reversed(part))
    return tlv(b"\x06", bytes(out))


def bit_string(b: bytes) -> bytes:
    return tlv(b"\x03", b"\x00" + b)


def private(name: str, *parts) -> bytes:
    """private(NAME) { ... }: a high tag number in base 128."""
    v = int.from_bytes(name.encode(), "big")
    digits = [v & 127]
    while v := v >> 7:
        digits.append(v & 127 | 128)
    return tlv(b"\xff" + bytes(reversed(digits)), b"".join(parts))


def prop(name: str, value: bytes) -> bytes:
    return private(name, seq(ia5(name), value))


def group(name: str, *props) -> bytes:
    return prop(name, set_(*props))
