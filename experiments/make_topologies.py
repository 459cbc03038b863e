"""Write the graphs that ship with the package out of TopoHub.

Run it as `python -m experiments.make_topologies`.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from experiments.commands import Parser
from idn_gym.files import write_text
from idn_gym.scenarios.compile.topohub import SHIPPED_GRAPHS


def extract(name: str) -> dict[str, Any]:
    """The part of a TopoHub graph that the package uses, with where it comes from."""
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


def main(words: list[str] | None = None) -> None:
    """Write every shipped graph."""
    Parser(prog="python -m experiments.make_topologies", description=__doc__).parse_args(words)
    for name, path in SHIPPED_GRAPHS.items():
        path.parent.mkdir(exist_ok=True)
        write_text(path, topology_json(extract(name)))
        print(path)


if __name__ == "__main__":
    main()
