"""Codes of a device are those of RFC 6238; what is typed is read as people type."""

import base64

import pytest

from app.services.one_time_codes import address_of_secret, code_at, is_recovery_code, matching_step, new_recovery_code, plain, step_of

RFC = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(RFC, step_of(seconds), digits=8) == code
    assert code_at(RFC, step_of(seconds)) == code[2:]


def test_a_clock_may_be_one_step_off_and_no_more() -> None:
    found = [matching_step(RFC, code_at(RFC, 1000 + off), 1000, 0) for off in (-2, -1, 0, 1, 2)]
    assert found == [None, 999, 1000, 1001, None]


def test_no_code_counts_that_is_not_later_than_the_last() -> None:
    assert matching_step(RFC, code_at(RFC, 1000), 1000, 1000) is None
    assert matching_step(RFC, code_at(RFC, 999), 1000, 1000) is None


@pytest.mark.parametrize("typed", ["", "abc", "12345", "1234567", "１２３４５６", "\0\0", "½", "000000" * 100])
def test_garbage_is_no_code(typed: str) -> None:
    assert matching_step(RFC, plain(typed), 1000, 0) is None


def test_a_recovery_code_is_read_with_blanks_hyphens_and_capitals() -> None:
    code = new_recovery_code()
    assert plain(f" {code.upper().replace('-', ' - ')} ") == plain(code)
    assert is_recovery_code(plain(code))


def test_the_square_names_the_panel_and_the_account() -> None:
    address = address_of_secret(RFC, "Mail: keep & Co", "bob@example.com")
    assert address.startswith("otpauth://totp/Mail%20%20keep%20%26%20Co%3Abob%40example.com?secret=GEZDGNBV")
    assert "issuer=Mail%3A%20keep%20%26%20Co" in address
