"""A mobility scheme declares itself in one place: docs/schemes.md."""

from __future__ import annotations

import pickle
import re
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from emu.scenario import Scenario, ScenarioError, parse
from emu.schemes.registry import SCHEMES
from emu.simulator.schedule import random_schedule
from tests.installed import as_if_started_anew, install

PAGE = Path(__file__).resolve().parents[2] / "docs" / "schemes.md"
DECLARATION = """
from emu.scenario.section import Section
from emu.schemes.scheme import Scheme

class Own(Section):
    {key}: int = 3

SCHEME = Scheme(
    title="one of somebody else's",
    source="nowhere",
    programs={{"mar": [{program!r}]}},
    {agents}
    keys=(Own,),
)
"""
SHORTEST = "name: a\nduration: 1s\ntopology: {kind: dmm-domain, mars: 2}\n"
AGENTS = 'agents="emu.schemes.none.agents:Unmanaged",'


def given(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    key: str = "own_key",
    program: str = "agents.roles.access_router",
    agents: str = AGENTS,
) -> None:
    """A package that brings the scheme ``mine``; forgotten with the test."""
    text = DECLARATION.format(key=key, program=program, agents=agents)
    install(monkeypatch, folder, "mine", text, "[emu.schemes]\nmine = mine:SCHEME\n")
    as_if_started_anew()


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    as_if_started_anew()


def scenario(mobility: str) -> Scenario:
    text = f"{SHORTEST}mobility: {mobility}\n"
    return parse(text.encode(), "f")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [n for n, one in SCHEMES.all().items() if one.virtual])
def test_one_in_virtual_time_ends_well(name, seed):
    play = SCHEMES.find(name).load_virtual()
    assert play(random_schedule(seed)) == []


@pytest.mark.parametrize("name", SCHEMES.names())
def test_a_scenario_may_be_sent_to_another_process(name):
    """Runs in parallel are; so are those of a sweep on other machines."""
    more = ", home_domain: [mar1]" if name == "hybrid" else ""
    sent = scenario(f"{{scheme: {name}{more}}}")
    came = pickle.loads(pickle.dumps(sent))
    assert came == sent
    assert came.mobility.model_fields_set == sent.mobility.model_fields_set


@pytest.mark.parametrize("name", SCHEMES.names())
def test_those_of_the_toolkit_are_whole(name):
    scheme = SCHEMES.find(name)
    assert list(scheme.faults()) == []
    for module in {one for those in scheme.programs.values() for one in those}:
        assert callable(import_module(module).main)


def test_the_page_is_written_from_the_declarations():
    spec = spec_from_file_location("scheme_table", PAGE.parent / "site/scheme_table.py")
    command = module_from_spec(spec)
    spec.loader.exec_module(command)
    text = PAGE.read_text(encoding="utf-8")
    assert command.written(text) == text, ".venv/bin/python docs/site/scheme_table.py"
    for name, scheme in SCHEMES.all().items():
        assert re.search(rf"^\| \[?`{name}`.*{re.escape(scheme.title)}", text, re.MULTILINE)
    assert command.written(text.replace("RFC 8885", "RFC 1")) == text


def test_the_readme_has_each():
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `mobility.scheme` \| .*$", readme, re.M)
    assert [name for name in SCHEMES.names() if f"`{name}`" not in row] == []


def test_a_package_brings_one_with_its_keys(tmp_path, monkeypatch):
    given(monkeypatch, tmp_path)
    found = scenario("{scheme: mine, own_key: 5}").mobility
    assert (found.scheme, found.own_key) == ("mine", 5)
    with pytest.raises(ScenarioError, match="own_key: is for scheme: mine only"):
        scenario("{variant: proxy, own_key: 5}")
    with pytest.raises(ScenarioError, match="one of " + ", ".join(SCHEMES.names())):
        scenario("{scheme: x}")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"agents": ""}, "mine cannot be loaded \\(TypeError: .*'agents'"),
        ({"key": "variant"}, "mobility.variant is declared by .*Variants and mine.Own"),
        ({"key": "scheme"}, "mobility.scheme is declared by .*Mobility and mine.Own"),
    ],
)
def test_an_incomplete_declaration_is_named(tmp_path, monkeypatch, wrong, says):
    given(monkeypatch, tmp_path, **wrong)
    with pytest.raises(ScenarioError, match=says):
        scenario("{scheme: mine}")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"program": "mine.nothing"}, "programs: there is no module mine.nothing"),
        ({"agents": 'agents="mine:Nobody",'}, "agents: mine:Nobody cannot be loaded"),
        ({"agents": 'agents="mine:Own",'}, "agents: mine:Own is no subclass of .*Agents"),
    ],
)
def test_what_it_refers_to_must_be_there(tmp_path, monkeypatch, wrong, says):
    given(monkeypatch, tmp_path, **wrong)
    with pytest.raises(ScenarioError, match=f"4: mobility.scheme: .*mine is not whole: {says}"):
        scenario("{scheme: mine}")


def test_which_agents_may_crash_a_scheme_says():
    crash = "\nevents: [{at: 500ms, crash: cmd}]"
    assert scenario("{scheme: dmm}" + crash).events[0].crash == "cmd"
    says = "5: .*crash: no agent can be started again in the scheme pmipv6; leave the event out"
    with pytest.raises(ScenarioError, match=says):
        scenario("{scheme: pmipv6}" + crash)
