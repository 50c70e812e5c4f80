"""Hashes the data of images while they pass, and counts them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

from compute_site.faults import Fault

HASH_ALGORITHM = "sha512"


class TooMuchData(Fault):
    """An image has more data than it may have."""

    status = 413
    code = "too_much_data"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: bytes, and the hashes that clients know data by, in hex."""

    size: int
    md5: str
    sha512: str


class Hashed:
    """The pieces as they pass; raises ``TooMuchData`` where there are more than ``most`` bytes."""

    def __init__(self, pieces: Iterable[bytes], most: int) -> None:
        self.pieces = pieces
        self.most = most
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha512 = hashlib.new(HASH_ALGORITHM)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.size += len(piece)
            if self.size > self.most:
                raise TooMuchData(f"There is room for at most {self.most} bytes of data.")
            self.md5.update(piece)
            self.sha512.update(piece)
            yield piece

    @property
    def written(self) -> Written:
        return Written(size=self.size, md5=self.md5.hexdigest(), sha512=self.sha512.hexdigest())
