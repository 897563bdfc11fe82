"""good bytes, a seed → damaged bytes; the same seed gives the same damage."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

from safetensors.torch import load, save

from coverslip.checkpoints import hash_contents

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

# What a length, a count or a type is never expected to be.
SIZES = (0, 1, 2, 255, 256, 4096, 65_535, 65_536, 10**6, 30_000, 2**31 - 1, 2**31, 2**32 - 1)
HUGE = (*SIZES, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = ("1e999", "-1", "0", "999999999999", "null", "true", "NaN", "[]", "{}", '"x"', "[" * 9999)


def damage(name: str, seeds: Mapping[str, bytes], rng: random.Random) -> bytes:
    """One to three kinds of damage, one after the other."""
    data = seeds[name]
    if name == "tiny.safetensors" and rng.random() < 0.7:
        return rewrite_settings(data, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kinds: list[Callable[[bytes, random.Random], bytes]] = [*KINDS]
        if data[:4] in (b"II*\0", b"MM\0*"):
            kinds += [change_tag] * 6
        if rng.random() < 0.1:
            data = splice(data, seeds[rng.choice(sorted(seeds))], rng)
        else:
            data = rng.choice(kinds)(data, rng)
    is_png = data[:4] == b"\x89PNG"
    return mend_png(data) if is_png and rng.random() < 0.6 else data


def truncate(data: bytes, rng: random.Random) -> bytes:
    """Cut off anywhere."""
    return data[: rng.randrange(len(data) + 1)]


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Up to 16 bits, half of the time near the beginning, where headers are."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 16)):
        if changed:
            changed[place(changed, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, rng: random.Random) -> bytes:
    """A block of zeros, ones or noise."""
    start, length = place(data, rng), rng.choice((1, 4, 16, 64, 256))
    filling = rng.choice((b"\0" * length, b"\xff" * length, rng.randbytes(length)))
    return data[:start] + filling[: len(data) - start] + data[start + length :]


def enlarge(data: bytes, rng: random.Random) -> bytes:
    """A number of 2, 4 or 8 bytes that is set to what no file can hold."""
    form = rng.choice("HIQ")
    length = struct.calcsize(form)
    number = rng.choice([n for n in HUGE if n < 256**length])
    start = place(data, rng)
    packed = struct.pack(rng.choice("<>") + form, number)
    return data[:start] + packed[: max(0, len(data) - start)] + data[start + length :]


def move_block(data: bytes, rng: random.Random) -> bytes:
    """A block that is there twice, or no more."""
    start, length = place(data, rng), rng.randint(1, 200)
    block = data[start : start + length]
    return data[:start] + rng.choice((b"", block * 2)) + data[start + length :]


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The head of one file and the tail of another."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def change_tag(data: bytes, rng: random.Random) -> bytes:
    """Another type, count or value in one of a TIFF's tags."""
    order = "<" if data[:1] == b"I" else ">"
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        (n_tags,) = struct.unpack_from(f"{order}H", data, first)
        at = first + 2 + 12 * rng.randrange(n_tags)
        part, form, numbers = rng.choice(((2, "H", range(20)), (4, "I", SIZES), (8, "I", SIZES)))
        packed = struct.pack(f"{order}{form}", rng.choice(numbers))
    except (struct.error, ValueError):
        return flip_bits(data, rng)
    return data[: at + part] + packed + data[at + part + len(packed) :]


def rewrite_settings(data: bytes, rng: random.Random) -> bytes:
    """Another text in a checkpoint's header, with the checksum that a stranger would give it."""
    (length,) = struct.unpack("<Q", data[:8])
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    key = rng.choice([key for key in metadata if key != "sha256"])
    text = metadata[key]
    start = rng.randrange(len(text) + 1)
    metadata[key] = rng.choice(
        (
            text[:start],
            text[:start] + rng.choice(WORDS) + text[start + rng.randint(0, 9) :],
            rng.choice(WORDS),
            text.replace("1", rng.choice(WORDS)),
            text.replace("2", rng.choice(WORDS)),
            text.replace("0.", rng.choice(WORDS)),
        )
    )
    if rng.random() < 0.05:
        del metadata[key]
    tensors = load(data)
    if rng.random() < 0.1:
        tensors["pixel.bias"] = tensors["pixel.bias"] / 0
    metadata["sha256"] = hash_contents(tensors, metadata)
    return save(tensors, metadata=metadata)


def mend_png(data: bytes) -> bytes:
    """Right checksums in every chunk, so that damage gets past them."""
    at, mended = 8, data[:8]
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        mended += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return mended + data[at:]


def place(data: bytes | bytearray, rng: random.Random) -> int:
    """Somewhere in a file, half of the time in its first 128 bytes."""
    return rng.randrange(max(1, min(len(data), rng.choice((128, len(data))))))


KINDS = (truncate, flip_bits, overwrite, enlarge, enlarge, move_block)
