"""``hg s3cache ACTION``: which actions there are, and what each may be given."""

from mercurial import error
from mercurial.i18n import _

from .. import crossing
from . import check, inventory, publish, purge, warm

#: Action to (function, its options by name). Each function takes
#: ``(ui, repo, opts)``, ``opts`` being a dict with a text for each option,
#: and returns the exit code of the command.
_ACTIONS = {
    b"check": (check.run, ()),
    b"list": (inventory.run_list, ("command",)),
    b"stat": (inventory.run_stat, ()),
    b"purge": (purge.run, ("all", "older_than", "yes")),
    b"warm": (warm.run, ("stream",)),
    b"publish": (publish.run, ()),
}

#: Of these, what comes after the action is given to it, as ``opts["arguments"]``.
_WITH_ARGUMENTS = frozenset((b"publish",))

#: Not for people.
_INTERNAL = frozenset((b"publish",))

#: Works without a repository: what it needs is in the user's or the
#: system's configuration.
_WITHOUT_REPOSITORY = frozenset((b"check",))

#: Of all actions. Those that Mercurial gives every command are not among them.
_OPTIONS = frozenset(
    option for _function, options in _ACTIONS.values() for option in options
)


def run(ui, repo, actions, opts):
    """The exit code of ``hg s3cache ACTIONS...``.

    ``repo`` is None outside of a repository. Raises error.Abort for what makes
    no sense.
    """
    action = actions[0] if actions else None
    if action in _WITH_ARGUMENTS:
        opts = dict(opts, arguments=actions[1:])
    elif len(actions) != 1:
        raise _usage(_(b"s3cache needs one action"))
    elif action not in _ACTIONS:
        raise _usage(_(b"s3cache has no action '%s'") % action)
    function, own_options = _ACTIONS[action]
    for option in sorted(_OPTIONS.difference(own_options)):
        if opts.get(option):
            raise _usage(
                _(b"s3cache %s takes no --%s") % (action, _option_name(option))
            )
    if repo is None and action not in _WITHOUT_REPOSITORY:
        raise error.InputError(
            _(b"s3cache %s needs a repository") % action,
            hint=_(b"use -R to name the one that is served"),
        )
    return function(ui, repo, opts)


def _usage(message):
    return error.InputError(
        message,
        hint=_(b"actions are %s; see 'hg help s3cache'")
        % b", ".join(action for action in _ACTIONS if action not in _INTERNAL),
    )


def _option_name(option):
    return crossing.to_bytes(option.replace("_", "-"))
