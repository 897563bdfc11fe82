"""an option of another tool → what coverslip calls it: Cellpose's, StarDist's and others'."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

GPU = "--device auto, the default, takes a GPU where there is one; --device cuda insists on it."
OUT = "The folder of the results is -o FOLDER."
IMAGES = "Images come after the verb: coverslip segment IMAGES -o FOLDER."
STACK = (
    "Each depth of a stack is a picture of its own, or --project max makes one of them; cells are "
    "not joined through depths."
)
AXES = "--axes says what the dimensions are, one letter for each, such as TYX."
ROIS = "Segment first; then coverslip export FOLDER --to roi -o ROIS."
WORDS = {
    **dict.fromkeys(("--use_gpu", "--gpu", "--gpu_device"), GPU),
    **dict.fromkeys(("--savedir", "--save_dir", "--outdir", "--output", "--output_dir"), OUT),
    **dict.fromkeys(("--dir", "--image_path", "--input", "-i"), IMAGES),
    **dict.fromkeys(("--do_3D", "--anisotropy", "--stitch_threshold"), STACK),
    **dict.fromkeys(("--channel_axis", "--z_axis"), AXES),
    **dict.fromkeys(("--save_rois", "--save_txt", "--save_outlines"), ROIS),
    **dict.fromkeys(
        ("--pretrained_model", "--model_type", "--add_model"),
        "--model takes the name of a model that ships, or the path of your own.",
    ),
    "--chan": "--channel takes a channel's number, counted from 0, or its name.",
    "--chan2": "One channel is segmented, by --channel; the others are measured.",
    "--cellprob_threshold": "--threshold is a probability: where Cellpose says 0, it is 0.5.",
    "--flow_threshold": "There are no flows that could disagree, so nothing is sorted out by them.",
    "--prob_thresh": "--threshold is the probability above which a pixel is cell.",
    "--nms_thresh": "Each pixel has one cell from the start, so no outlines overlap.",
    "--n_tiles": "--tile is the side of the pieces in pixels; a large image needs no option.",
    "--min_size": "--min-area drops cells smaller than so many pixels.",
    "--exclude_on_edges": "--drop-border leaves out cells at the image's edge.",
    "--save_tif": "Labels are always written, as OME-TIFF.",
    "--save_png": "Labels are always written, as OME-TIFF, which hold more than 65,535 cells.",
    "--train": "To learn from annotated images: coverslip train IMAGES -o RUN.",
    "--n_epochs": "--epochs is the number of passes over the images.",
    "--learning_rate": "--lr is the highest learning rate.",
    "--batch_size": "--batch of coverslip train is the number of images a step.",
    "--mask_filter": "Masks are known by the usual endings; --masks names their folder.",
}


class Verb(TyperCommand):
    """A verb whose message for an unknown option says what it is called here."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; the error for one that is another tool's has a cure."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            name = getattr(error, "option_name", None)
            if name in WORDS:
                error.message = f"No such option: {name}. {WORDS[name]}"  # type: ignore[attr-defined]
                error.possibilities = None  # type: ignore[attr-defined]
            raise
