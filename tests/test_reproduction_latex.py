import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from coverslip.reproduction.tables.latex import SPELLING, escape_latex, table_to_latex


def body(latex):
    return latex.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()


def test_a_table_by_eye():
    table = pd.DataFrame(
        {
            "System": ["U-Net ᵃ", "A_b & c"],
            "n": [1, 20],
            "x": [0.5, np.nan],
            "JS": ["85.0 ± 4.5", "—"],
        }
    )
    assert table_to_latex(
        table, caption="All of 100 %", label="tab:x", notes=["ᵃ 5 < 6."], digits=2
    ).splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{All of 100 \%}",
        r"\label{tab:x}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        r"\sbox0{%",
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r"System & n & x & JS \\",
        r"\midrule",
        r"U-Net \textsuperscript{a} & 1 & 0.50 & 85.0 $\pm$ 4.5 \\",
        r"A\_b \& c & 20 & --- & --- \\",
        r"\bottomrule",
        r"\end{tabular}}%",
        r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize",
        r"\textsuperscript{a} 5 \textless{} 6.\par",
        r"\end{minipage}",
        r"\end{table}",
    ]


def test_every_character_that_means_something_is_spelt():
    assert escape_latex(r"a\b{c}_$1%#&~^") == (
        r"a\textbackslash{}b\{c\}\_\$1\%\#\&\textasciitilde{}\textasciicircum{}"
    )
    assert escape_latex("−0.4 ± 1 µm → 3 × 4") == r"$-$0.4 $\pm$ 1 $\mu$m $\to$ 3 $\times$ 4"


def test_a_row_after_a_bracket_is_no_option_of_the_line_break():
    """LaTeX reads \\\\ followed by [ as the space to leave."""
    latex = table_to_latex(pd.DataFrame({"x": ["a", "[b"]}), caption="", label="l")
    assert body(latex) == [r"a \\", r"{[}b \\"]


def test_short_deviations_are_set_below_long_ones():
    table = pd.DataFrame({"JS": ["85.0 ± 4.5", "61.7 ± 16.2", "—"]})
    assert body(table_to_latex(table, caption="", label="l")) == [
        r"85.0 $\pm$ \phantom{0}4.5 \\",
        r"61.7 $\pm$ 16.2 \\",
        r"--- \\",
    ]


@pytest.mark.parametrize(
    ("entries", "side"),
    [
        (["+1.2 [−0.4, +2.0]", "—"], "r"),
        (["81.5 ± 4.8 (fold0)"], "r"),
        (["−0.3", "0.0"], "r"),
        ([1.5, 2.0], "r"),
        (["4000 × 8 at 256 px"], "l"),
        (["0.001", "0.001, lowered from 0.01"], "l"),
        (["—"], "l"),
        (["ImageNet"], "l"),
    ],
)
def test_numbers_go_to_the_right(entries, side):
    latex = table_to_latex(pd.DataFrame({"x": entries}), caption="", label="l")
    assert rf"\begin{{tabular}}{{{side}}}" in latex


def test_a_wide_table_is_set_over_both_columns():
    wide = pd.DataFrame({f"column {i}": [1] for i in range(10)})
    latex = table_to_latex(wide, caption="", label="l")
    assert latex.startswith("\\begin{table*}\n")
    assert latex.endswith("\\end{table*}\n")


def test_a_table_without_rows_keeps_its_head():
    latex = table_to_latex(pd.DataFrame({"a": []}), caption="", label="l")
    assert r"a \\" in latex
    assert body(latex) == []


def awkward():
    text = "".join(SPELLING)
    return table_to_latex(
        pd.DataFrame({text: [text, "x\ny"], "n": ["[1", "2"]}),
        caption=text,
        label="tab:x",
        notes=[text],
    )


def test_braces_and_environments_close():
    latex = awkward()
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert len(re.findall(r"(?<!\\)\$", latex)) % 2 == 0
    begun, ended = (re.findall(rf"\\{word}{{([\w*]+)}}", latex) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_takes_it(tmp_path):
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
        f"{awkward()}\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
