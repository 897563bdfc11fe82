"""figure → the bytes of a PDF, an SVG or a PNG, the same for the same figure."""

import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINT_DPI = 300

# What would differ from one run or machine to the next is left out.
METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": "coverslip", "Producer": None, "CreationDate": None},
    "png": {"Software": None},
    "svg": {"Creator": "coverslip", "Date": None},
}


def figure_to_bytes(
    figure: "Figure", *, form: Literal["pdf", "png", "svg"], dpi: int = PRINT_DPI
) -> bytes:
    """Write a figure into memory.

    Args:
        figure: One of this package's, or any other.
        form: "pdf": vectors, with its fonts embedded as TrueType, so that journals accept it and
            the text stays text; pictures in it have `dpi`. "svg": vectors, whose text stays text
            too. "png": pixels.
        dpi: Dots per inch.

    Returns:
        The file; no date is in it, so that the same figure gives the same bytes.
    """
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context(
        {
            "pdf.fonttype": 42,
            "svg.fonttype": "none",
            "svg.hashsalt": "coverslip",
            "savefig.bbox": None,
            "savefig.transparent": False,
        }
    ):
        figure.savefig(file, format=form, dpi=dpi, metadata=METADATA[form])
    return file.getvalue()
