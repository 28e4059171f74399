import re

import skdpsynth


def test_guarantee_and_releases_in_words(model_file, run):
    code, out, err = run("privacy", model_file)
    assert (code, err) == (0, "")
    text = " ".join(out.split())
    assert text.startswith("DPMixtureSynthesizer: what an attacker can learn")
    # (e + 1e-6) / (e + 1) and the advantage of it over a coin
    assert "at most 73.1 %" in text
    assert "at most 46.2 %" in text
    assert "presumes that the bounds and levels of the schema are public" in text
    assert "What was released" in text
    for entry in skdpsynth.load(model_file).ledger_.entries:
        assert entry.name in out
    words = out.partition("What was released")[0]
    assert all(len(line) <= 80 for line in words.splitlines())
    assert re.search(r"total +epsilon=1 ", out)


def test_no_guarantee(folder, run):
    fit = ["fit", "data.csv", "--schema", "schema.json", "--missing", "?", "--k", "2"]
    code, _, err = run(*fit, "--epsilon", "inf", "-o", "m.skdp")
    assert code == 0
    assert "Warning: NOT PRIVATE: epsilon=inf" in err
    code, out, _ = run("privacy", "m.skdp")
    assert code == 0
    assert "There is no privacy guarantee" in out
    assert "attacker's answer is right" not in out
    assert "presumes" not in out
