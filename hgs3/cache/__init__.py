"""What is cached and when: the names of objects, the spool, the uploader.

Speaks ``str`` and typed objects; only payloads are ``bytes``. Nothing here
imports Mercurial.
"""
