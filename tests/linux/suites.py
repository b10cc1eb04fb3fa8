#!/usr/bin/env python3
"""suites.py - other people's test suites in a booted Debian: Python's, perl's own, OpenSSL's own, and OpenSSL's answers
to random questions beside this machine's.

    suites.py POME [--cpus N] [--only "python perl openssl answers"] [--perl "op/*.t ..."] [--openssl "bn ec ..."] [--keep DIR]
        [POME-OPTIONS...]

Needs tests/debian/rootfs.sh, and for perl and openssl tests/debian/suites.sh, to have run. Each suite's tests are
checks of their own. A file of perl's that does not pass counts as passed where this machine's perl, of the same version,
has the very same to say about it: it misses the source tree that it was written for. Not part of `make test`: an hour."""
import os, re, shutil, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Lost, take_options
from debian import Checks, boot, cache, finish, login, put

PYTHON = "math float cmath struct hashlib threading ctypes".split()
# what a CPU can get wrong; the rest of OpenSSL's recipes is about protocols and files
OPENSSL = """sanity sparse_array internal_bn internal_chacha internal_curve448 internal_ec internal_ffc internal_mdc2 internal_modes
internal_poly1305 internal_rsa_sp800_56b internal_siphash internal_sm2 internal_sm3 internal_sm4 bf cast cmac des hmac idea rand rc2
rc4 rdrand_sanity bn exp dh dsa ec ecdsa rsa rsaoaep sha dgst enc mac aesgcm evp evp_extra pkey_meth asn1_time x509_time constant_time
gmdiff ige secmem threads punycode"""
PERL = "base/*.t cmd/*.t comp/*.t opbasic/*.t op/*.t"
DIGESTS = "md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-224 sha3-256 sha3-384 sha3-512 shake128 shake256 blake2b512 " \
	"blake2s256 sm3 ripemd160"
CIPHERS = " ".join("%s-%s" % (a, m) for a in ("aes-128", "aes-192", "aes-256", "camellia-128", "aria-256", "sm4")
	for m in ("cbc", "ctr", "ecb", "ofb", "cfb")) + " chacha20 des-ede3-cbc"

# The same script here and there: files of every length up to 4000 or so from a generator of openssl's own, their digests,
# ciphertexts, and signatures that hold no randomness.
ANSWERS = r"""
cd "$1"; n=150
openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 0 -in /dev/zero 2>/dev/null | head -c 400000 >all
i=0; while [ $i -lt $n ]; do
	tail -c +$((i * 1771 + 1)) all | head -c $((i * 27 + i * i % 64)) >f$(printf %03d $i); i=$((i + 1)); done
for d in DIGESTS; do openssl dgst -$d f??? | sed 's/^[^(]*//'; done
for c in CIPHERS; do
	for f in f003 f064 f117; do openssl enc -$c -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \
		-iv f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff -in $f 2>/dev/null | sha256sum; done; done
printf '302e020100300506032b657004220420' | cat - <(head -c 32 f100 | od -An -tx1 | tr -d ' \n') |
	perl -pe 's/(..)/chr hex $1/ge' >key
for f in f0?[16]; do openssl pkeyutl -sign -inkey key -keyform DER -rawin -in $f 2>/dev/null | sha256sum; done
for f in f1?[16]; do openssl mac -digest SHA512 -macopt hexkey:$(head -c 20 $f | od -An -tx1 | tr -d ' \n') -in $f HMAC; done
""".replace("DIGESTS", DIGESTS).replace("CIPHERS", CIPHERS)

# One file of perl's: what it says, without what differs by place and time.
ONE_PERL = r"""
cd "$1/t"; out=$(timeout -k 5 $3 perl $2 2>/dev/null </dev/null); status=$?
say=$(printf '%s\n' "$out" | grep -E '^(not )?ok [0-9]+|^1\.\.|^Bail' | sed -E 's/^((not )?ok [0-9]+).*(# (TODO|skip|SKIP)).*/\1 \3/; t; s/^((not )?ok [0-9]+).*/\1/')
n=$(printf '%s\n' "$say" | grep -c '^ok'); bad=$(printf '%s\n' "$say" | grep '^not ok' | grep -vc TODO)
echo "FILE $2 $status $n $bad $(printf '%s\n' "$say" | sha256sum | cut -c1-12)"
"""
# t/ wants the modules in ../lib: the installed ones, over the few that are in the source's
PERL_LIB = r"""for d in $(perl -MConfig -e 'print "$Config{privlibexp} $Config{archlibexp}"'); do cp -rsf $d/. "$1/lib/" 2>/dev/null; done
ln -sf $(command -v perl) "$1/perl"; ln -sf $(command -v perl) "$1/t/perl"; true"""


def here_run(script, *args):
    return subprocess.run(["bash", "-c", script, "sh"] + list(args), capture_output=True, text=True).stdout


def python(g, c, cpus):
    for name in PYTHON:
        status, out = g.run("python3 -m test -j%d test_%s" % (cpus, name), 2400)
        c.check("python: test_%s" % name, status == 0 and "SUCCESS" in out, out)
        print("     python: test_%s: %s" % (name, out.strip().split("\n")[-1]), flush=True)


def openssl(g, c, cpus, which):
    """One run of the recipes, with a line for each that ran: through a pipe, as a terminal gets a moving picture."""
    status, out = g.run("set -o pipefail; cd /mnt/openssl && SRCTOP=. BLDTOP=. RESULT_D=/tmp/runs PERL=perl EXE_EXT= "
                        "OPENSSL_MODULES=$PWD/providers OPENSSL_ENGINES=$PWD/engines HARNESS_JOBS=%d perl test/run_tests.pl %s 2>&1 | cat" %
                        (cpus, " ".join("test_" + n for n in which)), 7200)
    files = re.findall(r"^(\d\d-\S+\.t) \.+ (.+)$", out, re.M)
    for name, said in files:
        c.check("openssl: %s" % name, said.startswith(("ok", "skipped")), said)
    c.check("openssl: all of it", status == 0 and "Result: PASS" in out and len(files) >= len(which), out)
    print("     openssl: %d recipes, %d of them skipped; %s" %
          (len(files), sum(said.startswith("skipped") for _, said in files), "".join(re.findall("^Files=.*", out, re.M))), flush=True)


def answers(g, c):
    put(g, "/root/answers", ANSWERS)
    with tempfile.TemporaryDirectory() as work:
        want = here_run(ANSWERS, work).strip().split("\n")
    status, out = g.run("mkdir -p /tmp/answers; bash /root/answers /tmp/answers", 1800)
    got = out.strip().split("\n")
    c.check("answers: as many", len(got) == len(want), "%d, %d here: %s" % (len(got), len(want), out[-300:]))
    wrong = ["%s / %s" % p for p in zip(got, want) if p[0] != p[1]]
    c.check("answers: OpenSSL's and this machine's", not wrong, "%d differ: %s" % (len(wrong), wrong[:3]))
    print("     answers: %d digests, ciphertexts, signatures" % len(got), flush=True)


def perl(g, c, cpus, which, work):
    """FILE lines of the guest, and of this machine for those that did not pass."""
    tree = os.path.join(work, "perl")
    g.run("cp -r /mnt/perl /root/perl", 300)
    put(g, "/root/one", ONE_PERL)
    put(g, "/root/lib", PERL_LIB)
    g.run("bash /root/lib /root/perl", 300)
    status, out = g.run("cd /root/perl/t; ls %s | xargs -P%d -n1 sh -c 'bash /root/one /root/perl $0 600'" % (which, cpus), 7200)
    files = re.findall(r"^FILE (\S+) (\d+) (\d+) (\d+) (\w+)$", out, re.M)
    c.check("perl: there are tests", len(files) > 0, out)
    bad = [f for f in files if f[1] != "0" or f[3] != "0"]
    if bad:
        # the image's files, without mounting it
        subprocess.run(["debugfs", "-R", "rdump /perl %s" % work, cache + "/suites.img"], capture_output=True)
        here_run(PERL_LIB, tree)
    same = 0
    for f in bad:
        m = re.search(r"^FILE (\S+) (\d+) (\d+) (\d+) (\w+)$", here_run(ONE_PERL, tree, f[0], "120"), re.M)
        same += c.check("perl: %s" % f[0], m and m.groups() == f, "guest %s, here %s" % (f, m and m.groups()))
    c.passed += len(files) - len(bad)
    print("     perl: %d files pass, %d tests; %d are as here, where they do not" %
          (len(files) - len(bad), sum(int(f[2]) for f in files), same), flush=True)


def main():
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    pome = os.path.abspath(args.pop(0))
    o = take_options(args, cpus="2", only="python answers perl openssl", perl=PERL, openssl=OPENSSL, keep=None)
    cpus, only = int(o["cpus"]), o["only"].split()
    if o["keep"]:
        os.makedirs(o["keep"], exist_ok=True)
    c, start = Checks("suites"), time.monotonic()
    disk = ["-d", cache + "/suites.img,format=raw,readonly"] if {"perl", "openssl"} & set(only) else []
    work = tempfile.mkdtemp(dir=cache)
    g, image = boot(pome, cpus, disk + ["--timeout", "20000"] + args, work, os.path.join(o["keep"] or work, "suites.log"))
    try:
        login(g)
        if disk:
            g.run("mount -o ro /dev/vdb /mnt", 60)
        for part in only:
            t0 = time.monotonic()
            if part == "perl":
                perl(g, c, cpus, o["perl"], work)
            elif part == "answers":
                answers(g, c)
            elif part == "openssl":
                openssl(g, c, cpus, o["openssl"].split())
            elif part == "python":
                python(g, c, cpus)
            print("     %s: %.0f s" % (part, time.monotonic() - t0), flush=True)
        finish(g, c, image)
    except Lost as e:
        c.check("session", False, e)
    finally:
        g.kill()
        shutil.rmtree(work)
    print("%s suites with %d CPUs: %d passed, %d failed, %.0f s" % ("FAIL" if c.failed else "ok  ", cpus, c.passed, c.failed,
                                                                   time.monotonic() - start), flush=True)
    sys.exit(c.failed != 0)


if __name__ == "__main__":
    main()
