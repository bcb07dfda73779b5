"""Mercurial's wire protocols: what stands between a command and its client."""
