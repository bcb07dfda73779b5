"""What is above and below a page of the log of pushes."""

import re

import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import pytest

from hgs3.pushes import htmlpage
from hgs3.pushes.links import Links


@pytest.mark.parametrize(
    ("number", "pushes", "text", "has_older"),
    [
        (1, 0, "page 1 of 1, 0 pushes", False),
        (1, 20, "page 1 of 1, 20 pushes", False),
        (1, 21, "page 1 of 2, 21 pushes", True),
        (1, 2000, "page 1 of 100, 2000 pushes", True),
        (1, 2001, "page 1, more than 2000 pushes", True),
        (100, 100_000, "page 100, more than 2000 pushes", True),
        (101, 100_000, "page 101, more than 2020 pushes", True),
        (101, 2020, "page 101 of 101, 2020 pushes", False),
        (5000, 100_000, "page 5000 of 5000, 100000 pushes", False),
    ],
)
def test_a_long_log_is_not_counted_to_its_end(number, pushes, text, has_older):
    counted = min(pushes, htmlpage.most_counted(number))
    page = htmlpage.Page((), counted, number, (), Links(""))
    shown = htmlpage._pages(page)
    assert re.search("<span>(.*)</span>", shown)[1] == text
    assert ('class="older"' in shown) == has_older
    assert ('class="newer"' in shown) == (number > 1)
