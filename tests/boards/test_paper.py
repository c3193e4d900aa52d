"""Leaderboards for a paper."""

import shutil
import subprocess

import pytest

from boards.conftest import ODD
from diptych.boards import paper
from diptych.boards.tables import Entry, Table

HOSTILE = r"a_b & 50% of $x^2 {#1} \input{/etc/passwd} ~ <s> ± – [1] 'q' \\"


def test_what_latex_reads_as_commands_is_escaped():
    text = paper.escaped(HOSTILE)
    for character in "_&%#":
        assert text.count(character) == text.count(f"\\{character}") > 0
    assert "\\textbackslash{}input\\{" in text
    assert "\\input" not in text
    assert "[" not in text.replace("{[}", "")


def test_the_best_is_bold_and_ties_are_marked():
    rows = ((Entry("1=†", kind="number best"), Entry("a_b", below="t=0.1", kind="name", badge="control")),)
    text = paper.latex(Table((Entry("place", kind="number"), Entry("method")), rows), "of 5 %")
    assert r"\begin{tabular}{rl}" in text
    assert r"\textbf{1=$^{\dagger}$} & a\_b {\scriptsize (t=0.1)} \emph{control} \\" in text
    assert r"\caption{of 5 \%}" in text
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")


@pytest.mark.parametrize(("form", "mark"), [("markdown", "†**"), ("latex", r"$^{\dagger}$}")])
def test_a_leaderboard_for_a_paper_has_every_row_and_marks_the_top(ran, form, mark):
    text = paper.text(ran.board, form, "")
    for name in ("simclr", "scarf", "bold", "raw", "supervised"):
        assert name in text
    assert "<b>" not in text
    assert mark in text


def test_a_modality_has_its_data_sets_and_an_unknown_one_is_an_error(ran):
    text = paper.text(ran.board, "latex", "tabular")
    assert "textless{}script" in text
    assert ODD not in text
    with pytest.raises(ValueError, match="no modality graph in"):
        paper.text(ran.board, "latex", "graph")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX on this machine")
def test_latex_compiles(tmp_path):
    rows = ((Entry(HOSTILE, kind="number best"), Entry(HOSTILE, below=HOSTILE, kind="name", badge=HOSTILE)),)
    body = paper.latex(Table((Entry("a", kind="number"), Entry(HOSTILE)), rows), HOSTILE)
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs}\begin{document}"
    (tmp_path / "t.tex").write_text(head + body + r"\end{document}", encoding="utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
