import pytest

from workers import plugins
from workers.data import DATASETS_GROUP
from workers.errors import UserFault
from workers.losses import LOSSES_GROUP
from workers.models import MODELS_GROUP
from workers.training.optimizers import OPTIMIZERS_GROUP


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


def test_versions_of_what_is_installed(lab: None) -> None:
    assert plugins.installed()["holonomy-lab"] == "1.0"


def test_every_group_is_looked_at() -> None:
    assert set(plugins.GROUPS) == {MODELS_GROUP, DATASETS_GROUP, LOSSES_GROUP, OPTIMIZERS_GROUP}
