"""A repository that a command sees a little differently.

Proxies, and not subclasses put on the repository: the view that a command gets
may be the one that hgweb keeps for later requests.
"""


class RepoProxy:
    """Passes everything on; what is to be different is overridden."""

    def __init__(self, repo):
        self._repo = repo

    def __getattr__(self, name):
        return getattr(self._repo, name)

    def __getitem__(self, changeid):
        return self._repo[changeid]

    def __contains__(self, changeid):
        return changeid in self._repo

    def __len__(self):
        return len(self._repo)

    def __iter__(self):
        return iter(self._repo)

    def __bool__(self):
        return True


class WithoutHooks(RepoProxy):
    """Some hooks do not run: they have, or will, for the same request.

    ``names`` is a container of bytes.
    """

    def __init__(self, repo, names):
        super().__init__(repo)
        self._names = names

    def unfiltered(self):
        # Through which commands call hooks, too.
        return WithoutHooks(self._repo.unfiltered(), self._names)

    def hook(self, name, throw=False, **args):
        if name in self._names:
            return False
        return self._repo.hook(name, throw=throw, **args)
