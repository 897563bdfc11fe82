"""figure → the bytes of a PDF or a PNG, the same for the same figure."""

import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINT_DPI = 300

# What would differ from one run or machine to the next is left out.
METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": "coverslip", "Producer": None, "CreationDate": None},
    "png": {"Software": None},
}


def figure_to_bytes(
    figure: "Figure", *, form: Literal["pdf", "png"], dpi: int = PRINT_DPI
) -> bytes:
    """Write a figure into memory.

    Args:
        figure: One of this package's, or any other.
        form: "pdf": vectors, with its fonts embedded as TrueType, so that journals accept it and
            the text stays text; pictures in it have `dpi`. "png": pixels.
        dpi: Dots per inch.

    Returns:
        The file; no date is in it, so that the same figure gives the same bytes.

    Example:
        >>> from coverslip.figures import figure_of, figure_to_bytes, new_page
        >>> figure_to_bytes(figure_of(new_page(40, 20)), form="pdf")[:5]
        b'%PDF-'
    """
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context({"pdf.fonttype": 42, "savefig.bbox": None, "savefig.transparent": False}):
        figure.savefig(file, format=form, dpi=dpi, metadata=METADATA[form])
    return file.getvalue()
