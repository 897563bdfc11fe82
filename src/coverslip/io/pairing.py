"""files of two kinds → pairs by name: image and mask, prediction and truth, labels and image.

Annotated images for training, ground truth for scores, label files and their microscope images, and
the folders of the Cell Tracking Challenge find each other here, by one rule and with one message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from coverslip.errors import DataError, FileError, list_problems
from coverslip.io.annotations.readers import find_annotations, is_annotation
from coverslip.io.discovery import (
    MASK_FOLDERS,
    group_by,
    images_in,
    mask_stem,
    natural,
    stem,
    without_images,
)
from coverslip.io.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the Cell Tracking Challenge calls the image of a frame, its true labels, and predicted ones.
ANNOTATED = r"man_(?:seg|track)\d{3,}"
CHALLENGE = r"(?:t|mask|man_seg|man_track)(\d{3,})"


@dataclass(frozen=True)
class Named:
    """Files of one kind, by the names that they may share with files of another kind.

    Attributes:
        what: What they are, to be said: "image", "mask", "prediction", "truth".
        where: What they were found in, to be said.
        files: Those of each name.
    """

    what: str
    where: str | Path
    files: Mapping[str, Sequence[Path]]


class Matched(NamedTuple):
    """Files of two kinds that share names.

    Attributes:
        pairs: One of each kind, by the name of the first.
        left: Those of the second kind that none of the first asks for, by their names.
        problems: A line for each name with several files, or without one of the second kind.
    """

    pairs: dict[str, tuple[Path, Path]]
    left: dict[str, Path]
    problems: list[str]


def match_names(asking: Named, asked: Named) -> Matched:
    """Find for every file of one kind the file of another kind, by name: the one rule of pairing.

    Names are the same, or are those that the Cell Tracking Challenge gives to one frame.

    >>> images = Named("image", "01", {"t000": [Path("t000.tif")], "t001": [Path("t001.tif")]})
    >>> truth = Named("truth", "01_GT", {"man_seg001": [Path("man_seg001.tif")]})
    >>> match_names(truth, images).pairs["man_seg001"][1].name
    't001.tif'
    >>> match_names(images, truth).problems
    ['t000.tif: no truth of the name t000 in 01_GT. Add it, or move the image away.']
    """
    by_frame = {challenge_name(name): name for name in asked.files}
    partners = {
        name: name if name in asked.files else by_frame.get(challenge_name(name), "")
        for name in asking.files
    }
    used = set(partners.values())
    both = (*asking.files.items(),), (*asked.files.items(),)
    problems = [
        say_ambiguous(files, what=kind.what)
        for kind, groups in zip((asking, asked), both, strict=True)
        for name, files in groups
        if len(files) > 1 and (kind is asking or name in used)
    ]
    problems += [
        say_missing(asking.files[name][0], asked, name=name, what=asking.what)
        for name, partner in partners.items()
        if not partner
    ]
    pairs = {
        name: (asking.files[name][0], asked.files[partner][0])
        for name, partner in partners.items()
        if partner
    }
    left = {name: files[0] for name, files in asked.files.items() if name not in used}
    return Matched(pairs, left, problems)


def challenge_name(name: str) -> str:
    """The frame that a name of the Cell Tracking Challenge is of; another name stays.

    >>> challenge_name("man_seg007"), challenge_name("mask007"), challenge_name("masked")
    ('t007', 't007', 'masked')
    """
    found = re.fullmatch(CHALLENGE, name)
    return f"t{found[1]}" if found else name


def say_ambiguous(files: Sequence[Path], *, what: str = "label file") -> str:
    """What is wrong with several files of one name."""
    others = ", ".join(file.name for file in files[1:])
    return f"{files[0]}: another {what} has the same name: {others}. Keep one, or rename."


def say_missing(path: Path, asked: Named, *, name: str, what: str) -> str:
    """What is wrong with a file without a partner."""
    return (
        f"{path}: no {asked.what} of the name {name} in {asked.where}. "
        f"Add it, or move the {what} away."
    )


def pair_images(
    labels: Mapping[str, Path], images: Sequence[Path], *, where: str | Path, option: str
) -> dict[str, Path]:
    """Find the image of every label file, by name.

    Args:
        labels: Label files by the names of their images.
        images: The image files.
        where: What they were found in, to be said.
        option: Without which there would be no images, to be said.

    Returns:
        The images by the same names.

    Raises:
        DataError: Label files without an image, or with several; all are listed at once.
    """
    by_name = group_by(images, key=_stem_and_type) | group_by(images, key=stem)
    asking = Named("label file", "", {name: [path] for name, path in labels.items()})
    found = match_names(asking, Named("image", where, by_name))
    if found.problems:
        cure = f"Give every label file one image of the same name, or leave {option} out"
        raise DataError(list_problems(found.problems, cure=cure))
    return {name: image for name, (_, image) in found.pairs.items()}


def _stem_and_type(path: Path) -> str:
    """What coverslip segment calls an image where two share a stem: a_png, a_tif."""
    return f"{stem(path)}_{path.suffix.removeprefix('.')}"


@dataclass(frozen=True)
class Pair:
    """An image and its truth.

    Attributes:
        name: What they have in common.
        image: The image file.
        masks: One file of a mask or of labels, or one file per cell.
        reading: Which picture of the image's file is meant.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> pairs[0].name, pairs[0].image.name, [mask.name for mask in pairs[0].masks]
        ('fluorescence_culture', 'fluorescence_culture.png', ['fluorescence_culture.png'])
    """

    name: str
    image: Path
    masks: tuple[Path, ...]
    reading: Reading = field(default_factory=Reading)


def find_pairs(
    images: str | Path, masks: str | Path | None = None, *, reading: Reading | None = None
) -> list[Pair]:
    """Find images and the masks that belong to them.

    Args:
        images: One of

            - a folder of images, with `masks` given,
            - a folder that holds ``images/`` and ``labels/`` or ``masks/``,
            - a folder in the layout of the Data Science Bowl 2018, one file per cell:
              ``<name>/images/*.png`` and ``<name>/masks/*.png``,
            - a folder in the layout of the Cell Tracking Challenge: ``01/t000.tif`` and
              ``01_GT/SEG/man_seg000.tif`` (or ``01_ST``); frames without labels are left out,
            - a folder with masks beside the images: ``name.tif`` and ``name_mask.tif`` (or
              ``_masks``, ``_labels``, ``_cp_masks``, ``_seg``; any image suffix), or annotations
              of another tool: ``name_seg.npy``, ``name.json``, ``name.geojson``, ``name_rois.zip``.
        masks: A folder of masks with the names of the images, or with one of those endings; or
            COCO's JSON, which names its images.
        reading: Which channel, depth and axes of the images are meant; None: as the files say.

    Returns:
        The pairs in natural order of their names.

    Raises:
        FileError: A folder is not there.
        DataError: Missing partners, several files of one name, or no pair at all; all at once.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> len(pairs), pairs[0].name
        (5, 'fluorescence_culture')
    """
    images, masks = Path(images), None if masks is None else Path(masks)
    for folder in (images, masks):
        if folder is not None and not folder.is_dir() and not _is_file(folder, masks):
            raise FileError(f"{folder}: no such folder. Check its path.")
    pairs, problems = _by_layout(images, masks)
    if problems:
        lines = "".join(f"\n  {line}" for line in problems)
        raise DataError(f"{images}: images and masks do not fit together:{lines}")
    if not pairs:
        raise DataError(
            f"{images}: no pair of an image and its mask. Wanted are {images / 'images'} and "
            f"{images / 'labels'} with the same file names, or name.tif beside name_mask.tif; "
            "masks that lie elsewhere are named by --masks FOLDER."
        )
    pairs.sort(key=lambda pair: natural(Path(pair.name)))
    return pairs if reading is None else [replace(pair, reading=reading) for pair in pairs]


def _is_file(path: Path, masks: Path | None) -> bool:
    """Whether a path is an annotation file given for the masks."""
    return path == masks and path.is_file() and is_annotation(path)


def _by_layout(images: Path, masks: Path | None) -> tuple[list[Pair], list[str]]:
    if masks is not None:
        segmented = masks / "SEG"  # of the Cell Tracking Challenge's NN_GT
        return _two_folders(images, segmented if segmented.is_dir() else masks)
    inner = [images / name for name in MASK_FOLDERS if (images / name).is_dir()]
    if (images / "images").is_dir() and inner:
        if len(inner) > 1:
            return [], [f"{inner[0]} and {inner[1]} are both there. Name the one you mean."]
        return _two_folders(images / "images", inner[0])
    entries = sorted((path for path in images.iterdir() if path.is_dir()), key=natural)
    bowl = [entry for entry in entries if (entry / "images").is_dir()]
    films = [entry for entry in entries if find_annotated(entry) is not None]
    if films:
        return _challenge(films)
    return _bowl(bowl) if bowl else _side_by_side(images)


def find_annotated(film: Path) -> Path | None:
    """The folder of a film's labels, as the Cell Tracking Challenge lays them; gold before silver.

    They lie in NN_GT/SEG or NN_ST/SEG beside the images, which are in NN.
    """
    folders = [film.with_name(f"{film.name}_{kind}") / "SEG" for kind in ("GT", "ST")]
    return next((folder for folder in folders if folder.is_dir()), None)


def _challenge(films: Sequence[Path]) -> tuple[list[Pair], list[str]]:
    """The annotated frames of several films, by the names NN_tTTT."""
    pairs: list[Pair] = []
    problems: list[str] = []
    for film in films:
        found, wrong = _two_folders(film, find_annotated(film) or film)
        pairs += [replace(pair, name=f"{film.name}_{pair.name}") for pair in found]
        problems += wrong
    return pairs, problems


def _two_folders(images: Path, masks: Path) -> tuple[list[Pair], list[str]]:
    if images.resolve() == masks.resolve():
        return _side_by_side(images)
    pictures = images_in(images)
    names = {stem(path) for path in pictures}
    labels: dict[str, list[Path]] = {}
    files = images_in(masks) if masks.is_dir() else []
    for path in [*files, *without_images(find_annotations(masks), files)]:
        # A mask may have the very name of an image that itself ends in "_mask".
        name = stem(path) if stem(path) in names else mask_stem(path)
        labels.setdefault(name, []).append(path)
    by_name = group_by(pictures, key=stem)
    if labels and all(re.fullmatch(ANNOTATED, name) for name in labels):
        # Of a film of the Cell Tracking Challenge a person annotated some frames alone.
        known = {challenge_name(name) for name in labels}
        by_name = {name: them for name, them in by_name.items() if challenge_name(name) in known}
    return _match(by_name, labels, where=str(masks), images=images)


def _side_by_side(folder: Path) -> tuple[list[Pair], list[str]]:
    files = images_in(folder)
    masks = [path for path in files if mask_stem(path) != stem(path)]
    drawn = without_images(find_annotations(folder), masks)
    labels = group_by([*masks, *drawn], key=mask_stem)
    pictures = [path for path in files if mask_stem(path) == stem(path)]
    if not labels:
        return [], []
    where = f"{folder}, ending in _mask or the like"
    return _match(group_by(pictures, key=stem), labels, where=where, images=folder)


def _match(
    pictures: dict[str, list[Path]], labels: dict[str, list[Path]], *, where: str, images: Path
) -> tuple[list[Pair], list[str]]:
    masks = Named("mask", where, labels)
    found = match_names(Named("image", str(images), pictures), masks)
    problems = found.problems + [
        say_missing(path, Named("image", str(images), pictures), name=name, what="mask")
        for name, path in found.left.items()
    ]
    pairs = [Pair(name, image, (mask,)) for name, (image, mask) in found.pairs.items()]
    return pairs, problems


def _bowl(entries: Sequence[Path]) -> tuple[list[Pair], list[str]]:
    """One folder per image, in it `images/` with one file and `masks/` with one file per cell."""
    pairs, problems = [], []
    for entry in entries:
        pictures = images_in(entry / "images")
        masks = images_in(entry / "masks") if (entry / "masks").is_dir() else []
        if len(pictures) != 1:
            problems.append(
                f"{entry / 'images'}: {len(pictures)} images, where one is wanted. "
                "Keep the one that the masks belong to."
            )
        elif not masks:
            problems.append(
                f"{pictures[0]}: no mask in {entry / 'masks'}. Add them, or move {entry} away."
            )
        else:
            pairs.append(Pair(entry.name, pictures[0], tuple(masks)))
    return pairs, problems
