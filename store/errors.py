"""What a store says when it cannot.

Transient                        (foundation.errors: the same call may succeed later)
|- StoreUnavailable              unreachable, not ready, or it failed
|  |- StoreTimedOut              it did not answer in time: less at once may help
|  |- ConnectionCut              the connection ended before the answer: less at once may help, too
|  |- StoreBusy                  it says that it has too much to do
|  |- StoreFull                  its quota of the disk is used up; somebody has to make room or raise it
|  |- CertificateRefused         TLS could not be agreed on, or its certificate is not trusted; to be mended, too
|  `- TokenRefused               it does not accept the token; somebody has to mend that
|- BucketMissing                 the bucket is not there; it may be made, so its own cursor waits and nothing is lost
`- BucketForbidden               the token may not write to this bucket; it waits like one that is missing
Permanent
|- QuerySyntaxError              the query text is wrong (InfluxDB answers 400)
|- QueryLimitExceeded            too long, too large or too many rows
|- CopyRefused                   the store keeps its lines elsewhere and is backed up there
`- BodyRefused                   the store refused a whole body and did not say which lines; halve it and try the halves
"""

from __future__ import annotations

from foundation.errors import Permanent, Transient


class StoreUnavailable(Transient):
    """The store did not answer, or answered that it cannot now."""


class StoreTimedOut(StoreUnavailable):
    """The store took too long to answer."""


class ConnectionCut(StoreUnavailable):
    """The connection was there, and ended before the answer. Some servers refuse what is too large in this way."""


class StoreBusy(StoreUnavailable):
    """The store asked to be left alone for now."""


class StoreFull(StoreUnavailable):
    """The store takes no lines until there is room again; it answers queries."""


class CertificateRefused(StoreUnavailable):
    """No TLS with the store: its certificate is not trusted, or it speaks something else."""


class TokenRefused(StoreUnavailable):
    """The store does not know the token, or does not accept it any more."""


class BucketMissing(Transient):
    """The bucket (database) does not exist in the store."""


class BucketForbidden(Transient):
    """The token may not write to the bucket."""


class QuerySyntaxError(Permanent):
    """The InfluxQL text does not parse. The message is InfluxDB's: position and what was expected."""


class QueryLimitExceeded(Permanent):
    """The query was stopped by its deadline, memory or row limit."""


class CopyRefused(Permanent):
    """The lines are kept by a server that has a backup of its own."""


class BodyRefused(Permanent):
    """The store refused the body as a whole. `too_large` when it is its size that was refused."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large
