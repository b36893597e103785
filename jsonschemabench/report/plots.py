"""Plots: distributions of the two times on a log scale, coverage by family, coverage against p99.

Distributions are drawn as the share of masks (or schemas) that take longer than x, both
axes logarithmic, because what users notice is the tail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jsonschemabench.errors import BenchError
from jsonschemabench.metrics import EngineFigures, percentile

__all__ = ["draw_all"]

_COLOURS = ("#0b6e4f", "#c1440e", "#2b59c3", "#8d6a9f", "#b08900", "#555555")


def draw_all(engines: Sequence[EngineFigures], folder: Path) -> list[Path]:
    """Write ``tbm.png``, ``ttfm.png``, ``families.png`` and ``pareto.png``; returns their paths.

    Raises
    ------
    BenchError : matplotlib is not installed
    """
    plt = _pyplot()
    drawings: dict[str, Callable[[Any], None]] = {
        "tbm": lambda axes: _tail(axes, [(f.engine, f.tbm) for f in engines], "Time between masks, µs", "masks"),
        "ttfm": lambda axes: _tail(axes, [(f.engine, f.ttfm) for f in engines], "Time to first mask, µs", "schemas"),
        "families": lambda axes: _families(axes, engines),
        "pareto": lambda axes: _pareto(axes, engines),
    }
    paths: list[Path] = []
    for name, draw in drawings.items():
        figure, axes = plt.subplots(figsize=(7.5, 4.5))
        draw(axes)
        figure.tight_layout()
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=130)
        plt.close(figure)
        paths.append(path)
    return paths


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise BenchError("plots need matplotlib; install it with: pip install 'structgen[bench]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _tail(axes: Any, series: Sequence[tuple[str, npt.NDArray[np.float64]]], label: str, what: str) -> None:
    """Share of values greater than x; long series are thinned, their extremes kept."""
    for (name, values), colour in zip(series, _COLOURS, strict=False):
        if not values.size:
            continue
        ordered = np.sort(values)
        share = 1.0 - np.arange(len(ordered)) / len(ordered)
        kept = np.unique(np.geomspace(1, len(ordered), 2000).astype(np.int64))
        positions = np.unique(np.concatenate([kept - 1, len(ordered) - kept]))
        axes.plot(ordered[positions], share[positions], label=name, color=colour, linewidth=1.6)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel(f"share of {what} that take longer")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(frameon=False)


def _families(axes: Any, engines: Sequence[EngineFigures]) -> None:
    names = sorted({name for found in engines for name in found.families})
    height = 0.8 / max(len(engines), 1)
    for number, (found, colour) in enumerate(zip(engines, _COLOURS, strict=False)):
        shares = [100 * good / max(total, 1) for good, total in (found.families.get(name, (0, 1)) for name in names)]
        axes.barh(np.arange(len(names)) + number * height, shares, height, label=found.engine, color=colour)
    axes.set_yticks(np.arange(len(names)) + 0.4 - height / 2, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("schemas passing, %")
    axes.legend(frameon=False, fontsize=8, loc="lower left")


def _pareto(axes: Any, engines: Sequence[EngineFigures]) -> None:
    for found, colour in zip(engines, _COLOURS, strict=False):
        if found.tbm.size:
            x, y = percentile(found.tbm, 99), 100 * found.coverage
            axes.scatter([x], [y], color=colour, s=60)
            axes.annotate(found.engine, (x, y), textcoords="offset points", xytext=(7, 4), fontsize=9)
    axes.set_xscale("log")
    axes.set_xlabel("p99 of the time between masks, µs (left is better)")
    axes.set_ylabel("schemas passing, % (up is better)")
    axes.margins(x=0.3, y=0.15)
    axes.grid(True, which="major", alpha=0.3)
