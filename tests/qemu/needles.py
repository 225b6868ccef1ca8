# SPDX-License-Identifier: Apache-2.0
"""What must not be found in memory: the monitor's keys of a test build, the loader's random seed,
and the canary of payloads/lib/canary_enclave.S. Standard library only."""
import hashlib
import hmac
import struct

from machine import Failure

RAM = 0x80000000
MIB = 1 << 20
TEST_SECRET = hashlib.sha256(b"plinth test device secret v1").digest()
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def hkdf_sha512(secret, label, bound_to, size=64, counter=0):
    """RFC 5869 with the salt and info of the monitor's key derivation."""
    info = label + b"\0" + bound_to + bytes([counter])
    key = hmac.digest(b"plinth.kdf.v1", secret, "sha512")
    out, block = b"", b""
    while len(out) < size:
        block = hmac.digest(key, block + info + bytes([len(out) // 64 + 1]), "sha512")
        out += block
    return out[:size]


def scalar_forms(scalar):
    """A private key and its negative, as big-endian bytes and as machine words."""
    number = int.from_bytes(scalar, "big")
    if not 0 < number < ORDER_P256:
        raise Failure("the first candidate of a key is no scalar: take the next counter")
    both = (number, ORDER_P256 - number)
    return [value.to_bytes(32, order) for value in both for order in ("big", "little")]


def monitor_secrets(monitor):
    """Name -> byte strings, for the test secret and the monitor with these bytes."""
    digest = hashlib.sha3_512(monitor).digest()
    sealing = hkdf_sha512(TEST_SECRET, b"sealing-root", digest)
    personal = hkdf_sha512(TEST_SECRET, b"drbg", digest)
    return {
        "test secret": [TEST_SECRET[:16], TEST_SECRET[16:]],
        "monitor key": scalar_forms(hkdf_sha512(TEST_SECRET, b"monitor-key", digest, 32)),
        "device key": scalar_forms(hkdf_sha512(TEST_SECRET, b"device-key", b"", 32)),
        "sealing root": [sealing[:16], sealing[16:32], sealing[32:48], sealing[48:]],
        "DRBG personalisation": [personal[:16], personal[16:32], personal[32:48], personal[48:]],
    }


def lcg_words(start, skipped, count):
    """Words of the generator that the payloads have."""
    value, words = start, []
    for step in range(skipped + count):
        value = (value * 6364136223846793005 + 1442695040888963407) % 2**64
        if step >= skipped:
            words.append(struct.pack("<Q", value))
    return words


def canary():
    """The four words of payloads/lib/canary_enclave.S."""
    return lcg_words(1, 7, 4)


def rng_seed(memory):
    """/chosen/rng-seed of the device tree that lies in `memory`, in halves."""
    found = []
    start = memory.find(b"\xd0\x0d\xfe\xed")
    while start >= 0:
        tree = memory[start : start + 2 * MIB]
        fields = struct.unpack(">10I", tree[:40])
        strings = tree[fields[3] : fields[3] + fields[8]]
        name = strings.find(b"rng-seed\0")
        if fields[1] <= len(tree) and name >= 0:
            mark = struct.pack(">III", 3, 32, name)
            place = tree.find(mark, fields[2])
            if place >= 0:
                found.append(tree[place + 12 : place + 44])
        start = memory.find(b"\xd0\x0d\xfe\xed", start + 4)
    if len(found) != 1 or len(found[0]) != 32:
        raise Failure(f"{len(found)} device trees with a 32-byte rng-seed, expected one")
    return [found[0][:16], found[0][16:]]


def places(memory, needles):
    """Addresses of every occurrence of any of the byte strings in RAM."""
    hits = []
    for needle in needles:
        at = memory.find(needle)
        while at >= 0:
            hits.append(RAM + at)
            at = memory.find(needle, at + 1)
    return sorted(hits)


def expect_absent(memory, what, needles, when):
    hits = places(memory, needles)
    if hits:
        listed = ", ".join(f"{hit:#x}" for hit in hits[:8])
        raise Failure(f"{what} is in memory {when}: {len(hits)} times, at {listed}")
    print(f"absent {when}: {what}")
