import pytest

from holonomy.errors import Refused
from holonomy.names import check_name


@pytest.mark.parametrize("name", ["mnist", "2026-11.night_3", "a" * 100])
def test_names(name):
    check_name("dataset", name)


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "a b", "ä", "a" * 101, 7])
def test_what_is_no_name(name):
    with pytest.raises(Refused, match="the name of a project is up to 100 letters"):
        check_name("project", name)
