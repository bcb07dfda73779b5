"""What was pushed, in the tables of a database: SQLite, PostgreSQL, MySQL or
MariaDB.

Speaks ``str`` and typed objects. Nothing here imports Mercurial. Importing this
package, its ``errors`` or its ``records`` does not import SQLAlchemy, which costs
0.2 s.
"""
