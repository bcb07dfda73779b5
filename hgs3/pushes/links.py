"""The URLs of pushes and changesets. All are str."""

from mercurial import util

from .. import crossing


class Links:
    """``base`` is the URL of the repository, without a slash at its end; empty, or a
    path, where the links are for a page of it."""

    def __init__(self, base):
        self.base = base

    def pushes(self, parameters=()):
        """The page of the pushes that pairs of a parameter and its value ask for."""
        url = "%s/pushloghtml" % self.base
        return "%s?%s" % (url, encoded(parameters)) if parameters else url

    def push(self, push):
        """The page of a LoggedPush alone."""
        return self.pushes((("startID", push.id - 1), ("endID", push.id)))

    def changeset(self, node):
        """The page of a changeset: of the repository, or of the newest bundle."""
        return "%s/rev/%s" % (self.base, node)

    def bundled(self, push, node):
        """The page of a changeset as a push to try has it."""
        return "%s/bundle/%d/rev/%s" % (self.base, push.bundle_id, node)

    def feed(self, parameters=()):
        url = "%s/atom-pushlog" % self.base
        return "%s?%s" % (url, encoded(parameters)) if parameters else url


def encoded(parameters):
    """A query string."""
    return "&".join("%s=%s" % (name, _quote(str(value))) for name, value in parameters)


def _quote(text):
    return crossing.to_str(util.urlreq.quote(crossing.to_bytes(text), safe=b""))
