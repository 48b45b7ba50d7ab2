"""Lists of targets in files."""

import tomllib
from pathlib import Path

import pytest

from webvdi.display.endpoint import ListenEndpoint, TcpEndpoint, UnixEndpoint
from webvdi.display.targets import (
    MAX_FILE_BYTES,
    NamedTarget,
    TargetsInvalid,
    read_targets,
)
from webvdi.display.tls import TlsPolicy


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_what_websockify_users_have(tmp_path: Path) -> None:
    path = write(
        tmp_path / "tokens",
        "# machines\n\n"
        "one: 192.0.2.1:5901\n"
        "  two:\tvnc.example:5902  \n"
        "VM-3: [2001:db8::1]:5900\n"
        "four: unix_socket:/run/vm four.sock\n"
        "five: unix:/run/five\n"
        "six: tcp:vnc.example:1\n"
        "seven: listen:5501\n"
        "eight: tcp:5900\n",
    )
    assert read_targets(path) == (
        NamedTarget("one", "one", TcpEndpoint("192.0.2.1", 5901)),
        NamedTarget("two", "two", TcpEndpoint("vnc.example", 5902)),
        NamedTarget("vm-3", "VM-3", TcpEndpoint("2001:db8::1", 5900)),
        NamedTarget("four", "four", UnixEndpoint(Path("/run/vm four.sock"))),
        NamedTarget("five", "five", UnixEndpoint(Path("/run/five"))),
        NamedTarget("six", "six", TcpEndpoint("vnc.example", 1)),
        NamedTarget("seven", "seven", ListenEndpoint("127.0.0.1", 5501)),
        NamedTarget("eight", "eight", TcpEndpoint("tcp", 5900)),
    )


def test_tables(tmp_path: Path) -> None:
    path = write(
        tmp_path / "targets.toml",
        """
[office]
endpoint = "tcp:192.0.2.7:5900"
title = "The PC in the office"
password_file = "office.password"
tls = { ca_file = "ca.pem", host_name = "pc.example" }

[lab]
endpoint = "unix:/run/lab"
password_file = "/etc/lab.password"

[lab.tls]
anonymous = true

[door]
endpoint = "listen:"
tls = {}
""",
    )
    ca = TlsPolicy(ca_file=tmp_path / "ca.pem", host_name="pc.example")
    assert read_targets(path) == (
        NamedTarget(
            "office",
            "The PC in the office",
            TcpEndpoint("192.0.2.7", 5900),
            tmp_path / "office.password",
            ca,
        ),
        NamedTarget(
            "lab",
            "lab",
            UnixEndpoint(Path("/run/lab")),
            Path("/etc/lab.password"),
            TlsPolicy(anonymous=True),
        ),
        NamedTarget("door", "door", ListenEndpoint("127.0.0.1", 5500), None, TlsPolicy()),
    )


def test_a_directory_of_both(tmp_path: Path) -> None:
    write(tmp_path / "b.toml", '[b]\nendpoint = "tcp:b:2"\n')
    write(tmp_path / "a", "a: a:1\n")
    write(tmp_path / ".hidden", "junk\n")
    write(tmp_path / "c", "# none yet\n")
    (tmp_path / "more").mkdir()
    assert [target.name for target in read_targets(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("one", "'one' is no target; write NAME: HOST:PORT"),
        ("one:5900", "'one:5900' is no target"),
        ("one:", "'one:' is no target"),
        ("one: host", "'host' needs a host and a port"),
        ("one: host:99999", "port of 1 to 65535"),
        ("one: unix_socket:", "needs a host and a port"),
        ("über: host:1", "'über' cannot be a name"),
        ("a/b: host:1", "'a/b' cannot be a name"),
        ("..: host:1", "'..' cannot be a name"),
        ("x" * 65 + ": host:1", "cannot be a name"),
        ("One: host:1\none: host:2", "line 4: there is a target 'one' already, in .*, line 3"),
    ],
)
def test_lines_that_are_wrong(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "tokens", f"# first\nzero: host:1\n{line}\n")
    with pytest.raises(TargetsInvalid, match=message) as caught:
        read_targets(path)
    assert "tokens, line " in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[one", "is no TOML: "),
        ('[one]\nendpoint = "x"\n[one]\n', "is no TOML: .*line 3"),
        ("[one]\n", "line 1: 'one' has no endpoint"),
        ('title = "x"\n', "line 1: 'title' is no table"),
        ('[one]\nendpoint = "vnc:1"\n', "line 1: 'vnc:1' is no endpoint"),
        ("[one]\nendpoint = 5900\n", "'endpoint' must be a text, not 5900"),
        ('[one]\nendpoint = "tcp:x:1"\ntitle = ""\n', "'title' must be a text"),
        (f'[one]\nendpoint = "tcp:x:1"\ntitle = "{"x" * 201}"\n', "more than 200 characters"),
        ('[one]\nendpoint = "tcp:x:1"\nport = 1\n', "there is no 'port'; there are endpoint, "),
        ('\n\n[ "One" ]\nendpoint = "tcp:x:1"\n', "line 3: 'One' cannot be a name"),
        ('[one]\nendpoint = "tcp:x:1"\ntls = true\n', "line 1: TLS settings are a table"),
        ('[one]\nendpoint = "tcp:x:1"\ntls.fingerprint = "ab"\n', "no SHA-256 fingerprint"),
        ('"a\\u0020b".endpoint = "tcp:x:1"\n', "target 'a b': 'a b' cannot be a name"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, table: str, message: str) -> None:
    path = write(tmp_path / "targets.toml", table)
    with pytest.raises(TargetsInvalid, match=message) as caught:
        read_targets(path)
    assert caught.value.reason == "bad_targets"


def test_names_are_unique_over_all_files(tmp_path: Path) -> None:
    write(tmp_path / "a", "one: a:1\n")
    write(tmp_path / "b.toml", '[one]\nendpoint = "tcp:b:2"\n')
    with pytest.raises(
        TargetsInvalid, match=r"b.toml, line 1: there is a target 'one' already, in .*a, l"
    ):
        read_targets(tmp_path)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(TargetsInvalid, match="cannot be read"):
        read_targets(tmp_path / "missing")
    with pytest.raises(TargetsInvalid, match="names no targets"):
        read_targets(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(TargetsInvalid, match="cannot be read"):
        read_targets(tmp_path / "binary")
    (tmp_path / "long").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(TargetsInvalid, match="is it the right file"):
        read_targets(tmp_path / "long")


def test_the_example_in_the_docstring(tmp_path: Path) -> None:
    from webvdi.display import targets

    example = (targets.__doc__ or "").split("::\n", 1)[1].split("anything else")[0]
    text = "\n".join(line.strip() for line in example.splitlines())
    assert tomllib.loads(text)
    (target,) = read_targets(write(tmp_path / "example.toml", text))
    assert target.name == "office"
