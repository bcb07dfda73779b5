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
from logtables_contract import LogImportContract, LogMigrationContract
from pushlog_contract import (
    LogQueryContract,
    PushLogContract,
    TryPushesContract,
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


class TestPushLog(PushLogContract):
    """The log of pushes."""


class TestLogQueries(LogQueryContract):
    """What can be asked of it."""


class TestLogOfTry(TryPushesContract):
    """The log, with pushes to try."""


class TestLogImport(LogImportContract):
    """What it takes over."""


class TestLogMigration(LogMigrationContract):
    """How it came to be."""


class TestTogether(TogetherContract):
    """Several at once."""


class TestMigrations(MigrationContract):
    """The tables."""


class TestServer(ServerContract):
    """What may go wrong."""
