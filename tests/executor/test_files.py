"""The file modules of 4.6 on real files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from goldsmith.executor.failures import ActionError
from goldsmith.executor.guest_files import has_wildcard

NASTY = ["-rf", "a b", "new\nline", "$(touch pwned)", "quote'\"", "back\\slash", "ü", "*"]


@pytest.fixture
def do(bench):
    """Run one list module; return None on success, else the failure's message."""

    def act(action, *operations):
        bench.result = bench.steps(bench.step(action, list(operations)))
        return bench.result.failure.message if bench.result.failure else None

    return act


@pytest.fixture
def here(bench):
    return bench.folder


@pytest.mark.parametrize("name", NASTY)
def test_names_are_only_names(do, here, bench, name):
    if "*" not in name:
        assert do("CreateFile", {"path": name, "content": "one"}) is None
        assert do("CopyFile", {"source": name, "destination": f"sub/{name}"}) is None
        assert (here / "sub" / name).read_text() == "one"
    else:
        (here / name).write_text("one")
    folder = here / "deep" / name.replace("*", "-star")
    assert do("CreateFolder", {"path": str(folder)}) is None
    assert folder.is_dir()
    if "*" not in name:
        assert do("ReadFile", {"path": name}) is None
        assert bench.outputs(bench.result) == [{"content": "one"}]
        assert do("DeleteFile", {"path": name}) is None
        assert not (here / name).exists()
    assert not (here / "pwned").exists()


def test_create_file(do, here):
    assert do("CreateFile", {"path": f"{here}/a/b/file", "content": "text\n"}) is None
    file = here / "a/b/file"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("text\n", 0o666 & ~umask())
    assert do("CreateFile", {"path": str(file), "content": "x", "permissions": "0777"}) is None
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("x", 0o777 & ~umask())
    assert (
        do("CreateFile", {"path": str(file), "overwrite": False}) == f"{file} already exists and 'overwrite' is false."
    )
    assert do("CreateFile", {"path": str(here / "a")}) == f"{here}/a exists and is not a file."
    assert "no user no-such-user" in do("CreateFile", {"path": f"{here}/x", "owner": "no-such-user"})
    os.mkfifo(here / "fifo")
    assert do("CreateFile", {"path": str(here / "fifo")}) == f"{here}/fifo exists and is not a file."


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("", "utf-8"),
        ("UTF8", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf16-BE", "utf-16-be"),
        ("UTF-32", "utf-32-le"),
        ("utf-32-be", "utf-32-be"),
    ],
)
def test_encodings(do, here, bench, encoding, codec):
    more = {"encoding": encoding} if encoding else {}
    assert do("CreateFile", {"path": "file", "content": "Grüße ", **more}) is None
    assert do("AppendFile", {"path": "file", "content": "😀", **more}) is None
    assert (here / "file").read_bytes() == "Grüße 😀".encode(codec)
    assert do("ReadFile", {"path": "file", **more}) is None
    assert bench.outputs(bench.result) == [{"content": "Grüße 😀"}]
    (here / "plain").write_text("Grüße", encoding="utf-8")
    (here / "plain").chmod(0o600)
    assert do("SetFileEncoding", {"path": "plain", **more}) is None
    assert (here / "plain").read_bytes() == "Grüße".encode(codec)
    assert (here / "plain").stat().st_mode & 0o777 == 0o600


def test_append_needs_a_file(do, here):
    assert do("AppendFile", {"path": "missing", "content": "x"}) == f"The file {here}/missing does not exist."


def test_read_file_is_for_text(do, here, bench):
    (here / "latin").write_bytes(b"gr\xfc\xdfe")
    (here / "zero").write_bytes(b"a\0b")
    (here / "big").write_bytes(b"x" * (1 << 21))
    assert "is not text in utf-8: invalid start byte at byte 2" in do("ReadFile", {"path": "latin"})
    assert "NUL" in do("ReadFile", {"path": "zero"})
    assert "larger than" in do("ReadFile", {"path": "big"})
    (here / "text").write_text("one\ntwo\n")
    (here / "link").symlink_to("text")
    assert do("ReadFile", {"path": "link"}) is None
    assert "Info two" not in bench.console(bench.result)
    assert do("ReadFile", {"path": "link", "printFileContent": True}) is None
    assert "Info two" in bench.console(bench.result)


def test_create_folder(do, here):
    assert do("CreateFolder", {"path": f"{here}/a/b/", "permissions": "0750"}) is None
    assert (here / "a/b").stat().st_mode & 0o777 == 0o750 & ~umask()
    (here / "a/b/file").touch()
    assert "already exists" in do("CreateFolder", {"path": f"{here}/a/b", "overwrite": False})
    assert do("CreateFolder", {"path": f"{here}/a/b"}) is None
    assert list((here / "a/b").iterdir()) == []
    (here / "kept").mkdir()
    (here / "kept/file").touch()
    (here / "link").symlink_to(here / "kept")
    assert do("CreateFolder", {"path": f"{here}/link/"}) is None
    assert (here / "kept/file").exists()


@pytest.mark.parametrize("path", ["/", "/etc", "//etc//", "/usr/../etc", "/tmp/"])
def test_create_folder_never_empties_a_system_folder(do, path):
    assert "would empty the system folder" in do("CreateFolder", {"path": path})
    assert Path("/etc/passwd").exists()


def test_create_symlink(do, here):
    (here / "target").touch()
    assert do("CreateSymlink", {"path": "a/link", "target": "target"}) is None
    assert (here / "a/link").readlink() == here / "target"
    assert do("CreateSymlink", {"path": "a/link", "target": "target"}) == f"{here}/a/link is already a link."
    assert do("CreateSymlink", {"path": "a/link", "target": "a", "force": True}) is None
    assert (here / "a/link").readlink() == here / "a"
    assert do("CreateSymlink", {"path": "a/link", "target": "target", "force": True}) is None
    assert (here / "a/link").readlink() == here / "target"
    assert "is not a link" in do("CreateSymlink", {"path": "target", "target": "a", "force": True})
    assert "does not exist" in do("CreateSymlink", {"path": "other", "target": "missing"})


def test_copy_file(do, here):
    (here / "one.txt").write_text("1")
    (here / "two.txt").write_text("2")
    (here / "three").write_text("3")
    assert do("CopyFile", {"source": "one.txt", "destination": "new/"}) is None
    assert do("CopyFile", {"source": "one.txt", "destination": "x/y"}) is None
    assert do("CopyFile", {"source": "*.txt", "destination": "all/"}) is None
    assert names(here / "new") == ["one.txt"]
    assert (here / "x/y").read_text() == "1"
    assert names(here / "all") == ["one.txt", "two.txt"]
    assert "must end in /" in do("CopyFile", {"source": "*.txt", "destination": "{{ context:step }}"})
    with pytest.raises(ActionError, match="last segment"):
        has_wildcard("/*/one.txt")
    assert do("CopyFile", {"source": "*.none", "destination": "all/"}) == f"No file matches {here}/*.none."
    assert do("CopyFile", {"source": "missing", "destination": "all/"}) == f"The file {here}/missing does not exist."
    assert do("CopyFile", {"source": "all", "destination": "z"}) == f"{here}/all is not a file."
    assert "is a folder" in do("CopyFile", {"source": "three", "destination": "all"})
    assert "already exists" in do("CopyFile", {"source": "three", "destination": "x/y", "overwrite": False})
    assert do("CopyFile", {"source": "three", "destination": "x/y"}) is None
    assert (here / "x/y").read_text() == "3"


def test_only_the_star_is_a_wildcard(do, here):
    for name in ("a[1].txt", "a1.txt", "a?.txt", "ab.txt"):
        (here / name).touch()
    assert do("CopyFile", {"source": "a[1]*", "destination": "brackets/"}) is None
    assert do("CopyFile", {"source": "a?*", "destination": "mark/"}) is None
    assert names(here / "brackets") == ["a[1].txt"]
    assert names(here / "mark") == ["a?.txt"]


def test_copy_folder(do, here):
    (here / "src/sub").mkdir(parents=True)
    (here / "src/sub/file").write_text("1")
    (here / "src/run").write_text("2")
    (here / "src/run").chmod(0o755)
    (here / "src/link").symlink_to("/etc/shadow")
    assert do("CopyFolder", {"source": "src", "destination": "copy"}) is None
    assert names(here / "copy") == ["link", "run", "sub"]
    assert (here / "copy/link").is_symlink()
    assert (here / "copy/run").stat().st_mode & 0o777 == 0o755
    assert do("CopyFolder", {"source": "src/", "destination": "into/"}) is None
    assert (here / "into/src/sub/file").read_text() == "1"
    assert "already exists" in do("CopyFolder", {"source": "src", "destination": "copy", "overwrite": False})
    (here / "copy/extra").touch()
    assert do("CopyFolder", {"source": "src", "destination": "copy"}) is None
    assert names(here / "copy") == ["extra", "link", "run", "sub"]
    assert do("CopyFolder", {"source": "s*", "destination": "wild/"}) is None
    assert names(here / "wild") == ["src"]
    assert "is not a folder" in do("CopyFolder", {"source": "src/run", "destination": "x"})


def test_move_file(do, here):
    (here / "one").write_text("1")
    (here / "two").write_text("2")
    assert "already exists" in do("MoveFile", {"source": "one", "destination": "two", "overwrite": False})
    assert do("MoveFile", {"source": "one", "destination": "two"}) is None
    assert (not (here / "one").exists(), (here / "two").read_text()) == (True, "1")
    assert do("MoveFile", {"source": "t*", "destination": "d/"}) is None
    assert names(here / "d") == ["two"]
    assert "is not a file" in do("MoveFile", {"source": "d", "destination": "e"})


def test_move_folder(do, here):
    (here / "a/sub").mkdir(parents=True)
    (here / "b/old").mkdir(parents=True)
    assert "already exists" in do("MoveFolder", {"source": "a", "destination": "b", "overwrite": False})
    for source, destination in (("a", "a/sub/x"), ("a/sub", "a"), ("a", "a")):
        assert "one lies within the other" in do("MoveFolder", {"source": source, "destination": destination})
    assert (here / "a/sub").is_dir()
    assert do("MoveFolder", {"source": "a", "destination": "b"}) is None
    assert (names(here / "b"), (here / "a").exists()) == (["sub"], False)
    assert do("MoveFolder", {"source": "b", "destination": "c/"}) is None
    assert names(here / "c") == ["b"]


def test_delete_file(do, here):
    for name in ("one.log", "two.log", "keep"):
        (here / name).touch()
    (here / "link").symlink_to("keep")
    assert do("DeleteFile", {"path": "*.log"}) is None
    assert do("DeleteFile", {"path": "*.log"}) is None
    assert do("DeleteFile", {"path": "link"}) is None
    assert names(here) == ["keep", "logs"]
    assert do("DeleteFile", {"path": "missing"}) == f"The file {here}/missing does not exist."
    assert do("DeleteFile", {"path": "logs"}) == f"{here}/logs is a folder."


def test_delete_folder(do, here):
    (here / "a/b").mkdir(parents=True)
    (here / "kept").mkdir()
    (here / "kept/file").touch()
    (here / "a/link").symlink_to(here / "kept")
    assert "not empty" in do("DeleteFolder", {"path": "a"})
    assert do("DeleteFolder", {"path": "a/b"}) is None
    assert do("DeleteFolder", {"path": "a", "force": True}) is None
    assert not (here / "a").exists()
    assert (here / "kept/file").exists()
    assert "does not exist" in do("DeleteFolder", {"path": "a"})
    assert "is not a folder" in do("DeleteFolder", {"path": "kept/file"})


def test_list_files(do, here, bench):
    (here / "d/sub").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "c.log", "sub/d.txt"):
        (here / "d" / name).touch()
    assert do("ListFiles", {"path": "d"}, {"path": "d", "fileNamePattern": "*.txt", "recursive": True}) is None
    assert bench.outputs(bench.result) == [
        {"files": f"{here}/d/a.txt,{here}/d/b.txt,{here}/d/c.log"},
        {"files": f"{here}/d/a.txt,{here}/d/b.txt,{here}/d/sub/d.txt"},
    ]
    assert "does not exist" in do("ListFiles", {"path": "missing"})


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
def test_owners(do, here):
    nobody = pwd.getpwnam("nobody")
    (here / "d/sub").mkdir(parents=True)
    (here / "d/sub/file").touch()
    (here / "outside").touch()
    (here / "d/link").symlink_to(here / "outside")
    assert do("SetFileOwner", {"path": "d/sub/file", "owner": "nobody"}) is None
    assert ids(here / "d/sub/file") == (nobody.pw_uid, nobody.pw_gid)
    assert do("SetFileOwner", {"path": "d/sub/file", "owner": "0", "group": "daemon"}) is None
    assert ids(here / "d/sub/file") == (0, 1)
    assert do("SetFolderOwner", {"path": "d", "owner": "nobody", "recursive": False}) is None
    assert (ids(here / "d")[0], ids(here / "d/sub")[0]) == (nobody.pw_uid, 0)
    assert do("SetFolderOwner", {"path": "d", "owner": "nobody"}) is None
    assert ids(here / "d/sub/file")[0] == nobody.pw_uid
    assert ids(here / "outside")[0] == 0
    assert "no user no-such-user" in do("SetFileOwner", {"path": "outside", "owner": "no-such-user"})
    assert "invalid group" in do("SetFileOwner", {"path": "outside", "owner": "root", "group": "no-such"})


def test_permissions(do, here):
    (here / "d").mkdir()
    (here / "d/file").touch()
    (here / "outside").touch(mode=0o600)
    (here / "d/link").symlink_to(here / "outside")
    assert do("SetFilePermissions", {"path": "d/file", "permissions": "0666"}) is None
    assert (here / "d/file").stat().st_mode & 0o7777 == 0o666
    assert do("SetFolderPermissions", {"path": "d", "permissions": "1755", "recursive": False}) is None
    assert [(here / name).stat().st_mode & 0o7777 for name in ("d", "d/file")] == [0o1755, 0o666]
    assert do("SetFolderPermissions", {"path": "d", "permissions": "0700"}) is None
    assert [(here / name).stat().st_mode & 0o777 for name in ("d", "d/file", "outside")] == [0o700, 0o700, 0o600]
    assert "not three or four octal digits" in do(
        "SetFilePermissions", {"path": "d/file", "permissions": "{{ context:step }}"}
    )


def test_the_first_operation_that_fails_ends_the_step(do, here):
    assert do("DeleteFile", {"path": "missing"}, {"path": "also"}) == f"The file {here}/missing does not exist."
    assert do("CreateFile", {"path": "a"}, {"path": "logs"}, {"path": "b"}) is not None
    assert names(here) == ["a", "logs"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids(path: Path) -> tuple[int, int]:
    return path.lstat().st_uid, path.lstat().st_gid
