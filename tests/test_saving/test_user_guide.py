"""The page of the user guide runs as it stands."""

from test_documentation.pages import read_blocks, run_page

PAGE = "user_guide/saving.rst"


def test_the_blocks_of_the_page_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [block.language for block in read_blocks(PAGE)].count("python") == 2
    names = run_page(PAGE, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.synth", "sick.synth"]
    assert list(names["again"].sample(3, random_state=0)) == ["sick"]
