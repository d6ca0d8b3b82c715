"""Who runs the server, who can reach it, and whose folders are left as they are."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from durable_runtime.embedded import AccessRefused, EmbeddedServer, find_binaries, places
from tests.embedded.users import ORDINARY, Refused, User, is_alive, owner_of, query
from tests.postgres import new_home, remove_home

StartUser = Callable[..., User]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run processes as other users")


@pytest.fixture
def shared_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What takes the place of /var/lib/durable during the test. It is not there yet."""
    parent = new_home()
    monkeypatch.setattr(places, "SHARED_FOLDERS", [parent / "shared"])
    yield parent / "shared"
    shutil.rmtree(parent)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only we can enter, as root's own home folder is."""
    folder = Path(tempfile.mkdtemp(prefix="durable-closed-"))
    yield folder
    EmbeddedServer(folder / "home").stop()
    shutil.rmtree(folder)


@pytest.fixture
def home_of_ordinary() -> Iterator[Path]:
    """The home folder of an ordinary user, closed to others."""
    folder = new_home()
    shutil.chown(folder, ORDINARY)
    folder.chmod(0o700)
    yield folder
    remove_home(folder)


def _rights(*paths: Path) -> list[tuple[int, int, int]]:
    return [(found.st_mode, found.st_uid, found.st_gid) for found in (path.stat() for path in paths)]


@needs_root
def test_root_runs_the_server_as_an_unprivileged_user(home: Path) -> None:
    server = EmbeddedServer(home)
    url = server.join()
    pid = server.status().pid
    assert pid is not None
    assert owner_of(pid) in ("durable", "postgres", "nobody")
    assert query(url, "SELECT 1") == 1


def test_the_folders_on_the_way_keep_their_owners_and_modes(home: Path) -> None:
    project = home / "project"
    project.mkdir(mode=0o705)
    ways = [home, project, *home.parents]
    before = _rights(*ways)
    with EmbeddedServer(project / ".durable"):
        pass
    assert _rights(*ways) == before
    assert stat.S_IMODE((project / ".durable" / "pgdata").stat().st_mode) == 0o700
    assert stat.S_IMODE((project / ".durable" / "pgdata" / "server.log").stat().st_mode) == 0o600


def test_a_new_home_says_that_it_is_not_for_version_control(home: Path) -> None:
    with EmbeddedServer(home / ".durable"):
        pass
    assert (home / ".durable" / ".gitignore").read_text().splitlines()[-1] == "*"


@needs_root
def test_an_ordinary_user_runs_the_server_alone(home_of_ordinary: Path, start_user: StartUser) -> None:
    user = start_user(home_of_ordinary, ORDINARY)
    user.join()
    pid = user.ask("server.status().pid")
    assert owner_of(pid) == ORDINARY
    assert {path.stat().st_uid for path in home_of_ordinary.rglob("*")} == {pwd.getpwnam(ORDINARY).pw_uid}
    assert user.ask("server.leave()") is True
    assert not is_alive(pid)


@needs_root
def test_an_ordinary_user_makes_a_home_that_only_it_can_enter(home_of_ordinary: Path, start_user: StartUser) -> None:
    user = start_user(home_of_ordinary / "inner", ORDINARY)
    user.join()
    assert stat.S_IMODE((home_of_ordinary / "inner").stat().st_mode) == 0o700


@needs_root
@pytest.mark.parametrize("root_is_first", [True, False])
def test_root_and_the_owner_of_a_home_share_one_server(
    home_of_ordinary: Path, start_user: StartUser, root_is_first: bool
) -> None:
    root, owner = EmbeddedServer(home_of_ordinary), start_user(home_of_ordinary, ORDINARY)
    if root_is_first:
        url = root.join()
        assert owner.join() == url
    else:
        url = owner.join()
        assert root.join() == url
    pid = root.status().pid
    assert pid is not None
    assert owner_of(pid) == ORDINARY
    query(url, "SELECT 1")
    assert root.leave() is False
    assert owner.ask("server.leave()") is True
    # What root made does not keep the owner from going on alone.
    assert owner.join() == url


@needs_root
def test_nobody_but_root_uses_what_belongs_to_root(home: Path, start_user: StartUser) -> None:
    with EmbeddedServer(home):
        with pytest.raises(Refused) as refused:
            start_user(home, ORDINARY).join()
        assert refused.value.kind == "AccessRefused"
        assert "Permission denied. Set DURABLE_HOME to a folder of yours" in refused.value.message


@needs_root
def test_data_that_was_given_to_root_is_refused_with_the_way_back(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    shutil.chown(home / "pgdata", "root")
    with pytest.raises(AccessRefused, match=r"belongs to root, but .* \(chown -R nobody "):
        EmbeddedServer(home).join()


@needs_root
def test_other_users_reach_neither_the_socket_nor_past_it(home: Path, start_user: StartUser) -> None:
    server = EmbeddedServer(home)
    server.join()
    socket = home / "pgdata" / ".s.PGSQL.5432"
    stranger = start_user(home, ORDINARY, "import socket\n" + _TALK)
    assert stranger.ask(f"talk({str(socket)!r})") == "PermissionError"
    # Even with the doors open, the server asks the system who is there. What it does not forbid, it answers with "R".
    (home / "pgdata").chmod(0o711)
    socket.chmod(0o777)
    assert "Peer authentication failed" in stranger.ask(f"talk({str(socket)!r})")


_TALK = """
def talk(path):
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError as error:
            return type(error).__name__
        connection.sendall(bytes.fromhex("0000001700030000") + b"user\\0postgres\\0\\0")
        return connection.recv(4096).decode()
"""


@needs_root
def test_data_goes_to_a_folder_of_its_own_where_the_server_cannot_reach_the_home(
    closed_folder: Path, shared_folder: Path
) -> None:
    server = EmbeddedServer(closed_folder / "home")
    before = _rights(closed_folder, *closed_folder.parents)
    with server as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert server.status().data_folder.parent == shared_folder
        assert (closed_folder / "home" / "pgdata").resolve() == server.status().data_folder
    with server as url:
        assert query(url, "SELECT answer FROM kept") == 42
    assert _rights(closed_folder, *closed_folder.parents) == before
    assert [path.name[:5] for path in shared_folder.iterdir()] == ["data-"]


@needs_root
def test_a_home_made_anew_begins_empty_and_leaves_the_old_data_alone(closed_folder: Path, shared_folder: Path) -> None:
    home = closed_folder / "home"
    with EmbeddedServer(home) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    shutil.rmtree(home)
    with EmbeddedServer(home) as url:
        assert query(url, "SELECT to_regclass('kept')") is None
    assert len(list(shared_folder.glob("data-*"))) == 2


@needs_root
def test_a_shared_folder_that_others_can_write_to_is_not_used(closed_folder: Path, shared_folder: Path) -> None:
    shared_folder.mkdir()
    shared_folder.chmod(0o777)
    with pytest.raises(AccessRefused, match="can reach neither the home folder nor any of"):
        EmbeddedServer(closed_folder / "home").join()
    assert list(shared_folder.iterdir()) == []


@needs_root
def test_binaries_that_the_server_cannot_reach_are_copied_once(
    home: Path, closed_folder: Path, shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (closed_folder / "installation").symlink_to(find_binaries().parent)
    monkeypatch.setenv("DURABLE_PG_BIN", str(closed_folder / "installation" / "bin"))
    server = EmbeddedServer(home)
    with server as url:
        pid = server.status().pid
        program = Path(os.readlink(f"/proc/{pid}/exe"))
        assert program.is_relative_to(shared_folder)
        assert query(url, "SELECT count(*) > 0 FROM pg_timezone_names") is True
    copies = list(shared_folder.iterdir())
    first = program.stat().st_ino
    with server:
        pass
    assert list(shared_folder.iterdir()) == copies
    assert len(copies) == 1
    assert program.stat().st_ino == first


@pytest.fixture
def long_home(home: Path) -> Path:
    """A home whose path is too long for a socket's address."""
    folder = home / ("deep" * 20) / ".durable"
    folder.parent.mkdir()
    return folder


def _socket_folder(url: str) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))


def test_a_home_with_a_long_path_has_its_socket_in_a_folder_with_a_short_one(long_home: Path) -> None:
    server = EmbeddedServer(long_home)
    url = server.join()
    folder = _socket_folder(url)
    try:
        assert query(url, "SELECT 1") == 1
        assert folder.parent == Path("/tmp")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == (long_home / "pgdata").stat().st_uid
    finally:
        server.leave()
    assert not folder.exists(), "it goes with the server"
    with server as again:
        assert again == url, "who still has the old address can use it"


@pytest.mark.parametrize("trap", ["a link", "an open folder", "a folder of somebody else"])
def test_a_prepared_folder_in_the_place_of_the_socket_is_refused(long_home: Path, tmp_path: Path, trap: str) -> None:
    with EmbeddedServer(long_home) as url:
        folder = _socket_folder(url)
    try:
        if trap == "a link":
            folder.symlink_to(tmp_path)
        else:
            folder.mkdir()
            if trap == "an open folder":
                folder.chmod(0o777)
                shutil.chown(folder, (long_home / "pgdata").stat().st_uid)
            elif os.geteuid() == 0:
                folder.chmod(0o700)
                shutil.chown(folder, ORDINARY)
            else:
                pytest.skip("only root can give a folder to somebody else")
        with pytest.raises(AccessRefused, match=f"{folder} is not one that only user"):
            EmbeddedServer(long_home).join()
        assert list(tmp_path.iterdir()) == []
    finally:
        folder.unlink() if folder.is_symlink() else folder.rmdir()


@needs_root
def test_without_the_right_to_change_users_root_is_told_so(home: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("there is no setpriv on this machine to take rights away from root")
    program = (
        "import sys; from pathlib import Path; from durable_runtime.embedded import *\n"
        "try: EmbeddedServer(Path(sys.argv[1])).join()\n"
        "except AccessRefused as error: print(error)"
    )
    runtime = Path(__file__).resolve().parents[2] / "runtime"
    said = subprocess.run(
        [setpriv, "--bounding-set=-setuid,-setgid", sys.executable, "-c", program, home],
        env=os.environ | {"PYTHONPATH": str(runtime)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert said.startswith("PostgreSQL does not run as root, and changing to user ")
