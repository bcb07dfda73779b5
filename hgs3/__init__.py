# Copyright 2026 the hg-s3 authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
"""What the hg-s3 extensions are made of; see docs/architecture.md.

The version of the distribution is kept here and nowhere else.
"""

__version__ = "0.1.0"
