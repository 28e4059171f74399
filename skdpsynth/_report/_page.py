"""An HTML page without anything from the network: headings, sentences, tables and pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["make_list", "make_page", "make_picture", "make_table", "paragraph"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1f2430;
  background: #fff; max-width: 68rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .9rem;
  border-top: 1px solid #d5d9e0; }
p, li { max-width: 46rem; }
p.lead { color: #4b5563; margin: 0 0 1.2rem; }
.warning { border-left: .4rem solid #c2410c; background: #fff4ec; padding: .7rem 1rem;
  margin: 1rem 0; max-width: 46rem; }
.warning p { margin: 0; }
nav ul { padding: 0; margin: .8rem 0; list-style: none; display: flex;
  flex-wrap: wrap; gap: .2rem 1.1rem; }
a { color: #1d4ed8; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #4b5563; font-size: .9rem; max-width: 46rem; }
.scroll { overflow-x: auto; }
.long { max-height: 26rem; overflow-y: auto; border-bottom: 1px solid #d5d9e0; }
.long thead th { position: sticky; top: 0; background: #fff; }
table { border-collapse: collapse; font-size: .9rem; margin: .8rem 0;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #4b5563; padding-bottom: .3rem; }
th, td { padding: .28rem .8rem .28rem 0; border-bottom: 1px solid #e3e6ea; text-align: left;
  vertical-align: top; }
th { font-weight: 600; }
.number { text-align: right; }
footer { margin-top: 3rem; color: #4b5563; font-size: .85rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  figure, .scroll, .warning { break-inside: avoid; }
  .long { max-height: none; break-inside: auto; }
  h2 { break-after: avoid; }
}
"""

_MANY_ROWS = 15  # longer tables scroll within the page


def make_page(title: str, sections: Sequence[tuple[str, str]], notice: str, footer: str) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Plain text.
    sections : sequence of (heading, HTML)
        Headings are plain text and link targets.
    notice : str
        Plain text that stands out at the top.
    footer : str
        Plain text.
    """
    links = "".join(
        f'<li><a href="#section-{number}">{escape(heading)}</a></li>'
        for number, (heading, _) in enumerate(sections, 1)
    )
    body = "".join(
        f'<section aria-labelledby="section-{number}"><h2 id="section-{number}">{escape(heading)}'
        f"</h2>{content}</section>"
        for number, (heading, content) in enumerate(sections, 1)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><header>"
        f'<h1>{escape(title)}</h1><div class="warning" role="note"><p>{escape(notice)}</p></div>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header><main>{body}</main>'
        f"<footer>{escape(footer)}</footer></body></html>"
    )


def paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def make_list(items: Iterable[str]) -> str:
    """Return plain texts as a list."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def make_table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str) -> str:
    """Return a table; numbers are rounded and aligned at the right."""
    rows = [list(row) for row in rows]
    numeric = [
        bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        for at in range(len(header))
    ]
    head = "".join(
        f'<th scope="col"{_class(is_number)}>{escape(name)}</th>'
        for name, is_number in zip(header, numeric, strict=True)
    )
    body = "".join(f"<tr>{_row(row, numeric)}</tr>" for row in rows)
    box = "scroll long" if len(rows) > _MANY_ROWS else "scroll"
    return (
        f'<div class="{box}"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Any], numeric: Sequence[bool]) -> str:
    cells = [
        f"<td{_class(is_number)}>{escape(_text(v))}</td>"
        for v, is_number in zip(row, numeric, strict=True)
    ]
    return "".join(cells)


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _text(value: Any) -> str:
    if isinstance(value, float):
        if value != value:
            return "–"
        size = abs(value)
        text = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
        return (f"{value:.3f}" if 0.001 <= size < 1 else text).replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else str(value)


def make_picture(figure: Figure, description: str, caption: str) -> str:
    """Return a figure as an image within the page; the description is for those who cannot see."""
    from matplotlib import rc_context

    buffer = BytesIO()
    # letters are drawn as shapes: no font has to be there
    with rc_context({"svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    data = b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<figure><img alt="{escape(description)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
