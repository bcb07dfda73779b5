"""Keep boto3 from holding descriptions that a bucket never needs.

A client of one service loads the endpoints of all services of Amazon, and its
own API with the whole manual in it. Without them a server process starts with
4 MiB less (of the 28 that boto3 added, by benchmarks/v2_clone.py), and has what
was freed for its own use; many operators run dozens of them.
"""

import botocore.loaders

#: What S3 and the places where credentials come from use. The endpoint of any
#: other service follows from the partition's pattern, as for a service that
#: is younger than the file.
_SERVICES = frozenset(("s3", "sts", "sso", "portal.sso", "oidc"))


class LeanLoader(botocore.loaders.Loader):
    """Loads the same data files, and forgets what is said above."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._trimmed = set()

    def load_data_with_path(self, name):
        # The base class hands out one object a name, again and again: what is
        # taken out of it stays out.
        data, path = super().load_data_with_path(name)
        if name not in self._trimmed:
            self._trimmed.add(name)
            if name == "endpoints":
                _trim_endpoints(data)
            _empty_documentation(data)
        return data, path


def _trim_endpoints(data):
    for partition in data.get("partitions", ()):
        services = partition.get("services", {})
        for service in set(services) - _SERVICES:
            del services[service]


def _empty_documentation(data):
    # Emptied and not removed: some of it is looked up.
    if isinstance(data, dict):
        if isinstance(data.get("documentation"), str):
            data["documentation"] = ""
        for value in data.values():
            _empty_documentation(value)
    elif isinstance(data, list):
        for value in data:
            _empty_documentation(value)
