"""shape + stride → the places of the tiles, in multiples of the network's stride."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.tiling import lay_tiles, round_up

if TYPE_CHECKING:
    from coverslip.inference.settings import PredictSettings
    from coverslip.tiling import Grid

LEAST_TILE_PX = 64  # where memory is short for so little, smaller tiles help no more


def lay_grid(shape: tuple[int, int], *, stride: int, settings: PredictSettings) -> Grid:
    """Lay tiles over a shape (H, W), so that each is pooled as it is in the whole image.

    Raises:
        SettingsError: tiles too small for the network's stride.
    """
    tile, overlap = tile_and_overlap(stride, settings)
    return lay_tiles(shape, tile=tile, overlap=overlap, multiple=stride)


def halve_tiles(
    shape: tuple[int, int], *, stride: int, settings: PredictSettings
) -> PredictSettings | None:
    """Settings for tiles of half the side that overlap as far, if they can; None if too small."""
    tile = lay_grid(shape, stride=stride, settings=settings).tile
    side = round_up(max(tile) // 2, stride)
    if not LEAST_TILE_PX <= side < max(tile):
        return None
    overlap = min(settings.overlap_px, side // 2 // stride * stride)
    return replace(settings, tile_px=side, overlap_px=overlap)


def tile_and_overlap(stride: int, settings: PredictSettings) -> tuple[int, int]:
    """Side and overlap of the tiles in pixels, rounded up to the stride.

    Raises:
        SettingsError: the overlap is not smaller than the side.
    """
    tile, overlap = round_up(settings.tile_px, stride), round_up(settings.overlap_px, stride)
    if overlap >= tile:
        raise SettingsError(
            f"tile_px {settings.tile_px} and overlap_px {settings.overlap_px} are both {tile} when "
            f"rounded up to {stride}, the network's stride; use a tile_px over {overlap}."
        )
    return tile, overlap
