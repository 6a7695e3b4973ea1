"""Mail ids: they hold the time, only grow, and nodes, processes and threads never meet."""

import threading
from datetime import UTC, datetime

import pytest

from app import ids
from app.ids import MAX_ID, MAX_NODE, SLOTS, TIME_SHIFT, MailIds, first_id_at, id_ms, id_time

NOON = datetime(2026, 11, 20, 12, 0, 0, 123_000, tzinfo=UTC)
NOON_MS = 1_795_176_000_123


class Clock:
    """Says what the test wants; in milliseconds."""

    def __init__(self, *readings: int) -> None:
        self.readings = list(readings)

    def __call__(self) -> int:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(NOON_MS)
    monkeypatch.setattr(ids, "now_ms", clock)
    return clock


def test_the_bits_are_time_node_slot_and_sequence(clock: Clock) -> None:
    maker = MailIds(node=200, slot=17)
    first, second = maker.next(), maker.next()
    assert first == NOON_MS << 21 | 200 << 13 | 17 << 8
    assert second == first + 1


def test_an_id_tells_its_time(clock: Clock) -> None:
    mail_id = MailIds(MAX_NODE, SLOTS - 1).next()
    assert id_ms(mail_id) == NOON_MS
    assert id_time(mail_id) == NOON


@pytest.mark.parametrize("readings", [(NOON_MS, NOON_MS - 1), (NOON_MS, NOON_MS - 3_600_000, NOON_MS - 3_599_000), (NOON_MS, 0)])
def test_ids_grow_though_the_clock_steps_back(clock: Clock, readings: tuple[int, ...]) -> None:
    clock.readings = list(readings)
    maker = MailIds(1, 0)
    made = [maker.next() for _ in range(2000)]
    assert made == sorted(set(made))


def test_more_than_a_millisecond_holds_borrows_from_the_next(clock: Clock) -> None:
    maker = MailIds(1, 0)
    made = [maker.next() for _ in range(1000)]
    assert made == sorted(set(made))
    assert id_ms(made[255]) == NOON_MS
    assert id_ms(made[256]) == NOON_MS + 1


def test_when_the_clock_catches_up_its_time_counts_again(clock: Clock) -> None:
    clock.readings = [NOON_MS, NOON_MS - 5000, NOON_MS + 7]
    maker = MailIds(1, 0)
    assert [id_ms(maker.next()) - NOON_MS for _ in range(3)] == [0, 0, 7]


def test_threads_never_get_the_same_id() -> None:
    maker = MailIds(1, 0)
    made: list[list[int]] = [[] for _ in range(8)]

    def work(mine: list[int]) -> None:
        mine.extend(maker.next() for _ in range(2000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({mail_id for mine in made for mail_id in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in made)


def test_nodes_and_processes_never_meet_though_the_clock_stands_still(clock: Clock) -> None:
    makers = [MailIds(node, slot) for node in (1, 2, MAX_NODE) for slot in (0, 1, SLOTS - 1)]
    made = [maker.next() for maker in makers for _ in range(300)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(("node", "slot"), [(0, 0), (-1, 0), (MAX_NODE + 1, 0), (1, -1), (1, SLOTS)])
def test_a_node_or_slot_that_does_not_fit_is_refused(node: int, slot: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MailIds(node, slot)


@pytest.mark.parametrize(("year", "fits"), [(1970, True), (2026, True), (2109, True), (2110, False)])
def test_63_bits_last_until_2109(year: int, fits: bool) -> None:
    assert (first_id_at(datetime(year, 1, 1, tzinfo=UTC)) <= MAX_ID) is fits


def test_a_date_filter_is_an_id_range(clock: Clock) -> None:
    mail_id = MailIds(MAX_NODE, SLOTS - 1).next()
    assert first_id_at(NOON) <= mail_id
    assert mail_id < first_id_at(NOON.replace(microsecond=124_000))
    assert first_id_at(NOON) == NOON_MS << TIME_SHIFT
