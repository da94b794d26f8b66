"""What the tutorial has one type without root does what it says."""

from __future__ import annotations

from pathlib import Path

from tests.tutorial import PAGE, follow, steps


def test_its_commands_print_what_it_says(tmp_path: Path) -> None:
    done = [*follow(tmp_path, as_root=False)]
    assert len(done) == 4
    for step, result in done:
        assert result.returncode == 0, (step.text, result.stderr)
        if step.prints is not None:
            assert result.stdout == step.prints


def test_its_first_mistake_is_answered_as_it_says(tmp_path: Path) -> None:
    files = [step for step in steps() if step.path == "my/tv.yaml"]
    assert "Change `mars: 2` to `mars: two`" in PAGE.read_text(encoding="utf-8")
    files[0].text = files[0].text.replace("mars: 2 ", "mars: two ")
    (tmp_path / "tv.yaml").write_text(files[0].text, encoding="utf-8")
    from tests.unit.scenarios import emu_check

    result = emu_check(tmp_path / "tv.yaml")
    assert result.exit_code == 2
    line = 'tv.yaml:5: topology.mars: "two" is not a whole number; write a number such as 3\n'
    assert result.stderr.endswith(line)
