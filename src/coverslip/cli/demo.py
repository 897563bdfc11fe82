"""coverslip segment and coverslip demo: options → a job → files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.messages import (
    count_of,
    new_progress,
    note,
    tell,
    tell_failed,
)
from coverslip.cli.options import Out
from coverslip.cli.segment import load_job


def demo(
    out: Out = Path("demo-output"),
    examples: Annotated[Path, typer.Option(help="Folder of the example images.")] = Path(
        "examples"
    ),
) -> None:
    """Segment the example images with the models that ship."""
    failed = run_demo(examples, out)
    raise typer.Exit(1 if failed else 0)


def run_demo(examples: Path, out: Path) -> dict[Path, str]:
    """Segment the examples with the models that ship; those that failed, with the reason."""
    import pandas as pd

    from coverslip.checkpoints import shipped_models
    from coverslip.io import check_writable
    from coverslip.pipeline import SegmentSettings, segment_examples

    check_writable(out)
    shipped = list(shipped_models())
    names = [name for name in shipped if (examples / name).is_dir()] or shipped
    note(f"the images in {examples}, models {', '.join(names)}")
    jobs = {name: load_job(name, settings=SegmentSettings()) for name in names}
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=None, info="")
        failed = segment_examples(
            examples,
            out,
            jobs=jobs,
            on_frame=lambda path, frame, n: progress.update(task, advance=1, info=path.name),
        )
    page = (out / "report.html").resolve()
    n_cells, n_frames = (len(pd.read_csv(out / f"{name}.csv")) for name in ("cells", "images"))
    tell(f"{count_of(n_cells, 'cell')} in {count_of(n_frames, 'frame')}")
    tell(f"masks, overlays and tables: {out}\nopen in a browser: {page}")
    tell_failed(failed)
    return failed
