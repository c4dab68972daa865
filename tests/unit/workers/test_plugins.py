import pytest

from workers import plugins
from workers.errors import UserFault


def test_an_installed_name_gives_its_factory(lab: None) -> None:
    made = plugins.call("holonomy.models", "dropout", (1, 2, 2), 3, p=0.25)
    assert made[1].p == 0.25


def test_an_unknown_name_lists_what_is_installed(lab: None) -> None:
    with pytest.raises(UserFault, match=r"'nope' is not installed .* group holonomy\.datasets .*two-labels"):
        plugins.factory("holonomy.datasets", "nope")


def test_nothing_installed_is_said() -> None:
    with pytest.raises(UserFault, match=r"installed: none"):
        plugins.factory("holonomy.nothing", "nope")


def test_an_entry_point_that_leads_nowhere(lab: None) -> None:
    with pytest.raises(UserFault, match=r"'missing' .* cannot be imported"):
        plugins.factory("holonomy.models", "missing")


def test_options_that_the_factory_does_not_know(lab: None) -> None:
    with pytest.raises(UserFault, match=r"'dropout' .* refused its arguments: .*colour"):
        plugins.call("holonomy.models", "dropout", (1,), 3, colour="red")
