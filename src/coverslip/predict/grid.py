"""network + shape → the places of the tiles, in multiples of the network's stride."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from coverslip.errors import SettingsError
from coverslip.tiles import lay_tiles, round_up

if TYPE_CHECKING:
    from torch import nn

    from coverslip.predict.settings import PredictSettings
    from coverslip.tiles import Grid

LEAST_TILE_PX = 64  # where memory is short for so little, smaller tiles help no more


def lay_grid(network: nn.Module, shape: tuple[int, int], *, settings: PredictSettings) -> Grid:
    """Lay tiles over a shape (H, W), so that each is pooled as it is in the whole image.

    Raises:
        SettingsError: tiles too small for the network's stride.
    """
    tile, overlap = tile_and_overlap(network, settings)
    stride = cast("int", network.stride)
    return lay_tiles(shape, tile=tile, overlap=overlap, multiple=stride)


def halve_tiles(
    network: nn.Module, shape: tuple[int, int], *, settings: PredictSettings
) -> PredictSettings | None:
    """Settings for tiles of half the side that overlap as far, if they can; None if too small."""
    stride = cast("int", network.stride)
    tile = lay_grid(network, shape, settings=settings).tile
    side = round_up(max(tile) // 2, stride)
    if not LEAST_TILE_PX <= side < max(tile):
        return None
    overlap = min(settings.overlap_px, side // 2 // stride * stride)
    return replace(settings, tile_px=side, overlap_px=overlap)


def tile_and_overlap(network: nn.Module, settings: PredictSettings) -> tuple[int, int]:
    """Side and overlap of the tiles in pixels, rounded up to the stride.

    Raises:
        SettingsError: the overlap is not smaller than the side.
    """
    stride = cast("int", network.stride)
    tile, overlap = round_up(settings.tile_px, stride), round_up(settings.overlap_px, stride)
    if overlap >= tile:
        raise SettingsError(
            f"tile_px {settings.tile_px} and overlap_px {settings.overlap_px} are both {tile} when "
            f"rounded up to {stride}, the network's stride; use a tile_px over {overlap}."
        )
    return tile, overlap
