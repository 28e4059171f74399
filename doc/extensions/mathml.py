"""Formulas as MathML: browsers draw it by themselves, without a script from the network."""

from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)
# what the converter does not know
SPELLINGS = {"‖": r"\Vert ", "…": r"\ldots ", r"\dots": r"\ldots"}


def convert(node, **options):
    formula = node.astext()
    for ours, known in SPELLINGS.items():
        formula = formula.replace(ours, known)
    try:
        return str(tex2mathml(formula, **options))
    except MathError as error:
        logger.warning("formula cannot be drawn: %s", error, location=node)
        return f"<code>{escape(formula)}</code>"


def visit_math(writer, node):
    writer.body.append(convert(node))
    raise nodes.SkipNode


def visit_math_block(writer, node):
    writer.body.append(f'<div class="math-block">{convert(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer, which ``html_math_renderer`` names."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
