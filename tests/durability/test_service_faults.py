"""Whatever the service does wrong, the next run holds every fill, and each once."""

from __future__ import annotations

import pytest

from sandbox.testing import sandbox_server

from .service_faults import (
    LASTING,
    MOVING,
    PASSING,
    UNSEEN,
    WORLD,
    Scenario,
    attempt,
    mixed,
    together,
)

AT_ONCE = 4  # faults may strike one request after the other; there are six attempts


@pytest.fixture(scope="module")
def box():
    """One exchange for all faults; its time goes on."""
    with sandbox_server(**WORLD) as box:
        yield box


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk():
    """These tests cut no power, and hundreds of small files are synced in each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


def hold(box, scenario: Scenario, folder) -> None:
    trial = attempt(scenario, box, folder)
    assert trial.struck or all(one.get("p", 0) for one in scenario.rules)
    assert (trial.lost, trial.doubled, trial.markets_lost) == (0, 0, 0)
    assert trial.ended in scenario.ends
    assert trial.rerun == UNSEEN
    assert trial.ended == UNSEEN or trial.sentence


@pytest.mark.parametrize("first", range(0, len(PASSING), AT_ONCE))
def test_what_passes_is_asked_again_and_nobody_notices(box, tmp_path, first):
    some = PASSING[first : first + AT_ONCE]
    hold(box, together(", ".join(one.name for one in some), some), tmp_path)


@pytest.mark.parametrize("scenario", LASTING, ids=lambda scenario: scenario.name)
def test_what_lasts_ends_with_a_sentence_and_costs_nothing(box, tmp_path, scenario):
    hold(box, scenario, tmp_path)


@pytest.mark.parametrize("scenario", MOVING[:2], ids=lambda scenario: scenario.name)
def test_an_exchange_that_moves_under_the_walk_loses_nothing(box, tmp_path, scenario):
    hold(box, scenario, tmp_path)


def test_a_mixture_by_chance_loses_nothing(box, tmp_path):
    hold(box, mixed(1), tmp_path)
