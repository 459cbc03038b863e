"""Write the graphs that ship with the package, from TopoHub: ``python -m experiments.make_topologies``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idn_gym.commands import grammar
from idn_gym.files import writable_folder, write_text
from idn_gym.scenarios.compile.topohub import SHIPPED_GRAPHS


def extract(name: str) -> dict[str, Any]:
    """The part of a TopoHub graph that the package uses, with its provenance."""
    import topohub

    graph = topohub.get(name)
    return {
        "name": name,
        "provenance": {
            "source": f"TopoHub {version('topohub')}, graph {name}; from SNDlib 1.0 (S. Orlowski, "
            "R. Wessäly, M. Pióro, A. Tomaszewski, Networks 55(3), 2010), which keeps its own terms of use",
            "licence": "TopoHub: MIT",
            "pos": "longitude and latitude [degrees]",
            "dist": "great-circle distance [km] as computed by TopoHub",
            "written_by": "python -m experiments.make_topologies",
        },
        "nodes": [{key: node[key] for key in ("id", "name", "pos")} for node in graph["nodes"]],
        "edges": [{key: edge[key] for key in ("source", "target", "dist")} for edge in graph["edges"]],
    }


def topology_json(content: dict[str, Any]) -> str:
    """JSON with one node or edge per line, so that a change shows as one line."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            parts.append(f' "{key}": [\n  {rows}\n ]')
        else:
            text = json.dumps(value, indent=1, ensure_ascii=False).replace("\n", "\n ")
            parts.append(f' "{key}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


@dataclass(kw_only=True)
class MakeTopologiesCommand:
    """Write the graphs that ship with the package, from TopoHub."""

    out: Path | None = None
    """folder to write into (default: the package's data folder)"""

    def run(self) -> None:
        """Write every shipped graph."""
        for name, shipped in SHIPPED_GRAPHS.items():
            path = writable_folder(self.out or shipped.parent) / shipped.name
            write_text(path, topology_json(extract(name)))
            print(path)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MakeTopologiesCommand, words, "python -m experiments.make_topologies")


if __name__ == "__main__":
    main()
