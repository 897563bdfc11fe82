"""coverslip measure: label files of any tool × images → a table; no network, so no PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import count_files, new_progress, note, tell
from coverslip.errors import SettingsError
from coverslip.tables import check_format, match_labels, measure_files, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.measure import MeasureSettings


def run_measure(
    labels: Path,
    images: Path | None,
    *,
    out: Path,
    settings: MeasureSettings,
    pixel_size_um: float | None,
) -> None:
    """Measure files, write the table and say how many cells there are.

    Raises:
        SettingsError: a table of no known format, or a pixel without a size.
    """
    check_format(out.suffix.lower().removeprefix("."))
    if pixel_size_um is not None and not pixel_size_um > 0:
        raise SettingsError(f"--pixel-size {pixel_size_um}: wanted more than 0 µm.")
    found = match_labels(labels, images)
    if found.without_labels:
        note(f"{count_files(len(found.without_labels))} without labels left out")
    with new_progress() as progress:
        task = progress.add_task("measuring", total=len(found.files), info="")
        table = measure_files(
            found.files,
            settings=settings,
            pixel_size_um=None if pixel_size_um is None else (pixel_size_um, pixel_size_um),
            on_file=lambda path: progress.update(task, advance=1, info=path.name),
            on_note=note,
        )
    write_table(out, table)
    tell(f"{len(table)} cells in {count_files(len(found.files))}: {out}")
