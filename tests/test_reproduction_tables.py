import re

import pandas as pd
import pytest

from coverslip.errors import SettingsError
from coverslip.reproduction.tables import ablation_table, cost_table, paper_table, write_table
from coverslip.reproduction.tables.layout import SOURCE_COLUMNS, signed
from coverslip.reproduction.tables.paper import FOOTNOTES, TABLES
from handmade_run import make_run

RP = "resnet18_unet_rp"
DIVERGED = [{"lr": lr, "outcome": "diverged", "reason": "nan"} for lr in (0.001, 0.0001)]
LOWERED = [DIVERGED[0], {"lr": 0.0001, "outcome": "converged", "reason": ""}]


def dsb_runs():
    """RP with two seeds, U-Net with one; RP is ten points better on both images of seed0."""
    return [
        make_run(RP, {"a": 80, "b": 60}, split="seed0"),
        make_run(RP, {"a": 90, "b": 50}, split="seed1"),
        make_run("unet", {"a": 70, "b": 50}, split="seed0", attempts=LOWERED),
        make_run("egt", {"a": 40, "b": 20}, split="seed0"),
    ]


def row(frame, label):
    """The row of a system, its footnote's letter aside."""
    (found,) = (r for r in frame.to_dict("records") if r["System"].rstrip(" ᵃᵇᶜᵈ") == label)
    return found


def test_ours_stand_beside_the_papers():
    table = paper_table(4, dsb_runs(), budget="full")
    assert row(table.frame, "ResNet18-UNet+RP") == {
        "System": "ResNet18-UNet+RP",
        "JS paper": "84.8 ± 2.0",
        "JS ours": "70.0 ± 21.2",  # images 85 and 55
        "ours − paper": "−14.8",
        "DC paper": "91.7 ± 2.1",
        "DC ours": "81.3 ± 14.8",  # 8 of 9 and 18 of 19; 3 of 4 and 2 of 3
        "P paper": "92.7 ± 2.5",
        "P ours": "100.0 ± 0.0",
        "R paper": "90.8 ± 1.8",
        "R ours": "70.0 ± 21.2",
    }


def test_jaccard_counted_in_all_ways():
    table = paper_table(4, dsb_runs(), budget="full", splits=("seed0", "seed1", "seed2"))
    ways = table.details["Jaccard in percent, counted in other ways"]
    assert row(ways, "ResNet18-UNet+RP") == {
        "System": "ResNet18-UNet+RP",
        "seeds": "2 of 3",
        "images": "2",
        "over images": "70.0 ± 21.2",
        "over pixels": "70.0",
        "over seeds": "70.0 ± 0.0",
        "best seed": "70.0 ± 14.1 (seed0)",
        "at native size": "60.0 ± 21.2",
        "RP − this [95 %]": "—",
    }
    # paired on seed0 alone, where U-Net was run: ten points on each image, whichever are drawn
    assert row(ways, "U-Net")["RP − this [95 %]"] == "+10.0 [+10.0, +10.0]"
    assert row(ways, "U-Net")["over seeds"] == "60.0"
    assert row(ways, "EGT")["RP − this [95 %]"] == "+40.0 [+40.0, +40.0]"


def test_augmentation_changes_networks_and_not_classical_methods():
    with_tta, without = (paper_table(n, dsb_runs(), budget="full").frame for n in (3, 4))
    assert row(with_tta, "U-Net")["JS ours"] == "62.0 ± 14.1"
    assert row(without, "U-Net")["JS ours"] == "60.0 ± 14.1"
    assert row(with_tta, "EGT")["JS ours"] == row(without, "EGT")["JS ours"] == "30.0 ± 14.1"


def test_how_each_was_trained():
    trained = paper_table(3, dsb_runs(), budget="full").details["How each was trained"]
    assert row(trained, "U-Net") == {
        "System": "U-Net",
        "start": "ImageNet",
        "parameters (M)": "17.65",
        "learning rate": "0.0001, lowered from 0.001",
        "steps × batch at size": "4000 × 8 at 256 px",
        "key": "unet",
    }
    assert set(row(trained, "EGT").values()) == {"EGT", "egt", "no learning", "—"}


def test_a_rate_lowered_on_one_seed_says_on_which():
    runs = [
        make_run("unet", {"a": 70}, split="seed0"),
        make_run("unet", {"a": 70}, split="seed1", attempts=LOWERED),
    ]
    trained = paper_table(3, runs, budget="full").details["How each was trained"]
    wanted = "0.001 on seed0; 0.0001, lowered from 0.001 on seed1"
    assert row(trained, "U-Net")["learning rate"] == wanted


def test_crops_are_told():
    run = make_run("unet", {"a": 70})
    run.budget.update(crop_px=128, epochs=10, steps_per_epoch=25)
    trained = paper_table(3, [run], budget="full").details["How each was trained"]
    assert row(trained, "U-Net")["steps × batch at size"] == "250 × 8 at 256 px, crops of 128"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_without_runs_the_papers_rows_in_its_order(number):
    table = paper_table(number, [], budget="full")
    assert len(table.frame) == len(TABLES[number])
    assert list(table.frame.columns) == ["System", "JS paper", "DC paper", "P paper", "R paper"]
    assert table.details == {}
    assert table.notes[-1] == "Nothing was run yet: the numbers are the paper's."
    printed = [
        f"{mean:.1f} ± {sd:.1f}" for mean, sd in (r.jaccard for r in TABLES[number].values())
    ]
    assert table.frame["JS paper"].tolist() == printed


def test_systems_without_runs_have_a_dash():
    frame = paper_table(3, dsb_runs(), budget="full").frame
    assert row(frame, "SegNet")["JS paper"] == "72.3 ± 2.9"
    assert row(frame, "SegNet")["JS ours"] == "—"
    assert row(frame, "SegNet")["ours − paper"] == "—"
    assert row(frame, "EGT")["JS paper"] == "—"


def test_the_papers_order_then_what_it_has_not():
    systems = ("swift", "segnet", "phantast_tuned", "unet", "unet_plus_plus")
    runs = [make_run(s, {"a": 50}, dataset="phase_contrast", split="fold0") for s in systems]
    labels = paper_table(1, runs, budget="full").frame["System"].tolist()
    assert [label.rstrip(" ᵃᵇᶜ") for label in labels] == [
        "EGT",
        "PHANTAST",
        "PHANTAST, tuned",
        "U-Net",
        "BCDU-Net",
        "Tip-Net (reconstruction)",
        "ResNet18-U-Net",
        "ResNet18-UNet+RP",
        "ResNet18-FPN",
        "Double-UNet",
        "DDANet",
        "SegNet",
        "U-Net++",
        "swift (ours)",
    ]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_footnotes_follow_their_letters(number):
    table = paper_table(number, dsb_runs(), budget="full")
    marks = [label[-1] for label in table.frame["System"] if label[-1] in "ᵃᵇᶜᵈ"]
    assert "".join(marks) == "ᵃᵇᶜᵈ"[: len(FOOTNOTES[number])]
    assert [note[0] for note in table.notes[: len(marks)]] == marks


def test_the_stand_in_is_never_called_by_the_papers_name():
    run = make_run(RP, {"a": 80}, dataset="phase_contrast", split="fold0")
    table = paper_table(1, [run], budget="full")
    assert table.title == (
        "The paper's Table 1, with phase_contrast in place of the unpublished MDA-MB-231 frames, "
        "with test-time augmentation, at 256 × 256 px, budget full"
    )
    assert any("never published" in note for note in table.notes)


def test_a_data_set_of_the_users_own_is_named_and_no_other_counts():
    runs = [
        make_run(RP, {"a": 80}, dataset="phase_contrast", split="fold0"),
        make_run(RP, {"a": 30}, dataset="my_frames", split="fold0"),
    ]
    table = paper_table(2, runs, dataset="my_frames", budget="full")
    assert table.title.startswith("The paper's Table 2, on my_frames, without")
    assert row(table.frame, "ResNet18-UNet+RP")["JS ours"] == "30.0"
    assert not any("Usiigaci" in note for note in table.notes)


def test_weights_that_were_not_had_are_told_from_none_by_design():
    bare = {"dataset": "dsb2018", "split": "seed0", "pretrained": "none"}
    runs = [make_run(RP, {"a": 80}), make_run("segnet", {"a": 70}, **bare)]
    runs.append(make_run("unet", {"a": 70}, **bare))
    table = paper_table(3, runs, budget="full")
    trained = table.details["How each was trained"]
    assert row(trained, "SegNet")["start"] == "none (ImageNet intended)"
    assert row(trained, "U-Net")["start"] == "none"
    assert any(note.startswith("SegNet: without the ImageNet weights") for note in table.notes)


def test_what_a_search_chose_is_said():
    chosen = {"settings": {"sigma": 0.7, "epsilon": 0.02}}
    run = make_run("phantast_tuned", {"a": 50}, dataset="phase_contrast", split="fold1", **chosen)
    notes = paper_table(1, [run], budget="full").notes
    assert "PHANTAST, tuned chose fold1 σ 0.7, ε 0.02." in notes


def test_doing_without_weights_is_no_change_where_there_were_none():
    runs = [
        make_run(key, {"a": 80, "b": 70}, pretrained=start)
        for key, start in ((RP, "none"), ("rp_from_scratch", "none"))
    ]
    labels = ablation_table(runs, "dsb2018", budget="full").frame["changed"].tolist()
    assert "without ImageNet weights" not in labels
    runs = [make_run(RP, {"a": 80, "b": 70}), runs[1]]
    labels = ablation_table(runs, "dsb2018", budget="full").frame["changed"].tolist()
    assert "without ImageNet weights" in labels


@pytest.mark.parametrize("number", [0, 5])
def test_a_table_that_the_paper_has_not(number):
    with pytest.raises(SettingsError, match="wanted 1, 2, 3 or 4"):
        paper_table(number, [], budget="full")


def test_other_budgets_and_data_sets_are_passed_over():
    runs = [
        *dsb_runs(),
        make_run("segnet", {"a": 1}, budget="cpu"),
        make_run("ddanet", {"a": 1}, dataset="phase_contrast", split="fold0"),
        make_run("rp_loss_bce", {"a": 1}),
    ]
    assert paper_table(3, runs, budget="full").frame.equals(
        paper_table(3, dsb_runs(), budget="full").frame
    )


def test_systems_on_other_splits_are_not_subtracted():
    runs = [
        make_run(RP, {"a": 80, "b": 60}, split="fold0", dataset="phase_contrast"),
        make_run("unet", {"c": 70, "d": 50}, split="fold1", dataset="phase_contrast"),
    ]
    table = paper_table(1, runs, budget="full")
    ways = table.details["Jaccard in percent, counted in other ways"]
    assert "RP − this [95 %]" not in ways.columns
    assert any("Rows with fewer folds" in note for note in table.notes)


def test_a_run_that_diverged_is_left_out_and_named():
    runs = [*dsb_runs(), make_run("unet", {"a": 1}, split="seed1", attempts=DIVERGED)]
    table = paper_table(4, runs, budget="full")
    assert row(table.frame, "U-Net")["JS ours"] == "60.0 ± 14.1"
    trained = table.details["How each was trained"]
    assert row(trained, "U-Net")["learning rate"] == "0.0001, lowered from 0.001"
    wanted = "Diverged at every learning rate tried, and left out: U-Net on seed1."
    assert wanted in table.notes


def test_a_system_that_only_diverged_has_dashes():
    runs = [*dsb_runs(), make_run("segnet", {"a": 1}, attempts=DIVERGED)]
    table = paper_table(4, runs, budget="full")
    assert row(table.frame, "SegNet")["JS ours"] == "—"


def test_every_entry_says_which_runs_it_is_of():
    table = paper_table(4, dsb_runs(), budget="full")
    assert list(table.sources.columns) == list(SOURCE_COLUMNS)
    assert (table.sources["source"] != "").all()
    printed = {(e.row, e.column): e for e in table.sources.itertuples()}
    ours = printed[RP, "JS ours"]
    assert ours.source == f"dsb2018.seed0.full.{RP} dsb2018.seed1.full.{RP}"
    assert (ours.value, ours.n) == (pytest.approx(70.0), 2)
    assert printed[RP, "JS paper"].source == "Ayanzadeh et al. 2021, Table 4"
    assert printed[RP, "best seed"].source == f"dsb2018.seed0.full.{RP}"
    difference = printed["unet", "RP − this [95 %]"]
    assert difference.source == f"dsb2018.seed0.full.{RP} dsb2018.seed0.full.unet"
    assert (difference.value, difference.low) == (pytest.approx(10.0), pytest.approx(10.0))


def test_nothing_is_printed_that_has_no_source():
    table = paper_table(3, dsb_runs(), budget="full")
    texts = set(table.sources["text"]) | {"—"}
    for frame in (table.frame, *table.details.values()):
        assert set(frame.drop(columns="System").to_numpy().ravel()) <= texts


@pytest.mark.parametrize(
    ("points", "text"),
    [(1.25, "+1.2"), (-0.35, "−0.3"), (0.0, "0.0"), (-0.04, "0.0"), (0.04, "0.0"), (-12, "−12.0")],
)
def test_differences_carry_their_sign_and_zero_none(points, text):
    assert signed(points) == text


def test_ablations_against_their_base():
    runs = [
        make_run(RP, {"a": 80, "b": 60}),
        make_run("resnet18_unet", {"a": 78, "b": 58}),
        make_run("rp_loss_bce", {"a": 83, "b": 63}),
        make_run("rp_loss_dice", {"a": 1}, attempts=DIVERGED),
        make_run("rp_loss_bce", {"a": 1}, budget="cpu"),
    ]
    table = ablation_table(runs, "dsb2018", budget="full")
    kept = table.frame[["changed", "JS", "RP − this [95 %]", "seeds"]]
    assert kept.values.tolist() == [
        ["ResNet18-UNet+RP, as in the tables", "72.0 ± 14.1", "—", "1 of 1"],
        ["no residual paths (ResNet18-U-Net)", "70.0 ± 14.1", "+2.0 [+2.0, +2.0]", "1 of 1"],
        ["loss: BCE", "75.0 ± 14.1", "−3.0 [−3.0, −3.0]", "1 of 1"],
        ["no test-time augmentation", "70.0 ± 14.1", "+2.0 [+2.0, +2.0]", "1 of 1"],
    ]
    assert table.notes[-1].endswith("left out: dsb2018.seed0.full.rp_loss_dice.")


def test_all_eight_views_where_they_were_scored():
    run = make_run(RP, {"a": 80})
    run.scores["resized"]["d4"] = {"a": [90, 0, 10, 50]}
    frame = ablation_table([run], "dsb2018", budget="full").frame
    assert frame["JS"].tolist() == ["82.0", "80.0", "90.0"]
    assert frame["RP − this [95 %]"].tolist() == ["—", "+2.0", "−8.0"]


def test_no_ablation_was_run():
    table = ablation_table([], "dsb2018", budget="full")
    assert len(table.frame) == 0


def test_costs_of_each_condition():
    runs = [
        make_run("unet", {"a": 70}, split="seed0", seconds={"train": 120, "score": 1}),
        make_run("unet", {"a": 70}, split="seed1", peak_memory_mb=4420, seconds={"train": 240}),
        make_run("unet", {"a": 70}, split="seed2", device="gpu", gflop=None, peak_memory_mb=None),
        make_run("egt", {"a": 70}),
        make_run("rp_loss_bce", {"a": 70}),
    ]
    assert cost_table(runs).frame.to_dict("records") == [
        {
            "System": "U-Net",
            "data set": "dsb2018",
            "steps × batch at size": "4000 × 8 at 256 px",
            "device": device,
            "parameters (M)": "17.65",
            "GFLOP": gflop,
            "training (min)": minutes,
            "memory (GB)": memory,
            "runs": n,
        }
        for device, gflop, minutes, memory, n in [
            ("cpu", "53.6", "3.0", "4.3", "2"),
            ("gpu", "—", "2.0", "—", "1"),
        ]
    ]


def test_the_files_of_a_table(tmp_path):
    table = paper_table(3, dsb_runs(), budget="full")
    paths = write_table(table, tmp_path / "tables", stem="table3")
    names = ["table3.md", "table3.csv", "table3.tex", "table3_sources.csv"]
    assert [path.name for path in paths] == names
    markdown, latex = (paths[i].read_text(encoding="utf-8") for i in (0, 2))
    assert markdown.startswith("## The paper's Table 3: DSB2018, with test-time augmentation")
    assert "### How each was trained\n\n| System" in markdown
    assert markdown.count("\n- ") == len(table.notes) + 1
    assert latex.count(r"\begin{tabular}") == 3
    assert re.findall(r"\\label{(.*)}", latex) == ["tab:table3", "tab:table3-1", "tab:table3-2"]
    wide = pd.read_csv(paths[1])
    assert len(wide) == len(table.frame)
    assert {"JS paper", "over pixels", "learning rate"} <= set(wide.columns)
    assert len(pd.read_csv(paths[3])) == len(table.sources)


def test_the_lines_of_a_markdown_table_are_equally_long(tmp_path):
    write_table(paper_table(3, dsb_runs(), budget="full"), tmp_path, stem="t")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
