"""A gateway that the guard cannot reach, and one that is killed: real processes, each on a host of its own.

Packets between a gateway and the guard vanish, and nobody is told, where this machine lets us make network namespaces;
elsewhere hosts are loopback addresses, and their connections break.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from contract.announcements.alarm import AlarmState
from contract.announcements.judgement import Rule
from tests.server.gateway.hosts import WAYS, make_hosts
from tests.server.gateway.world import GUARD, HOSTS, World, until


@pytest.fixture(scope="module", params=list(WAYS))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Alice and Bob have met, and then twenty minutes have passed."""
    with (
        closing(make_hosts(request.param, HOSTS)) as hosts,
        closing(World(tmp_path_factory.mktemp("world"), hosts)) as made,
    ):
        made.begin()
        made.pass_time()
        yield made


def test_gateway_that_was_cut_off_and_killed_holds_and_releases_in_order(world: World) -> None:
    """Mallory writes as Alice, from Alice's own address, while the guard cannot reach Bob's gateway.

    As soon as it can, that is told to hold. Killed then, it holds on, also what comes later, until all is judged.
    """
    alice = world.agents["alice"]
    for gateway in ("south", "east"):
        world.hosts.cut(gateway, GUARD)
    alice.send(world.session_id, "one")
    assert world.new_texts() == ["one"]  # without the guard it works on
    assert world.untold("south") == 1
    for text in ("two", "three"):
        alice.send(world.session_id, text)
    forged = world.forge(world.agents["mallory"], alice, "forged")
    alarm = until(lambda: world.alarm("alice"))
    assert (alarm.state, alarm.claim.source) == (AlarmState.RAISED, world.hosts.address("alices"))

    world.hosts.mend("south", GUARD)
    until(lambda: world.state("alice") is AlarmState.CHECKING)  # the other gateway that is cut off has to be asked, too
    until(lambda: world.untold("south") == 0)
    world.fetch(world.session_id)
    until(lambda: world.kept("south") == (2, 0))

    world.gateways["south"].kill()
    assert [each["reason"] for each in world.fetched()["not_looked_in"]] == ["SERVER_UNAVAILABLE"]
    world.start_gateway("south")
    world.fetch(forged)
    until(lambda: world.kept("south") == (3, 0))

    world.hosts.mend("east", GUARD)
    until(lambda: world.state("alice") is AlarmState.RELEASED)
    judgement = until(lambda: world.alarm("alice")).judgement
    assert judgement is not None
    assert judgement.rule is Rule.ONE_HAS_HISTORY
    assert world.fetched()["messages"] == []
    assert world.new_texts() == ["two", "three"]
    assert world.kept("south") == (0, 1)


def test_gateways_find_the_impostor_without_the_guard_and_tell_it_later(world: World) -> None:
    """Eve writes as Carol while Bob's gateway is cut off: its peers name her, and the guard agrees."""
    carol, bob = world.agents["carol"], world.agents["bob"]
    world.hosts.cut("south", GUARD)
    carol.send(world.session_id, "four")
    assert world.new_texts() == ["four"]
    world.forge(world.agents["eve"], carol, "forged")
    bob.inbox()
    (alarm,) = until(lambda: [each for each in bob.alarms() if each["state"] == "released"])
    assert (alarm["user"], alarm["rule"], alarm["by_guard"]) == ("carol", "one-has-history", False)
    assert world.state("carol") is AlarmState.RAISED
    world.hosts.mend("south", GUARD)
    until(lambda: world.state("carol") is AlarmState.RELEASED)
    judgement = until(lambda: world.alarm("carol")).judgement
    assert judgement is not None
    assert [key.hex() for key in judgement.impostors] == alarm["impostors"]
    until(lambda: ("decision_told", "guard") in [(each["event"], each.get("to")) for each in world.log("south")])
