"""The organisation as a vendor's directory tells it, compared with what we know, and taken over; calls no vendor."""

from bot.directory.apply import apply
from bot.directory.diff import diff
from bot.directory.known import load
from bot.directory.model import Changes, DirDepartment, Directory, DirPerson, Known, Source, Stopped

__all__ = [
    "Changes",
    "DirDepartment",
    "DirPerson",
    "Directory",
    "Known",
    "Source",
    "Stopped",
    "apply",
    "diff",
    "load",
]
