"""a figure and its caption → files: PDF, PNG, and a page that shows all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from coverslip import write_bytes, write_text
from coverslip.figures import PRINT_DPI, figure_to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

# A PDF is for print; a PNG is for the screen, and many of them make a heavy repository.
DPI: dict[Literal["pdf", "png"], int] = {"pdf": PRINT_DPI, "png": 180}


@dataclass(frozen=True)
class PaperFigure:
    """A figure that is ready.

    Attributes:
        stem: of its files: ``"figure3"``.
        figure: itself.
        caption: what it shows, and by what rule its images came to be in it.
        images: their names, as ``"dsb2018/3f9a"``; none for a figure without images.
    """

    stem: str
    figure: Figure
    caption: str
    images: list[str] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """``"Figure 3"``, or ``"Figure 6, phase_contrast"``, from its stem."""
        name, _, data = self.stem.removeprefix("figure").partition("_")
        return f"Figure {name}, {data}" if data else f"Figure {name}"


def sentence(words: str) -> str:
    """Words with a capital, to begin a line."""
    return words[:1].upper() + words[1:]


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PDF and PNG, each whole or not at all; the same figure, the same bytes.

    Args:
        figure: any figure of matplotlib.
        stem: path of the files without their ending.

    Returns:
        The two files.

    Raises:
        FileError: a file cannot be written.
    """
    paths = []
    for form in DPI:
        paths.append(path := stem.with_name(f"{stem.name}.{form}"))
        write_bytes(path, figure_to_bytes(figure, form=form, dpi=DPI[form]))
    return paths


def write_figures(drawn: Sequence[PaperFigure], out: Path) -> list[Path]:
    """Write all figures, and ``figures.md`` with their captions.

    Raises:
        FileError: a file cannot be written.
    """
    paths = [path for one in drawn for path in save_figure(one.figure, out / one.stem)]
    write_text(out / "figures.md", figures_page(drawn))
    return [*paths, out / "figures.md"]


def figures_page(drawn: Sequence[PaperFigure]) -> str:
    """Markdown: each figure with its caption and the names of its images."""
    parts = ["# Figures\n"]
    for one in drawn:
        parts.append(f"## {one.heading}\n\n![{one.heading}]({one.stem}.png)\n\n{one.caption}\n")
        if one.images:
            parts.append(f"Images: {', '.join(f'`{name}`' for name in one.images)}.\n")
        parts.append(f"For print: `{one.stem}.pdf`, beside it.\n")
    return "\n".join(parts)
