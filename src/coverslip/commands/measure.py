"""coverslip measure: label files of any tool × images → a table; no network, so no PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import count_files, count_of, new_progress, note, tell
from coverslip.errors import SettingsError
from coverslip.files import Ledger, check_projection, check_writable, writing
from coverslip.measure import COLUMNS
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
    project: str,
) -> None:
    """Measure files, write the table and say how many cells there are.

    Raises:
        SettingsError: a table of no known format, a pixel without a size, or what cannot be
            measured.
        FileError: the table cannot be written.
    """
    check_request(out, images, settings=settings)
    check_projection(project)
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
            project_as=project,
            on_file=lambda path: progress.update(task, advance=1, info=path.name),
            on_note=note,
        )
    with writing(Ledger(out.parent)):
        write_table(out, table)
    tell(f"{count_of(len(table), 'cell')} in {count_files(len(found.files))}: {out}")


def check_request(out: Path, images: Path | None, *, settings: MeasureSettings) -> None:
    """Find what would stop the work, or leave columns out that were asked for by name.

    Raises:
        SettingsError: a table of no known format, brightness without images, or uncertainty.
        FileError: the table cannot be written.
    """
    if not out.suffix:
        raise SettingsError(f"-o {out}: wanted a file for the table, such as {out}.csv.")
    check_format(out.suffix.lower().removeprefix("."))
    check_writable(out, is_file=True)
    for name in settings.properties:
        group = COLUMNS[name].group if name in COLUMNS else name
        if group == "intensity" and images is None:
            raise SettingsError(
                f"--properties {name}: brightness is measured in the images; name them too, "
                "coverslip measure LABELS IMAGES."
            )
        if group == "uncertainty":
            raise SettingsError(
                f"--properties {name}: label files do not say how sure a model was; "
                "coverslip segment measures it."
            )
