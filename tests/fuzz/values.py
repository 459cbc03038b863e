"""Values that break things, and ways to spoil what was right: plain data, texts and bytes."""

from __future__ import annotations

import copy

NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    0.5,
    1e-9,
    1e9,
    1e308,
    -1e308,
    5e-324,
    -0.0,
    10**6,
    10**12,
    2**31,
    2**63,
    -(2**63),
]
NUMBERS += [2**63 - 1, 10**400, float("nan"), float("inf"), float("-inf")]
TEXTS = [
    "",
    " ",
    "x" * 5000,
    "東京",
    "\u202e",
    "\0",
    "\ud800",
    "a/b",
    "../../x",
    "nan",
    ".inf",
    "1e3",
    "a\nb",
]
TEXTS += [
    "$x$",
    "%s{}",
    "all",
    "random",
    "tiny",
    "null",
    "~",
    "/",
    "-",
    "--help",
    "\x1b[2J",
    "🚀",
    "2024-13-45",
]
OTHERS = [None, True, False, [], {}, [[]], [None], {"kind": "x"}, {1: 2}, [0] * 1000, [1.0, 2.0], ["all"]]
WORDS = [
    "[1",
    "!!int z",
    "!!bool maybe",
    "{a: b",
    "&x [*x]",
    "'",
    '"',
    "a: b: c",
    "- -",
    "{}",
    "[]",
    "!!set {a}",
]
"""Texts that YAML reads as something else, or not at all."""


def any_value(rng):
    """One value of any kind; each is its own copy."""
    return copy.deepcopy(rng.choice(rng.choice([NUMBERS, NUMBERS, TEXTS, OTHERS])))


def places(value, path=()):
    """The paths to everything inside plain data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def any_place(rng, plain):
    """The path to something in plain data, more often to a number than to anything else."""
    everywhere = list(places(plain))
    numbers = [path for path in everywhere if isinstance(look_up(plain, path), (int, float))]
    return rng.choice(numbers if numbers and rng.random() < 0.6 else everywhere)


def look_up(value, path):
    for key in path:
        value = value[key]
    return value


def near_value(rng, old):
    """A value of the same type, which may well be allowed."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return rng.choice(
            [-old, 10 * old, old + 1, 0, 1, 2, 3, 5, 100, 10**6, 10**12, 2**62, rng.randrange(1000)]
        )
    if isinstance(old, float):
        extremes = [0.0, 1.0, 1e-300, 5e-324, 1e-9, 1e9, 1e38, 1e39, 1e150, 1e308, float("inf")]
        return rng.choice([-old, old * 10, old / 1000, rng.random(), rng.choice(extremes)])
    if isinstance(old, str):
        return rng.choice([old + "x", old.upper(), rng.choice(TEXTS)])
    if isinstance(old, list):
        return rng.choice([old + old, old[1:], old[:1], old[::-1], []])
    return rng.choice([None, {}, 1.0, 1, True])


def spoil(rng, plain, times=None):
    """A copy of plain data in which some values, keys and shapes are wrong, or at least unusual."""
    plain = copy.deepcopy(plain)
    for _ in range(times or rng.choice([1, 1, 2, 3, 6])):
        if not any(True for _ in places(plain)):
            break
        path = any_place(rng, plain)
        inside, key = look_up(plain, path[:-1]), path[-1]
        change = rng.randrange(30)
        if change == 0:
            del inside[key]
        elif change == 1:
            inside[key] = copy.deepcopy(look_up(plain, any_place(rng, plain)))
        elif change == 2 and isinstance(inside, dict):
            inside[rng.choice([*TEXTS, f"{key}s", 3])] = any_value(rng)
        elif change == 3:
            inside[key] = any_value(rng)
        elif isinstance(inside[key], dict) and change < 26:
            continue
        else:
            inside[key] = near_value(rng, inside[key])
    return plain


def spoil_bytes(rng, content):
    """Bytes that were cut short, overwritten, doubled, reordered, or saved in another encoding."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        i = rng.randrange(len(content) + 1)
        j = min(len(content), i + rng.choice([1, 2, 8, 100, 10_000]))
        change = rng.randrange(9)
        if change == 0:
            del content[i:]
        elif change == 1 and i < len(content):
            content[i] ^= 1 << rng.randrange(8)
        elif change == 2:
            del content[i:j]
        elif change == 3:
            content[i:i] = content[i:j]
        elif change == 4:
            content[i:i] = rng.choice(
                [b"\0", b"\xff\xfe", b"\n", b"\t", b"'", b"[", b"{", b": ", b"*a", b"&a ", b"-"]
            )
        elif change == 5:
            content[i:j] = rng.randbytes(j - i)
        elif change == 6:
            lines = bytes(content).split(b"\n")
            lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
            content[:] = b"\n".join(lines)
        elif change == 7:
            words = bytes(content).split(b" ")
            words[rng.randrange(len(words))] = str(rng.choice(NUMBERS + TEXTS)).encode(
                "utf-8", "surrogatepass"
            )
            content[:] = b" ".join(words)
        elif change == 8 and rng.random() < 0.3:
            content[:] = rng.choice(
                [b"", bytes(content).decode("latin-1").encode("utf-16"), bytes(content) * 2]
            )
    return bytes(content)
