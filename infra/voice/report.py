"""The comparison as one page that needs nothing else, and as a table for a terminal. Pure."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core.comparison import ARMS, COLUMNS, COST
from infra.voice import costs, opinions

NAMES: Final = {
    "base": "base model",
    "voice": "prompted voice (five examples)",
    "rag": "RAG",
    "finetuned": "fine-tuned alone",
    "hybrid": "hybrid (RAG + adapter)",
    "raft": "RAFT (adapter trained on passages)",
    "oracle": "RAG, right document given",
    "extractive": "quoted, no model writing",
}
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1,h2{line-height:1.2}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border-bottom:1px solid #ddd;
padding:.35rem .5rem;text-align:left;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}
small{color:#666}.verdict{font-size:1.15rem;border-left:4px solid #2a6;padding:.5rem 1rem;background:#f3faf6}
details{margin:.4rem 0}summary{cursor:pointer}pre{white-space:pre-wrap;margin:0;font:inherit}
"""


def to_html(report: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: verdict, table, plots, contrasts, costs, and the answers side by side."""
    arms = shown(report)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Ways of answering, compared</title>",
        f"<style>{_STYLE}</style>",
        f"<h1>Ways of answering, compared</h1><p class=verdict>{html.escape(report['verdict'])}</p>",
        f"<p>{report['n']} questions held back from training, seed {report['seed']}. Intervals: 95 %, bootstrap. "
        f"The style classifier is right on {report['classifier']['accuracy']:.0%} of "
        f"{report['classifier']['n']} texts it has not seen.</p>",
        _table(arms, columns_of(report)),
        *(_plot(arms, column) for column in ("correct", "faithful", "refused_when_should", "voice", "general")),
        _contrasts(report["contrasts"]),
        _costs(arms, report),
        _judges(report),
        "<h2>The answers side by side</h2>",
        *(_answers(one) for one in answers),
        "</html>",
    ]
    return "\n".join(parts)


def shown(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the arms that were asked, in order, the one without a model last."""
    arms = {arm: report["arms"][arm] for arm in ARMS if report["arms"].get(arm)}
    return arms | ({"extractive": report["extractive"]} if report.get("extractive") else {})


def columns_of(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of a report: money is one of them where its user gave prices."""
    return (*COLUMNS, COST) if costs.priced(report) else COLUMNS


def to_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the tables for a terminal, and the verdict."""
    names, arms = columns_of(report), shown(report)
    heads = ["", *(column.replace("_when_should", "").replace("_", " ") for column in names)]
    rows = [[arm, *(_short(columns.get(column)) for column in names)] for arm, columns in arms.items()]
    took = [[arm, *costs.cells(arm, columns, report)] for arm, columns in arms.items()]
    said = opinions.to_lines(report)
    return [
        *_aligned([heads, *rows], str.rjust),
        "",
        *_aligned([["", *costs.heads(report)], *took], str.ljust),
        costs.told(report),
        "",
        *([*said, ""] if said else []),
        report["verdict"],
    ]


def _aligned(rows: Sequence[Sequence[str]], justify: Callable[[str, int], str]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(justify(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(found: Mapping[str, float] | None) -> str:
    if not found:
        return "-"
    digits = 0 if found["mean"] >= 10 else 2
    return f"{found['mean']:.{digits}f}±{(found['high'] - found['low']) / 2:.{digits}f}"


def _table(arms: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    heads = "".join(f"<th>{column.replace('_', ' ')}" for column in names)
    rows = "".join(
        f"<tr><th>{NAMES[arm]}" + "".join(f"<td class=n>{_cell(columns.get(column))}" for column in names)
        for arm, columns in arms.items()
    )
    return f"<h2>What was measured</h2><table><tr><th>{heads}{rows}</table>"


def _cell(found: Mapping[str, float] | None) -> str:
    return f"{found['mean']:.2f}<br><small>{found['low']:.2f} to {found['high']:.2f}</small>" if found else "-"


def _plot(arms: Mapping[str, Mapping[str, Any]], column: str) -> str:
    bars = []
    for n, (arm, columns) in enumerate(arms.items()):
        found = columns.get(column)
        if not found:
            continue
        y, wide = 22 * n, 420
        bars.append(
            f'<text x="228" y="{y + 14}" text-anchor="end" font-size="12">{NAMES[arm]}</text>'
            f'<rect x="236" y="{y + 3}" width="{wide * found["mean"]:.0f}" height="14" fill="#7ab"/>'
            f'<line x1="{236 + wide * found["low"]:.0f}" x2="{236 + wide * found["high"]:.0f}" y1="{y + 10}" '
            f'y2="{y + 10}" stroke="#222"/><text x="{240 + wide * found["high"]:.0f}" y="{y + 14}" font-size="12">'
            f"{found['mean']:.2f}</text>"
        )
    title = column.replace("_", " ")
    size = f'width="720" height="{22 * len(arms)}"'
    return f'<h3>{title}</h3><svg {size} role="img" aria-label="{title}">{"".join(bars)}</svg>'


def _contrasts(found: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{NAMES[c['a']]} against {NAMES[c['b']]}<td>{c['column'].replace('_', ' ')}"
        f"<td class=n>{c['mean']:+.2f} <small>({c['low']:+.2f} to {c['high']:+.2f})</small><td>{c['found']}"
        f"<td>{html.escape(c['meaning'])}"
        for c in found
    )
    heads = "<th>arms<th>column<th>difference<th>found<th>expected"
    return f"<h2>Contrasts planned before</h2><table><tr>{heads}{rows}</table>"


def _costs(arms: Mapping[str, Mapping[str, Any]], report: Mapping[str, Any]) -> str:
    heads = "".join(f"<th>{head}" for head in costs.heads(report))
    rows = "".join(
        f"<tr><th>{NAMES[arm]}" + "".join(f"<td>{html.escape(cell)}" for cell in costs.cells(arm, columns, report))
        for arm, columns in arms.items()
    )
    title = "<h2>Adaptability, cost, resources and complexity</h2>"
    return f"{title}<table><tr><th>{heads}{rows}</table><p>{html.escape(costs.told(report))}</p>"


def _judges(report: Mapping[str, Any]) -> str:
    told = report.get("judges")
    if not told:
        return ""
    heads = "".join(f"<th>{head}" for head in opinions.HEADS)
    rows = "".join(
        f"<tr><th>{html.escape(row[0])}<td>{NAMES[row[1]]}" + "".join(f"<td class=n>{cell}" for cell in row[2:])
        for row in opinions.cells(told)
    )
    return (
        f"<h2>What two judges said</h2><p>{html.escape(told['agreement']['says'])} {html.escape(opinions.METHOD)}</p>"
        f"<table><tr>{heads}{rows}</table>"
    )


def _answers(one: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{NAMES[arm]}<br><small>{html.escape(said['outcome'])}</small><td><pre>{html.escape(said['text'])}</pre>"
        for arm, said in one["said"].items()
    )
    reference = f"<tr><th>reference<td><pre>{html.escape(one['reference'])}</pre>"
    return f"<details><summary>{html.escape(one['question'])}</summary><table>{reference}{rows}</table></details>"
