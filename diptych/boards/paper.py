"""A leaderboard for a paper: Markdown, or LaTeX with booktabs; the first place is bold, ties at the top are marked."""

from __future__ import annotations

from dataclasses import replace

from diptych.boards import tables
from diptych.boards.comparison import compare, of
from diptych.boards.comparison_tables import TIED, leading, notes
from diptych.boards.frame import Board
from diptych.boards.tables import Entry, Table

SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}
    | {"[": "{[}", "]": "{]}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}"}  # [ after \\\\ is its argument
    | {"–": "--", "−": "$-$", "±": r"$\pm$", "·": r"$\cdot$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "²": "$^2$"}
    | {TIED: r"$^{\dagger}$", "\n": " ", "\r": " "}
)


def text(board: Board, form: str, modality: str) -> str:
    """The leaderboard of a modality, or of everything, with what it rests on."""
    if modality and modality not in board.modalities:
        raise ValueError(f"no modality {modality} in {board.plan.name}, which has {', '.join(board.modalities)}")
    found = compare(board)
    table, own = leading(board, modality, found), of(found, modality)
    said = notes(own) if own else []
    said = [*said, f"Bold: first place, best scores. {TIED}: tied with the best mean rank."]
    if form == "markdown":
        return tables.markdown(_bold(table)) + "\n\n" + "\n".join(f"- {tables.plain_line(note)}" for note in said)
    return latex(table, caption=f"{board.plan.name}{f', {modality}' if modality else ''}. {' '.join(said)}")


def _bold(table: Table) -> Table:
    """The best in Markdown's bold."""
    rows = [[replace(e, text=f"**{e.text}**") if "best" in e.kind.split() else e for e in row] for row in table.rows]
    return Table(table.columns, tuple(map(tuple, rows)))


def latex(table: Table, caption: str) -> str:
    """A table as LaTeX; it needs the packages booktabs, textcomp and, for quotation marks, fontenc with T1."""
    columns = "".join("r" if "number" in entry.kind else "l" for entry in table.columns)
    lines = [_line(row) for row in table.rows]
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{escaped(caption)}}}", rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule", _line(table.columns), r"\midrule", *lines, r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ])  # fmt: skip


def _line(row: tuple[Entry, ...]) -> str:
    return " & ".join(map(_entry, row)) + r" \\"


def _entry(entry: Entry) -> str:
    """Bold for the best; smaller text in brackets; what is not ranked in italics."""
    text = escaped(entry.text)
    text = rf"\textbf{{{text}}}" if "best" in entry.kind.split() else text
    below = rf" {{\scriptsize ({escaped(entry.below)})}}" if entry.below else ""
    return text + below + (rf" \emph{{{escaped(entry.badge)}}}" if entry.badge else "")


def escaped(text: str) -> str:
    """Text without a character that LaTeX reads as a command."""
    return text.translate(SPECIAL)
