"""The plots of docs/evaluation.md as SVG text: the same figures always give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "maskwright", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})

from matplotlib import pyplot  # noqa: E402  the back end has to be chosen first

INCHES = (5.6, 3.4)
COLOURS = 10  # of matplotlib's cycle


@dataclass(frozen=True)
class Line:
    name: str
    x: Sequence[float]
    y: Sequence[float]


def line_plot(
    lines: Iterable[Line],
    x: str,
    y: str,
    x_log: bool = False,
    levels: Sequence[tuple[str, float]] = (),
    y_log: bool = False,
    x_ticks: Sequence[float] = (),
) -> str:
    """An SVG document of lines with markers; `levels` are dashed horizontals with a name."""
    figure, axes = pyplot.subplots(figsize=INCHES, layout="constrained")
    for index, line in enumerate(lines):
        style = "-" if index < COLOURS else "--"  # colours come around again
        axes.plot(line.x, line.y, marker="o", markersize=3.5, linewidth=1.4, linestyle=style, label=line.name)
    for name, value in levels:
        axes.axhline(value, linestyle="--", linewidth=1, color="#888")
        axes.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8, color="#555")
    if x_log:
        axes.set_xscale("log", base=2)
        ticks = list(x_ticks) or sorted({value for line in axes.get_lines() for value in line.get_xdata() if value > 1})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    if y_log:
        axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, **({"fontsize": 6, "ncols": 2} if len(axes.get_lines()) > 12 else {}))
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
