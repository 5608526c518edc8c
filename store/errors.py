"""What a store says when it cannot.

Transient                        (foundation.errors: the same call may succeed later)
|- StoreUnavailable              unreachable, overloaded, not ready, or its token is not accepted for now
`- BucketMissing                 the bucket is not there; it may be made, so its own cursor waits and nothing is lost
Permanent
|- QuerySyntaxError              the query text is wrong (InfluxDB answers 400)
|- QueryLimitExceeded            too long, too large or too many rows
`- BodyRefused                   the store refused a whole body and did not say which lines; halve it and try the halves
"""

from __future__ import annotations

from foundation.errors import Permanent, Transient


class StoreUnavailable(Transient):
    """The store did not answer, or answered that it cannot now."""


class BucketMissing(Transient):
    """The bucket (database) does not exist in the store."""


class QuerySyntaxError(Permanent):
    """The InfluxQL text does not parse. The message is InfluxDB's: position and what was expected."""


class QueryLimitExceeded(Permanent):
    """The query was stopped by its deadline, memory or row limit."""


class BodyRefused(Permanent):
    """The store refused the body as a whole. `too_large` when it is its size that was refused."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large
