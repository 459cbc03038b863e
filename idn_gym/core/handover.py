"""Records of arrays at fixed addresses: compiled code is handed one number instead of sixty arrays.

Numba unboxes every array of a record on every call, which takes several times as long as a slot of a small
network. So a record is unboxed once and written down in memory (`Held`): of an array its address, shape and
strides, of a number the number. A `stage` reads the fields that it asks for from there, by their names: a
record in a stage cannot be unpacked. A `Programme` is a list of stages with the records that each works on,
played in one call.

With ``NUMBA_DISABLE_JIT=1`` stages are plain functions that look their records up.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np import arrayobj

from idn_gym.core.arrays import Ints
from idn_gym.core.kernel import compile_stage, njit_no_alloc
from idn_gym.core.record_types import GROUPS
from idn_gym.core.record_words import WORD, RecordAt, count_words, load_record, stow_part, written_type

_types: dict[type, Any] = {}
"""Numba type of each class of records that was held; a class has one."""

_sizes: dict[type, int] = {}
"""Words of a record of each class."""

_held: weakref.WeakValueDictionary[int, Held] = weakref.WeakValueDictionary()
"""Objects by address, where compiling is switched off."""


def address_of(array: Ints) -> int:
    """Address of an array's first entry."""
    return int(array.__array_interface__["data"][0])


class Held:
    """A record whose arrays stay where they are, written down for stages.

    Attributes:
        record: a NamedTuple of arrays, numbers, and tuples of these; arrays are C-contiguous, but for those
            of `GROUPS`.
        address: of its words.
    """

    def __init__(self, record: tuple[Any, ...]) -> None:
        """Write the record down.

        Raises:
            TypeError: an array is not contiguous, or woven otherwise than its group, or of another type than
                in earlier records of the class.
        """
        self.record = record
        _check_strides(record)
        if type(record) not in _types or numba.config.DISABLE_JIT:
            _check(numba.typeof(record))
        self._words = np.zeros(_sizes[type(record)], np.int64)
        self.address = address_of(self._words)
        if numba.config.DISABLE_JIT:
            _held[self.address] = self
            return
        write = _write_down if type(record).__module__.startswith("idn_gym.") else _write_down_apart
        try:
            write(record, self._words)
        except TypingError:  # in many lines, of which the reason is one
            _check(numba.typeof(record))
            raise


def _leaders(record: type) -> dict[str, str]:
    """First field of the group of each field that is woven."""
    return {name: names[0] for names in GROUPS.get(record, ()) for name in names}


def _check_strides(record: tuple[Any, ...]) -> None:
    """See that the fields of each group have the strides that stages read of its first one."""
    for names in GROUPS.get(type(record), ()):
        first = getattr(record, names[0]).strides
        for name in names:
            field = getattr(record, name)
            strides = (*first, *(field.itemsize,) * (field.ndim - len(first)))
            steps = zip(field.shape, field.strides, strides, strict=True)
            if field.size and any(n > 1 and here != there for n, here, there in steps):
                raise TypeError(f"{type(record).__name__}.{name} has strides {field.strides}, not {strides}")


def _check(found: Any) -> None:
    """Note the type of a class of records, or see that it is as noted."""
    record = found.instance_class
    kind = written_type(found, tuple(_leaders(record)))
    if _types.setdefault(record, kind) != kind:
        raise TypeError(f"{record.__name__} is {kind} here and was {_types[record]}")
    _sizes[record] = max(1, count_words(kind))


@intrinsic
def _fetch(typing: Any, block: Any, place: Any, record: Any) -> Any:
    kind = RecordAt(_types[record.instance_class], _leaders(record.instance_class))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = builder.inttoptr(arguments[0], WORD.as_pointer())
        return load_record(builder, builder.gep(start, [arguments[1]]), kind.kind)

    return kind(block, place, record), generate


@intrinsic
def _stow(typing: Any, record: Any, words: Any) -> Any:
    """Write a record's words to where `words` is; not compiled for records of another type than was noted."""
    try:
        _check(record)
    except TypeError as error:
        raise TypingError(str(error)) from error

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, array = arguments
        data = arrayobj.make_array(words)(context, builder, array).data
        stow_part(context, builder, record, value, data, 0)
        return context.get_dummy_value()

    return types.void(record, words), generate


@njit_no_alloc
def _write_down(record: Any, words: Ints) -> None:
    _stow(record, words)


# What is cached names the classes of the records, and who cannot import one of them can read none of it:
# so those of other packages, scripts and tests have no part in it.
_write_down_apart: Any = numba.njit(nogil=True)(getattr(_write_down, "py_func", _write_down))


@intrinsic
def _call(typing: Any, function: Any, block: Any) -> Any:
    """Call the function at an address with the address of a block."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [WORD])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return context.get_dummy_value()

    return types.void(function, block), generate


@njit_no_alloc
def _run(calls: Ints) -> None:
    for i in range(len(calls)):
        _call(calls[i, 0], calls[i, 1])


def _look_up(block: Ints, place: int, record: type) -> Any:
    """Wrapper that passes the block itself to stages, where compiling is switched off."""
    return _held[int(block[place])].record


fetch: Any = _look_up if numba.config.DISABLE_JIT else _fetch
"""In a stage: ``fetch(block, place, record)`` is the record of class `record` at a position of its block."""


class Stage:
    """A function of a block, compiled when it is first played: by then its records are known."""

    def __init__(self, function: Callable[[Any], None]) -> None:
        self.function = function
        self._compiled: Any = None

    @property
    def address(self) -> int:
        """Address of the machine code."""
        if self._compiled is None:
            self._compiled = compile_stage(self.function)
        return int(self._compiled.address)

    def play(self, *records: tuple[Any, ...] | Held) -> None:
        """Play this stage alone, once."""
        programme = Programme()
        programme.add(self, *records)
        programme.play()


stage = Stage
"""Decorator: the function reads its records with `fetch`, and allocates nothing."""


class Programme:
    """Stages that are played one after the other, in one call where nothing of Python comes between."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []
        self._open: _Run | None = None

    def add(self, stage: Stage, *records: tuple[Any, ...] | Held) -> None:
        """Play a stage next, on these records; their arrays stay where they are and are written to there."""
        if self._open is None:
            self._open = _Run()
            self._steps.append(self._open)
        self._open.add(stage, [record if isinstance(record, Held) else Held(record) for record in records])

    def add_call(self, function: Callable[[], None]) -> None:
        """Call a function of Python next."""
        self._open = None
        self._steps.append(function)

    def play(self) -> None:
        """Play everything that was added."""
        for step in self._steps:
            step()


class _Run:
    """Stages without anything of Python between them."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []
        self._held: list[Held] = []
        self._blocks: list[Ints] = []
        self._calls: Ints | None = None

    def add(self, stage: Stage, held: list[Held]) -> None:
        self._stages.append(stage)
        self._held += held
        self._blocks.append(np.array([one.address for one in held], np.int64))
        self._calls = None

    def __call__(self) -> None:
        if numba.config.DISABLE_JIT:
            for stage, block in zip(self._stages, self._blocks, strict=True):
                stage.function(block)
            return
        if self._calls is None:
            calls = [(s.address, address_of(b)) for s, b in zip(self._stages, self._blocks, strict=True)]
            self._calls = np.array(calls, np.int64)
        _run(self._calls)
