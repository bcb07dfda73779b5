"""What is promised of the database room, by a real PostgreSQL."""

import pytest
from database_contract import MigrationContract, TogetherContract
from index_contract import (
    BookmarkContract,
    DoomContract,
    ExpiryContract,
    IndexContract,
    LookupContract,
)
from server_contract import ServerContract


@pytest.fixture(scope="module")
def server(postgresql):
    return postgresql


@pytest.fixture(scope="module")
def make_url(server):
    return server.create_database


class TestIndex(
    IndexContract, BookmarkContract, LookupContract, ExpiryContract, DoomContract
):
    """One at a time."""


class TestTogether(TogetherContract):
    """Several at once."""


class TestMigrations(MigrationContract):
    """The tables."""


class TestServer(ServerContract):
    """What may go wrong."""
