import pytest

from schemas.crontab import checked_cron, checked_zone


@pytest.mark.parametrize(
    "expression",
    ["30 2 * * *", "*/5 * * * *", "0 0 1,15 * MON-FRI", "0 0 L * *", "0 0 * * 5#2", "0 0 29 2 *", "0 0 */2 2 MON#5"],
)
def test_expressions(expression: str) -> None:
    assert checked_cron(f"  {expression.replace(' ', '  ')} ") == expression


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "came '', with 0$"),
        ("30 2 * *", "came '30 2 \\* \\*', with 4"),
        ("0 30 2 * * *", "with 6"),
        ("@daily", "with 1; there are no names such as @daily"),
        ("61 * * * *", "its minute `61` cannot be read"),
        ("0 24 * * *", "its hour `24` cannot be read"),
        ("0 0 0 * *", "its day of the month `0` is in none of its months"),
        ("0 0 * 13 *", "its month `13` cannot be read"),
        ("0 0 * * 8", "its day of the week `8` cannot be read"),
        ("*/0 * * * *", "its minute `\\*/0` cannot be read"),
        ("0 0 30 2 *", "its day of the month `30` is in none of its months `2`"),
        ("0 0 31 4,6 *", "its day of the month `31` is in none of its months `4,6`"),
        ("0 0 */31 2 2#5", "expected a cron expression that fires; there is no such day"),
    ],
)
def test_what_is_none_or_never_fires(expression: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        checked_cron(expression)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires"])
def test_zones(zone: str) -> None:
    assert checked_zone(zone) == zone


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Europe/Berln", "; did you mean Europe/Berlin or "),
        ("berlin", "; did you mean Europe/Berlin\\?"),
        ("New York", "; did you mean America/New_York\\?"),
        ("europe/paris", "; did you mean Europe/Paris"),
        ("Nowhere/At_All_Whatsoever", "such as Europe/Berlin or UTC; came 'Nowhere/At_All_Whatsoever'$"),
        ("../../etc/passwd", "expected the name of a time zone"),
        ("", "expected the name of a time zone"),
    ],
)
def test_a_zone_that_is_none_gets_the_nearest(zone: str, near: str) -> None:
    with pytest.raises(ValueError, match=near):
        checked_zone(zone)
