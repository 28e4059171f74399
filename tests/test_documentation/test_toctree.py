"""Every page of the documentation can be reached from the front page."""

import re

from .pages import DOC

TOCTREE = re.compile(r"^\.\. toctree::\n((?:   .*\n|\n)+)", re.MULTILINE)
TITLED = re.compile(r"^.*<(.+)>$")


def linked_pages(page):
    """Give the pages in the tables of contents of a page, as paths without their suffix."""
    text = (DOC / f"{page}.rst").read_text(encoding="utf-8")
    folder = (DOC / page).parent
    for entries in TOCTREE.findall(text):
        for entry in map(str.strip, entries.splitlines()):
            if entry and not entry.startswith(":"):
                path = TITLED.sub(r"\1", entry)
                yield (folder / path).resolve().relative_to(DOC).as_posix()


def written_pages():
    pages = {path.relative_to(DOC).with_suffix("").as_posix() for path in DOC.rglob("*.rst")}
    return {page for page in pages if not page.startswith(("generated/", "_build/", "_templates/"))}


def test_every_page_is_in_a_table_of_contents():
    reached, waiting = set(), ["index"]
    while waiting:
        page = waiting.pop()
        if page not in reached and not page.startswith("generated/"):
            reached.add(page)
            waiting += linked_pages(page)
    assert reached == written_pages()


def test_no_page_is_an_orphan():
    orphans = [
        page
        for page in written_pages()
        if (DOC / f"{page}.rst").read_text(encoding="utf-8").startswith(":orphan:")
    ]
    assert orphans == []
