"""The URLs of pushes and changesets. All are str."""

from mercurial import util

from .. import crossing


class Links:
    """``base`` is the URL of the repository, without a slash at its end; empty, or a
    path, where the links are for a page of it. Pages are in the ``style`` of hgweb, if
    it is not empty."""

    def __init__(self, base, style=""):
        self.base = base
        self.style = style

    def pushes(self, parameters=()):
        """The page of the pushes that pairs of a parameter and its value ask for."""
        return self._page("pushloghtml", parameters)

    def push(self, push):
        """The page of a LoggedPush alone."""
        return self.pushes((("startID", push.id - 1), ("endID", push.id)))

    def changeset(self, node):
        """The page of a changeset: of the repository, or of the newest bundle."""
        return self._page("rev/%s" % node)

    def bundled(self, push, node):
        """The page of a changeset as a push to try has it."""
        return self._page("bundle/%d/rev/%s" % (push.bundle_id, node))

    def feed(self, parameters=()):
        return self._url("atom-pushlog", parameters)

    def _page(self, path, parameters=()):
        style = [("style", self.style)] if self.style else []
        return self._url(path, list(parameters) + style)

    def _url(self, path, parameters):
        url = "%s/%s" % (self.base, path)
        return "%s?%s" % (url, encoded(parameters)) if parameters else url


def encoded(parameters):
    """A query string; names of parameters are plain words."""
    return "&".join("%s=%s" % (name, _quote(str(value))) for name, value in parameters)


def _quote(text):
    return crossing.to_str(util.urlreq.quote(crossing.to_bytes(text), safe=b""))
