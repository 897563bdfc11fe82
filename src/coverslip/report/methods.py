"""what was done, by what → a paragraph for the Methods of a paper, and its references as BibTeX.

Reproducible: the command line and the settings that do the same again stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Methods:
    """How results were made, for whoever writes or reads about them.

    Attributes:
        text: the paragraph.
        keys: of the references that it cites, in `REFERENCES`.
        version: of coverslip.
        command: the command line that does it again; "": it was done from Python.
        config: the same as a file of settings; "": likewise.
    """

    text: str
    keys: tuple[str, ...]
    version: str
    command: str = ""
    config: str = ""

    @property
    def bibtex(self) -> str:
        """The program and the references, as BibTeX has them."""
        program = (
            "@software{coverslip,\n"
            "  title = {coverslip: from microscope images to masks, cells and tables},\n"
            "  author = {{The coverslip developers}},\n"
            f"  version = {{{self.version}}}\n"
            "}"
        )
        return "\n\n".join([program, *(REFERENCES[key].bibtex(key) for key in self.keys)])


@dataclass(frozen=True)
class Reference:
    """An article, with the words by which a model's card names it."""

    authors: str
    title: str
    journal: str
    year: int
    doi: str
    pages: str = ""  # volume and pages, "16:1247--1253"
    words: tuple[str, ...] = ()

    def bibtex(self, key: str) -> str:
        """As BibTeX has it."""
        volume, _, pages = self.pages.partition(":")
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": volume,
            "pages": pages,
            "year": str(self.year),
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@article{{{key},\n" + ",\n".join(lines) + "\n}"

    def cite(self) -> str:
        """``"Jaccard et al. 2014"``."""
        names = self.authors.split(" and ")
        others = " et al." if len(names) > 2 else ""
        first = names[0].partition(",")[0]
        if len(names) == 2:
            first = f"{first} and {names[1].partition(',')[0]}"
        return f"{first}{others} {self.year}"


REFERENCES = {
    "ayanzadeh2021": Reference(
        "Ayanzadeh, Aydin and Yalçın Özuysal, Özden and Pesen Okvur, Devrim and Önal, Sevgi and "
        "Töreyin, Behçet Uğur and Ünay, Devrim",
        "Improved cell segmentation using deep learning in label-free optical microscopy images",
        "Turkish Journal of Electrical Engineering and Computer Sciences",
        2021,
        "10.3906/elk-2105-244",
        pages="29:2855--2868",
        words=("resnet18_unet_rp",),
    ),
    "chalfoun2015": Reference(
        "Chalfoun, Joe and Majurski, Michael and Peskin, Adele and others",
        "Empirical gradient threshold technique for automated segmentation across image modalities "
        "and cell lines",
        "Journal of Microscopy",
        2015,
        "10.1111/jmi.12269",
        words=("egt",),
    ),
    "jaccard2014": Reference(
        "Jaccard, Nicolas and Griffin, Lewis D. and Keser, Ana and others",
        "Automated method for the rapid and precise estimation of adherent cell culture "
        "characteristics from phase contrast microscopy images",
        "Biotechnology and Bioengineering",
        2014,
        "10.1002/bit.25115",
        pages="111:504--517",
        words=("phantast", "phantast_gui"),
    ),
    "caicedo2019": Reference(
        "Caicedo, Juan C. and Goodman, Allen and Karhohs, Kyle W. and others",
        "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl",
        "Nature Methods",
        2019,
        "10.1038/s41592-019-0612-7",
        pages="16:1247--1253",
        words=("BBBC038",),
    ),
    "tsai2019": Reference(
        "Tsai, Hsieh-Fu and Gajda, Joanna and Sloan, Tyler F. W. and others",
        "Usiigaci: Instance-aware cell tracking in stain-free phase contrast microscopy enabled by "
        "machine learning",
        "SoftwareX",
        2019,
        "10.1016/j.softx.2019.02.007",
        pages="9:230--237",
        words=("Usiigaci", "Tsai et al., SoftwareX"),
    ),
    "kromp2020": Reference(
        "Kromp, Florian and Bozsaky, Eva and Rifatbegovic, Fikret and others",
        "An annotated fluorescence image dataset for training nuclear segmentation methods",
        "Scientific Data",
        2020,
        "10.1038/s41597-020-00608-w",
        pages="7:262",
        words=("S-BSST265",),
    ),
}


def find_references(*texts: str) -> tuple[str, ...]:
    """The keys of the references that texts name, by the words of a model's card.

    Example:
        >>> from coverslip.report.methods import find_references
        >>> find_references("BBBC038, Caicedo et al. 2019")
        ('caicedo2019',)
    """
    return tuple(
        key
        for key, one in REFERENCES.items()
        if any(word == text or word in text for word in one.words for text in texts if text)
    )


def cite(keys: Iterable[str]) -> str:
    """``" (Caicedo et al. 2019; Tsai et al. 2019)"``, or nothing."""
    words = "; ".join(REFERENCES[key].cite() for key in keys)
    return f" ({words})" if words else ""


def methods_to_text(methods: Methods) -> str:
    """The file that lies beside results: paragraph, command, settings and references."""
    parts = [methods.text]
    if methods.command:
        parts.append(f"The command that does it again:\n\n  {methods.command}")
    if methods.config:
        parts.append(f"The same as a file, for --config:\n\n{methods.config.rstrip()}")
    parts.append(f"References (BibTeX):\n\n{methods.bibtex}")
    return "\n\n".join(parts) + "\n"
