"""coverslip demo: the images inside the package → their cells, on a page that opens itself."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.job import load_job
from coverslip.cli.messages import count_of, new_progress, note, tell, tell_failed
from coverslip.cli.options import Out

if TYPE_CHECKING:
    from collections.abc import Mapping


def demo(
    out: Out = Path("demo-output"),
    examples: Annotated[
        Path | None,
        typer.Option(help="Folder of other images, with a folder for each model in it."),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Do not open the page in a browser.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do again what is done already.")
    ] = False,
) -> None:
    """Segment the example images inside the package, and open the page of them."""
    failed = run_demo(examples, out, overwrite=overwrite)
    page = (out / "report.html").resolve()
    if not no_open and has_display(os.environ, sys.platform) and sys.stdout.isatty():
        webbrowser.open(page.as_uri())
    raise typer.Exit(1 if failed else 0)


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser that is opened here is seen by who sits before the terminal."""
    if environment.get("SSH_CONNECTION"):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def run_demo(examples: Path | None, out: Path, *, overwrite: bool = False) -> dict[Path, str]:
    """Segment the examples with the models that ship; those that failed, with the reason."""
    import pandas as pd

    from coverslip.checkpoints import shipped_models
    from coverslip.io import check_writable
    from coverslip.pipeline import SegmentSettings, find_examples, segment_examples

    check_writable(out)
    examples = find_examples() if examples is None else examples
    shipped = list(shipped_models())
    names = [name for name in shipped if (examples / name).is_dir()] or shipped
    note(f"the images in {examples}, models {', '.join(names)}")
    jobs = {name: load_job(name, settings=SegmentSettings()) for name in names}
    with new_progress() as progress:
        result = segment_examples(
            examples, out, jobs=jobs, overwrite=overwrite, on_progress=progress.on_progress
        )
    if result.skipped:
        n = count_of(len(result.skipped), "image")
        note(f"{n} done before, and not again (--overwrite does)")
    page = (out / "report.html").resolve()
    n_cells, n_frames = (len(pd.read_csv(out / f"{name}.csv")) for name in ("cells", "images"))
    tell(f"{count_of(n_cells, 'cell')} in {count_of(n_frames, 'frame')}")
    tell(f"masks, overlays and tables: {out}\nopen in a browser: {page}", report=str(page))
    tell_failed(result.failed)
    return result.failed
