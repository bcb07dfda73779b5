"""The actions of one of our commands: which there are, and what each may be given."""

import dataclasses
import typing

from mercurial import error
from mercurial.i18n import _

from .. import crossing


@dataclasses.dataclass(frozen=True)
class Actions:
    """``functions`` is the name of an action to (function, its options by name).

    Each function takes ``(ui, repo, opts)``, ``opts`` being a dict with a text for
    each option, and returns the exit code of the command. Of those
    ``with_arguments``, what comes after the action is in ``opts["arguments"]``.
    ``internal`` ones are not for people; those ``without_repository`` need none.
    """

    command: bytes
    functions: typing.Mapping[bytes, typing.Tuple[typing.Callable, tuple]]
    with_arguments: typing.FrozenSet[bytes] = frozenset()
    internal: typing.FrozenSet[bytes] = frozenset()
    without_repository: typing.FrozenSet[bytes] = frozenset()

    @property
    def options(self):
        """Of all actions. Those that Mercurial gives every command are not among
        them."""
        return frozenset(
            option
            for _function, options in self.functions.values()
            for option in options
        )

    def run(self, ui, repo, actions, opts):
        """The exit code of ``hg COMMAND ACTIONS...``.

        ``repo`` is None outside of a repository. Raises error.Abort for what makes
        no sense.
        """
        action = actions[0] if actions else None
        if action in self.with_arguments:
            opts = dict(opts, arguments=actions[1:])
        elif len(actions) != 1:
            raise self._usage(_(b"%s needs one action") % self.command)
        elif action not in self.functions:
            raise self._usage(_(b"%s has no action '%s'") % (self.command, action))
        function, own_options = self.functions[action]
        for option in sorted(self.options.difference(own_options)):
            if opts.get(option):
                raise self._usage(
                    _(b"%s %s takes no --%s")
                    % (self.command, action, _option_name(option))
                )
        if repo is None and action not in self.without_repository:
            raise error.InputError(
                _(b"%s %s needs a repository") % (self.command, action),
                hint=_(b"use -R to name the one that is served"),
            )
        return function(ui, repo, opts)

    def _usage(self, message):
        named = (action for action in self.functions if action not in self.internal)
        return error.InputError(
            message,
            hint=_(b"actions are %s; see 'hg help %s'")
            % (b", ".join(named), self.command),
        )


def _option_name(option):
    return crossing.to_bytes(option.replace("_", "-"))
