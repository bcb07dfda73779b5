"""The tables. What a released version has made is changed by a migration only."""

from sqlalchemy import (
    VARCHAR,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Not of PostgreSQL, which has no type of its own here: it takes long to load.
from sqlalchemy.dialects import mysql

METADATA = MetaData()


def hex_digits(length):
    """A column type that compares byte by byte: prefixes are found by range."""
    return (
        String(length)
        .with_variant(VARCHAR(length, collation="C"), "postgresql")
        .with_variant(
            mysql.CHAR(length, charset="ascii", collation="ascii_bin"),
            "mysql",
            "mariadb",
        )
    )


def text(length):
    """A column type that tells all texts apart: case and accents count."""
    return (
        String(length)
        .with_variant(VARCHAR(length, collation="C"), "postgresql")
        .with_variant(
            mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"),
            "mysql",
            "mariadb",
        )
    )


def long_text():
    """A column type for ASCII of any length."""
    return Text().with_variant(
        mysql.LONGTEXT(charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
    )


# SQLite numbers rows by themselves in columns of this very name of a type only.
ID = BigInteger().with_variant(Integer(), "sqlite")


def table(name, *columns, **options):
    # Whatever the server's default is: without InnoDB there are no transactions.
    return Table(name, METADATA, *columns, mysql_engine="InnoDB", **options)


def numbered(name, *columns):
    # AUTOINCREMENT: the number of a row that was deleted is not given again.
    return table(
        name,
        Column("id", ID, primary_key=True, autoincrement=True),
        *columns,
        sqlite_autoincrement=True,
    )


def repository_id():
    return Column("repository_id", ID, ForeignKey("s3_repositories.id"), nullable=False)


#: One row.
SCHEMA = table(
    "s3_schema",
    Column("version", Integer, primary_key=True, autoincrement=False),
)

#: A row is what all that writes to a repository locks first.
REPOSITORIES = numbered(
    "s3_repositories",
    Column("digest", hex_digits(32), nullable=False, unique=True),
    # Random, so that another database about the same repository is known for one.
    Column("identity", hex_digits(32), nullable=False),
)

BUNDLES = numbered(
    "s3_bundles",
    repository_id(),
    Column("sha256", hex_digits(64), nullable=False),
    Column("format", hex_digits(8), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("object_bytes", BigInteger, nullable=False),
    Column("sha1", hex_digits(40), nullable=False),
    Column("sha512", hex_digits(128), nullable=False),
    Column("changesets", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("repository_id", "sha256", name="s3_bundles_sha256"),
    Index("s3_bundles_repository", "repository_id", "id"),
)

CHANGESETS = table(
    "s3_changesets",
    Column("bundle_id", ID, ForeignKey("s3_bundles.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    # No foreign key: the bundle has it, and there are many rows.
    Column("repository_id", ID, nullable=False),
    Column("node", hex_digits(40), nullable=False),
    Column("p1", hex_digits(40), nullable=False),
    Column("p2", hex_digits(40), nullable=False),
    Column("manifest", hex_digits(40), nullable=False),
    Column("is_root", Boolean, nullable=False),
    Column("is_head", Boolean, nullable=False),
    Column("claimed_public", Boolean, nullable=False),
    # Which bundle of a node is the newest, the index tells without the rows.
    Index("s3_changesets_node", "repository_id", "node", "bundle_id"),
    Index("s3_changesets_manifest", "repository_id", "manifest", "bundle_id"),
    sqlite_with_rowid=False,
)

#: Of all repositories, to try and into the repository itself, so that the ids of
#: both kinds are in one order.
PUSHES = numbered(
    "s3_pushes",
    repository_id(),
    # None for a push into the repository.
    Column("bundle_id", ID, ForeignKey("s3_bundles.id"), nullable=True),
    Column("token", hex_digits(32), nullable=False, unique=True),
    Column("username", text(255), nullable=False),
    Column("pushed", BigInteger, nullable=False),
    Column("tip", hex_digits(40), nullable=False),
    Index("s3_pushes_repository", "repository_id", "id"),
    Index("s3_pushes_pushed", "repository_id", "pushed"),
    Index("s3_pushes_bundle", "bundle_id"),
    Index("s3_pushes_username", "repository_id", "username", "id"),
)

#: What the log of pushes says of each changeset of a push.
LOG_CHANGESETS = table(
    "s3_log_changesets",
    Column("push_id", ID, ForeignKey("s3_pushes.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    # No foreign key: the push has it, and there are many rows.
    Column("repository_id", ID, nullable=False),
    Column("node", hex_digits(40), nullable=False),
    # One of records.STATES.
    Column("state", SmallInteger, nullable=False),
    # See logdata.py; None where nothing but the node is known.
    Column("data", long_text(), nullable=True),
    # Which push of a node is the newest, the index tells without the rows.
    Index("s3_log_changesets_node", "repository_id", "node", "push_id"),
)

#: How often the log of a repository has changed in other ways than by a push: whoever
#: knows this and the last push knows whether all is as it was.
LOG_CHANGES = table(
    "s3_log_changes",
    Column("repository_id", ID, ForeignKey("s3_repositories.id"), primary_key=True),
    Column("changes", BigInteger, nullable=False),
)

BOOKMARKS = table(
    "s3_bookmarks",
    Column("repository_id", ID, ForeignKey("s3_repositories.id"), primary_key=True),
    Column("name", text(255), primary_key=True),
    Column("node", hex_digits(40), nullable=False),
    Column("changed", BigInteger, nullable=False),
    #: Of the push that moved it; 0 where nothing but bookmarks moved.
    Column("push_id", BigInteger, nullable=False),
)

DOOMED = numbered(
    "s3_doomed",
    repository_id(),
    Column("sha256", hex_digits(64), nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("marked", BigInteger, nullable=False),
    UniqueConstraint("repository_id", "sha256", name="s3_doomed_sha256"),
)
