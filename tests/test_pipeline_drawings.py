import numpy as np
import pandas as pd

from coverslip.io import write_labels
from coverslip.pipeline.outputs import Outputs
from coverslip.pipeline.summary import draw_frame, page_cells


def test_the_outlines_are_those_of_the_frame_that_is_asked_for(tmp_path):
    frames = np.zeros((3, 6, 8), dtype=np.uint32)
    frames[1, 2:4, 3:6] = 1
    frames[2, 0, 0] = 1
    frames[2, 5, 7] = 2
    target = Outputs(tmp_path, "film")
    write_labels(target.labels, iter(frames), shape=frames.shape, axes="TYX")
    cells = page_cells(pd.DataFrame(), {tmp_path / "film.tif": target})
    empty, one, two = (cells.draw(str(tmp_path / "film.tif"), frame) for frame in range(3))
    assert empty.rings == {} and one.shape == (6, 8)
    assert one.rings[1][0].tolist() == [[2, 3], [2, 6], [4, 6], [4, 3]]
    assert sorted(two.rings) == [1, 2] == sorted(two.colours)
    assert cells.csv == "cells.csv"


def test_labels_that_are_gone_are_not_drawn(tmp_path):
    assert draw_frame(tmp_path / "gone.tif", 0) is None
