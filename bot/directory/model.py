"""Plain data of the directory: what a vendor answered, what we know, and what has changed between the two."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Protocol

from bot.core.errors import JiehuaError


@dataclass(frozen=True)
class DirDepartment:
    """A department by the vendor's id. `name` is empty when the vendor keeps it back; `parent` when there is none, or
    none that we may see."""

    external_id: str
    name: str
    parent: str = ""


@dataclass(frozen=True)
class DirPerson:
    """A person by the vendor's user id. `departments` are vendor ids, the main one first; `active`: can be written to.

    `name` is empty when the vendor keeps it back.
    """

    external_id: str
    name: str
    departments: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True)
class Directory:
    """What one vendor let us read. `gaps` (Chinese) say what it kept back.

    `whole`: everybody we may see is in it, so who is missing has left. Otherwise only those it calls inactive have.
    """

    platform: str
    departments: tuple[DirDepartment, ...]
    people: tuple[DirPerson, ...]
    gaps: tuple[str, ...] = ()
    whole: bool = True


class Source(Protocol):
    """A vendor's directory."""

    async def read(self, also: Collection[str] = ()) -> Directory:
        """All of it; the user ids in `also` are asked for one by one when no department shows them.

        Raises Permanent, Temporary or Misconfigured; never answers with a part and calls it whole.
        """
        ...

    async def person(self, external_id: str) -> DirPerson:
        """One person; inactive and nameless when there is no such person within what we may see. Raises like `read`."""
        ...

    def spelt(self, external_id: str) -> str:
        """A user id as we keep it: the same for every spelling the vendor takes for one."""
        ...


class Field(StrEnum):
    """What the people sheet can decide for a person; the directory then leaves it alone."""

    NAME = "name"
    DEPARTMENT = "department"
    ACTIVE = "active"


Overlay = Mapping[str, Collection[str]]
"""User id → the fields (see Field) that the people sheet decides."""


@dataclass(frozen=True)
class KnownDepartment:
    """`external_id` is the vendor's id, empty for a department that only the sheet knows. `parent` likewise."""

    id: int
    external_id: str
    name: str
    parent: str = ""


@dataclass(frozen=True)
class KnownPerson:
    """Somebody with an account on the platform. `department` is the vendor's id, empty when the vendor has none for it.

    `elsewhere`: reachable on another platform too, so this one's directory alone does not make them leave.
    """

    id: int
    external_id: str
    name: str
    department: str = ""
    active: bool = True
    elsewhere: bool = False


@dataclass(frozen=True)
class Known:
    departments: tuple[KnownDepartment, ...]
    people: tuple[KnownPerson, ...]


@dataclass(frozen=True)
class NewDepartment:
    """`adopts`: the id of a department of that name which the sheet made; it becomes this one."""

    external_id: str
    name: str
    parent: str
    adopts: int | None = None


@dataclass(frozen=True)
class DepartmentChange:
    """A department renamed, moved or both; `was` and `was_parent` are what it is now."""

    id: int
    external_id: str
    name: str
    parent: str
    was: str
    was_parent: str


@dataclass(frozen=True)
class Join:
    external_id: str
    name: str
    department: str


@dataclass(frozen=True)
class Move:
    id: int
    name: str
    department: str
    was: str


@dataclass(frozen=True)
class Rename:
    id: int
    name: str
    was: str


@dataclass(frozen=True)
class Leave:
    id: int
    name: str


@dataclass(frozen=True)
class Return:
    id: int
    name: str


@dataclass(frozen=True)
class Changes:
    """What has to be written so that what we know is what the directory says. `stay` (Chinese) says what is left
    alone, and why; `stop` why nothing of it may be applied unasked."""

    platform: str
    new_departments: tuple[NewDepartment, ...] = ()
    changed_departments: tuple[DepartmentChange, ...] = ()
    joins: tuple[Join, ...] = ()
    moves: tuple[Move, ...] = ()
    renames: tuple[Rename, ...] = ()
    leaves: tuple[Leave, ...] = ()
    returns: tuple[Return, ...] = ()
    stay: tuple[str, ...] = ()
    stop: str = ""

    def __bool__(self) -> bool:
        return any(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        kinds = [field.name for field in fields(self) if field.name not in ("platform", "stay", "stop")]
        return {name: len(getattr(self, name)) for name in kinds}


class Stopped(JiehuaError):
    """So many people would leave at once that nothing was applied."""
