"""A dry run for a great many people names some, and holds no more than that."""

from app.services.notice_owners import SHOWN, Owners


def filled(many: int) -> Owners:
    owners = Owners()
    for _ in range(2):
        for number in range(many):
            owners.add(f"address:bob{number}@example.com")
    return owners


def test_few_are_counted_each_once() -> None:
    owners = filled(3000)
    assert (owners.words(), owners.words(without=SHOWN), len(owners.named), set(owners.named.values())) == ("3000", "2950", SHOWN, {2})
    assert Owners().words() == "0"


def test_of_many_it_is_known_about_how_many_they_are_in_memory_that_does_not_grow() -> None:
    owners = filled(50_000)
    assert owners.words() == f"about {owners.count}"
    assert 45_000 < owners.count < 55_000
    assert (len(owners.named), len(owners._marks), len(owners._highest)) == (SHOWN, 4096, 4096)
