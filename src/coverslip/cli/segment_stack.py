"""coverslip segment --stack: labels just written → objects of each z-stack among them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.cli.stack import join_stacks
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coverslip.pipeline import Job, Record

OBJECTS = "objects"  # the folder of them, in that of the results


def join_segmented(
    done: Mapping[Path, Record],
    out: Path,
    *,
    job: Job,
    slice_distance_um: float | None,
) -> dict[Path, str]:
    """Join the slices of the stacks among segmented images.

    Args:
        done: what was segmented, with its records.
        out: the folder of the results; objects lie in a folder in it.
        job: what was done.
        slice_distance_um: from a slice to the next.

    Returns:
        The stacks that failed, with the reason.

    Raises:
        SettingsError: there is no stack among the images.
    """
    from coverslip.io import natural
    from coverslip.volumes import JoinSettings, open_stacks
    from coverslip.volumes.stacks import open_slices, with_images

    stacks = []
    singles = []
    for path, record in done.items():
        labels = out / record.labels[0]
        if len(record.images) > 1:
            stacks += [with_images(one, [path]) for one in open_stacks([labels])]
        else:
            singles.append((path, labels))
    if len(singles) > 1:  # the slices of one stack, in files of their own
        singles.sort(key=lambda pair: natural(pair[0]))
        name = singles[0][0].absolute().parent.name
        slices = open_slices(name, [labels for _, labels in singles])
        stacks.append(with_images(slices, [path for path, _ in singles]))
    if not stacks:
        raise SettingsError("--stack: none of these images is a stack, and one is no stack alone.")
    size = job.pixel_size_um
    return join_stacks(
        stacks,
        out / OBJECTS,
        settings=JoinSettings(),
        pixel_size_um=None if size is None else size[0],
        slice_distance_um=slice_distance_um,
        table=job.table,
    )
