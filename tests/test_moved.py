"""Old public names work for one version more, and say where they are now."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module

import pytest

import coverslip
from coverslip._moved import NAMES, ROOMS

# What the rooms of version 0.1 gave to others.
OLD = {
    "augment": (
        "AugmentSettings NO_FAULTS add_noise add_shot_noise augment blur "
        "change_intensity compress illuminate lose_resolution random_displacement "
        "random_grid scale_faults sharpen "
    ),
    "backends": (
        "BACKENDS Forward OnnxNetwork TOLERANCE check_onnx choose_backend fold_norms "
        "make_forward network_to_onnx pack_onnx read_onnx respect_quota run_onnx "
        "unpack_onnx "
    ),
    "cells": (
        "MAPS NOWHERE Sides UNSEEN_PX at_the_edge cell_sizes check_limits check_maps "
        "drop_cells edge_distance fill_cells labels_to_maps mask_to_labels number_cells "
        "probs_to_mask separate separate_part "
    ),
    "checkpoint": (
        "Checkpoint FORMAT build_network halve hash_contents load_checkpoint read_card "
        "read_tensors save_checkpoint save_onnx write_tensors "
    ),
    "classical": "EGTSettings METHODS PHANTAST_GUI PhantastSettings Settings egt phantast",
    "data": (
        "BYTES_PER_PIXEL Batch Draw PairDataset ResidentPairs Sample SampleSettings "
        "Whole balance_weights epoch_batches fold_pairs hash_pairs load_labelled "
        "load_pair median_cell_size prepare_labelled prepare_pair random_crop "
        "read_groups select_pairs split_pairs stack_samples "
    ),
    "evaluate": (
        "CELL_COLUMNS COLUMNS FilePair Matches SUMMARY_COLUMNS evaluate evaluate_files "
        "evaluate_folders match_files summarise summary_in_percent "
    ),
    "export": "Outline find_outlines",
    "files": (
        "CURES FrameReader IN_USE ImageFile Ledger OME_ZARR_VERSION Pair channel_number "
        "check_labels check_pairs check_projection check_writable create_levels "
        "describe_levels find_images find_pairs fingerprint group_label_files "
        "hash_content is_one_image is_written label_files_in label_name level_sizes "
        "mask_stem only_here open_frame open_image open_label_file open_label_frames "
        "open_pages pair_images project read_error read_frame read_frames read_labels "
        "read_truth remove_leftovers say_ambiguous stem whole_folder whole_or_nothing "
        "write_bytes write_error write_image write_label_regions write_labels "
        "write_text writing "
    ),
    "images": (
        "Preprocess SAMPLE_PX dict_to_preprocess normalise preprocess replace_nonfinite "
        "resize_image resize_labels resize_window sample_step stretch stretch_between "
        "to_grey to_rgb "
    ),
    "losses": (
        "LOSSES MOST_WEIGHT bce_dice_loss bce_loss dice_loss jaccard_bce_loss "
        "jaccard_loss maps_loss sum_pixels "
    ),
    "measure": "COLOURS COLUMNS Column MeasureSettings column_of confluence in_order measure",
    "method": "Method",
    "outlines": (
        "EAST NORTH Outline SOUTH STEP_X STEP_Y WEST find_outlines labels_to_rings number_pieces "
    ),
    "predict": (
        "PredictSettings Prediction Predictor Source TileStore check_predict "
        "make_predictor open_predictor pick_backend predict smaller_tiles_message "
    ),
    "pretrained": "IMAGENET_URLS load_pretrained",
    "regions": (
        "Region RegionSettings Sides Window beyond join lay_regions meet seen_from whole_region "
    ),
    "robustness": (
        "DEGRADATIONS Degradation ROBUSTNESS_COLUMNS SUMMARY_COLUMNS UNDISTURBED "
        "degrade measure_robustness summarise_robustness "
    ),
    "shipped": "find_model load_model shipped_models",
    "suggest": (
        "Choice SUGGESTION_COLUMNS Suggestions Uncertainty choose copy_frames "
        "image_to_features measure_uncertainty suggest_frames "
    ),
    "symmetry": "Symmetry TTA",
    "tables": "LabelFile LabelFiles channel_names match_labels measure_files read_channels",
    "tiles": "Grid blend cut_from lay_tiles round_up tiles_in",
    "train": (
        "Plan Ranks TrainSettings fit joined leave one_cycle resume_plan settings_from start_run "
    ),
}


@pytest.mark.parametrize("room", OLD)
def test_every_public_name_of_before_is_what_it_is_now(room):
    assert room in ROOMS or any(room == lost for lost, _ in NAMES)
    for name in OLD[room].split():
        with pytest.warns(DeprecationWarning, match=rf"coverslip\.{room}\.{name} is coverslip\."):
            found = getattr(import_module(f"coverslip.{room}"), name)
        assert found is not None
        now = NAMES.get((room, name), f"{ROOMS.get(room)}.{name}")
        where, _, new = now.rpartition(".")
        assert found is getattr(import_module(f"coverslip.{where}"), new)


def test_the_warning_names_the_line_that_imports():
    with pytest.warns(DeprecationWarning) as caught:
        from coverslip.files import read_frame

    assert caught[0].filename == __file__
    assert read_frame is coverslip.read_frame


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(ImportError, match="read_frames_backwards"):
        from coverslip.files import read_frames_backwards  # noqa: F401
    with pytest.raises(AttributeError, match="weigh"):
        coverslip.weigh  # noqa: B018


def test_the_verb_is_the_verb_though_its_old_room_was_imported():
    code = (
        "import warnings; warnings.simplefilter('ignore'); import numpy as np; import coverslip;"
        "from coverslip.measure import measure;"
        "print(len(coverslip.measure(np.eye(3, dtype=int))), measure is not coverslip.measure)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "1 True\n"


def test_what_is_public_now_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(getattr(coverslip, name) is not None for name in coverslip.__all__)
    assert callable(coverslip.measure)
    with pytest.warns(DeprecationWarning, match=r"coverslip\.train since"):
        assert coverslip.fit is coverslip.train
