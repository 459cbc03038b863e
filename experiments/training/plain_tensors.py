"""Nested plain data as one text of JSON and a list of tensors, so that a file of it needs no pickle.

Numbers, texts, None, lists, tuples, deques, dicts with any of these as keys, arrays and tensors come back as
what they were; named tuples come back as tuples.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import torch

MARK = "!"
"""Key of a mapping that encodes a value that JSON cannot represent."""


class Plain(NamedTuple):
    """Content of a file."""

    text: str
    tensors: list[torch.Tensor]


def flatten(value: Any) -> Plain:
    """Take nested data apart.

    Raises:
        TypeError: something in it is not plain.
    """
    tensors: list[torch.Tensor] = []
    return Plain(json.dumps(_write(value, tensors)), tensors)


def nest(plain: Plain) -> Any:
    """Put together what `flatten` took apart.

    Raises:
        ValueError, TypeError, KeyError, IndexError: it did not come from `flatten`.
    """
    return _read(json.loads(plain.text), plain.tensors)


def _write(value: Any, tensors: list[torch.Tensor]) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, torch.Tensor):
        tensors.append(value.detach())
        return {MARK: "tensor", "at": len(tensors) - 1}
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise TypeError(f"an array of {value.dtype} is not plain")
        flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        tensors.append(torch.from_numpy(flat if flat.flags.writeable else flat.copy()))
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {MARK: kind, "at": len(tensors) - 1, "type": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and MARK not in value:
            return {key: _write(item, tensors) for key, item in value.items()}
        return {MARK: "dict", "items": [_write([k, v], tensors) for k, v in value.items()]}
    if isinstance(value, (list, tuple, deque)):
        items = [_write(item, tensors) for item in value]
        if isinstance(value, list):
            return items
        if isinstance(value, tuple):
            return {MARK: "tuple", "items": items}
        return {MARK: "deque", "items": items, "most": value.maxlen}
    raise TypeError(f"a {type(value).__name__} is not plain")


def _read(value: Any, tensors: list[torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_read(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(MARK)
    if kind is None:
        return {key: _read(item, tensors) for key, item in value.items()}
    if kind == "tensor":
        return tensors[value["at"]]
    if kind in ("array", "scalar"):
        array = tensors[value["at"]].numpy().view(np.dtype(value["type"])).reshape(value["shape"])
        return array if kind == "array" else array[()]
    items = [_read(item, tensors) for item in value["items"]]
    if kind == "dict":
        return {key: item for key, item in items}
    return tuple(items) if kind == "tuple" else deque(items, value["most"])
