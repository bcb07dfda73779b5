"""Where bytes live: the promises (base) and the stores that keep them.

Speaks ``str`` and typed objects; only payloads are ``bytes``. Nothing here
imports Mercurial. Importing this package does not import boto3: that costs
0.1 s, which an ``hg status`` with the extension enabled must not pay.
"""
