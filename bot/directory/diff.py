"""What has changed between what we know and what the directory says; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from bot.directory.model import (
    Changes,
    DepartmentChange,
    DirDepartment,
    Directory,
    DirPerson,
    Field,
    Join,
    Known,
    KnownPerson,
    Leave,
    Move,
    NewDepartment,
    Overlay,
    Rename,
    Return,
)

MOST_LEAVES = 10  # more than this many and more than this share at once looks like an answer cut short
MOST_SHARE = 0.2

Tree = Mapping[str, DirDepartment]


def diff(directory: Directory, known: Known, overlay: Overlay) -> Changes:
    """Everything to write so that `known` becomes `directory`; what `overlay` holds stays as it is."""
    tree = {department.external_id: department for department in directory.departments}
    before = {person.external_id: person for person in known.people}
    found = [
        change
        for person in directory.people
        for change in _person(person, before.get(person.external_id), tree, overlay)
    ]
    gone = _gone(directory, known)
    leaves = tuple(Leave(person.id, person.name) for person in gone.values() if not person.elsewhere)
    return Changes(
        directory.platform,
        new_departments=tuple(_new(tree, known)),
        changed_departments=tuple(_changed(tree, known)),
        joins=tuple(change for change in found if isinstance(change, Join)),
        moves=tuple(change for change in found if isinstance(change, Move)),
        renames=tuple(change for change in found if isinstance(change, Rename)),
        leaves=leaves,
        returns=tuple(change for change in found if isinstance(change, Return)),
        stay=tuple(_left_alone(directory, known, gone)),
        stop=_stop(len(leaves), len({person.id for person in known.people if person.active})),
    )


def _person(
    person: DirPerson, before: KnownPerson | None, tree: Tree, overlay: Overlay
) -> Iterator[Join | Move | Rename | Return]:
    """What is new about somebody who can be written to."""
    if not person.active:
        return
    held = overlay.get(person.external_id, ())
    home = next((each for each in person.departments if each in tree), "")
    if before is None:
        yield Join(person.external_id, person.name or person.external_id, home)
        return
    if not before.active:
        if Field.ACTIVE in held:  # the sheet says they have left
            return
        yield Return(before.id, before.name)
    if home and home != before.department and Field.DEPARTMENT not in held:
        yield Move(before.id, before.name, home, before.department)
    if person.name and person.name != before.name and Field.NAME not in held:
        yield Rename(before.id, person.name, before.name)


def _gone(directory: Directory, known: Known) -> dict[int, KnownPerson]:
    """The active people none of whose accounts can be written to any more, by id."""
    reachable = {person.external_id: person.active for person in directory.people}
    missing = not directory.whole  # what a part does not show may still be there
    here = {person.id for person in known.people if reachable.get(person.external_id, missing)}
    return {person.id: person for person in known.people if person.active and person.id not in here}


def _new(tree: Tree, known: Known) -> Iterator[NewDepartment]:
    """Departments we have not seen before; one that the sheet made by this name, and nobody else's, is adopted."""
    have = {department.external_id for department in known.departments}
    fresh = [department for department in tree.values() if department.external_id not in have]
    wanted = Counter(department.name for department in fresh)
    ours = Counter(department.name for department in known.departments if not department.external_id)
    ids = {department.name: department.id for department in known.departments if not department.external_id}
    for department in fresh:
        name = department.name
        mine = name and wanted[name] == 1 and ours[name] == 1
        yield NewDepartment(department.external_id, name, _parent(department, tree), ids[name] if mine else None)


def _changed(tree: Tree, known: Known) -> Iterator[DepartmentChange]:
    for old in known.departments:
        department = tree.get(old.external_id) if old.external_id else None
        if department is None:
            continue
        name, parent = department.name or old.name, _parent(department, tree)
        if (name, parent) != (old.name, old.parent):
            yield DepartmentChange(old.id, old.external_id, name, parent, old.name, old.parent)


def _parent(department: DirDepartment, tree: Tree) -> str:
    """The parent's id; empty when we may not see it, or when the parents go round in a circle."""
    passed = {department.external_id}
    above = tree.get(department.parent)
    while above is not None and above.external_id not in passed:
        passed.add(above.external_id)
        above = tree.get(above.parent)
    return department.parent if above is None and department.parent in tree else ""


def _left_alone(directory: Directory, known: Known, gone: Mapping[int, KnownPerson]) -> Iterator[str]:
    """What is not touched, in words for the operator."""
    elsewhere = sum(person.elsewhere for person in gone.values())
    if elsewhere:
        yield f"{elsewhere} 人这边的账号没有了，但还有别的平台账号，没有停用；真离职的在人员表里写「离职」"
    seen = {person.external_id for person in directory.people}
    missing = sum(person.active and person.external_id not in seen for person in known.people)
    if missing and not directory.whole:
        yield f"通讯录没有读全，没看到的 {missing} 人先不动"
    shown = {department.external_id for department in directory.departments}
    closed = sum(bool(each.external_id) and each.external_id not in shown for each in known.departments)
    if closed:
        yield f"{closed} 个部门在通讯录里看不到了，保留"


def _stop(leaves: int, people: int) -> str:
    if 1 < leaves == people:
        return f"通讯录里我们认识的 {people} 人一个也不在了，像是没有读到，什么都没有改"
    if leaves > MOST_LEAVES and leaves > MOST_SHARE * people:
        return f"{people} 人里有 {leaves} 人会一下子停用，像是通讯录没有读全，什么都没有改"
    return ""
