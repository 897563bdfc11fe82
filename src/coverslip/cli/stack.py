"""coverslip stack: labels of the slices of a z-stack → objects in 3-D, with their volumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import count_of, new_progress, note, tell, tell_failed
from coverslip.cli.options import PixelSize
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.volumes import JoinSettings, LabelStack

Overlap = Annotated[
    float,
    typer.Option(
        "--overlap",
        "--stitch-threshold",
        help="Cells of neighbouring slices are one object from this overlap (IoU) on.",
    ),
]
SliceDistance = Annotated[
    float | None, typer.Option(help="From a slice to the next in µm, for volumes in µm³.")
]


def stack(
    labels: Annotated[
        list[Path], typer.Argument(help="Labels of a stack: a file of slices, or a folder of them.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    images: Annotated[
        Path | None, typer.Option(help="Their images, a file or a folder: for brightness.")
    ] = None,
    overlap: Overlap = 0.25,
    max_gap: Annotated[int, typer.Option(help="So many slices running may miss an object.")] = 1,
    min_slices: Annotated[
        int, typer.Option(help="Leave out objects in fewer slices than these.")
    ] = 1,
    pixel_size: PixelSize = None,
    slice_distance: SliceDistance = None,
    table: Annotated[str, typer.Option(help="The table as csv or parquet.")] = "csv",
) -> None:
    """Join the cells of a stack's slices to objects in 3-D, and measure them."""
    from coverslip.io import check_writable
    from coverslip.tables import check_format
    from coverslip.volumes import JoinSettings, open_stacks
    from coverslip.volumes.stacks import with_images

    check_format(table)
    check_writable(out)
    settings = JoinSettings(min_iou=overlap, max_gap=max_gap, min_slices=min_slices)
    stacks = open_stacks(labels)
    if images is not None:
        if len(stacks) > 1:
            raise SettingsError(
                f"--images {images}: these labels are {len(stacks)} stacks, and whose images they "
                "are cannot be told. Name one stack."
            )
        stacks = [with_images(stacks[0], [images])]
    failed = join_stacks(
        stacks,
        out,
        settings=settings,
        pixel_size_um=pixel_size,
        slice_distance_um=slice_distance,
        table=table,
    )
    raise typer.Exit(1 if failed else 0)


def join_stacks(
    stacks: Sequence[LabelStack],
    out: Path,
    *,
    settings: JoinSettings,
    pixel_size_um: float | None = None,
    slice_distance_um: float | None = None,
    table: str = "csv",
) -> dict[Path, str]:
    """Join stacks and say what was found; those that failed, with the reason.

    Raises:
        SettingsError: a size that cannot be, or two stacks of one name.
    """
    from coverslip.cli.arguments import name_folders
    from coverslip.errors import CoverslipError
    from coverslip.io import only_here
    from coverslip.volumes import join_stack

    for name, value in (("--pixel-size", pixel_size_um), ("--slice-distance", slice_distance_um)):
        if value is not None and not value > 0:
            raise SettingsError(f"{name} {value}: wanted more than 0 µm.")
    folders = name_folders([one.name for one in stacks], out, what="stacks")
    failed: dict[Path, str] = {}
    out.mkdir(parents=True, exist_ok=True)
    total = sum(2 * one.n_times * one.n_slices for one in stacks)
    with only_here(out), new_progress() as progress:
        task = progress.add_task("joining slices", total=total, info="")
        for one, folder in zip(stacks, folders, strict=True):
            try:
                with one:
                    found = join_stack(
                        one,
                        folder,
                        settings=settings,
                        pixel_size_um=None if pixel_size_um is None else (pixel_size_um,) * 2,
                        slice_distance_um=slice_distance_um,
                        form=table,
                        on_slice=lambda: progress.update(task, advance=1),
                    )
            except CoverslipError as error:
                failed[Path(one.name)] = str(error)
                continue
            for text in found.notes:
                note(f"{one.name}: {text}")
            tell(
                f"{count_of(len(found.table), 'object')} in {count_of(one.n_slices, 'slice')}: "
                f"{folder / f'objects.{table}'}"
            )
    tell_failed(failed)
    return failed
