"""the notebooks of docs/notebooks → the same, executed, with small outputs.

    .venv/bin/python scripts/notebooks.py            # runs all, and writes their outputs

They are run in the folder of the repository. What changes with each run (seconds, folders of the
system) is not printed by them. Needs nbclient and ipykernel.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "notebooks"


def run_notebook(path: Path) -> None:
    """Execute a notebook and write it back with its outputs."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    contents: dict[str, Any] = json.loads(nbformat.writes(notebook))
    for cell in contents["cells"]:
        cell["metadata"] = {}
        outputs = [one for one in cell.get("outputs", []) if one.get("name") != "stderr"]
        for one in outputs:
            # A table is kept as text: as HTML it is ten times as large and says the same.
            one.get("data", {}).pop("text/html", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
    contents["metadata"] = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    path.write_text(json.dumps(contents, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for notebook in sorted(FOLDER.glob("*.ipynb")):
        run_notebook(notebook)
