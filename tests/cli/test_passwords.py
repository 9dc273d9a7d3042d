"""Passwords come from where nobody else looks, and are never shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from algomancy_data.masking import mask, remember_secret

SECRET = "p@ss/w0rd:%"  # noqa: S105  of a role in the server of the tests
QUOTED = "p%40ss%2Fw0rd%3A%25"
CLOSED = "127.0.0.1:1/db"

BACKEND = """
import keyring.backend

class Backend(keyring.backend.KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        print("asked for", service, username, file=__import__("sys").stderr)
        return "from the keyring"

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


@pytest.fixture
def careful(postgresql):
    """The URL of a user whom the server asks for a password, which is SECRET."""
    rules = Path(parse_qs(urlsplit(postgresql).query)["host"][0], "pg_hba.conf")
    rule = "local all careful scram-sha-256\n"
    if rule not in rules.read_text():
        rules.write_text(rule + rules.read_text())
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS careful")
        connection.execute(f"CREATE ROLE careful SUPERUSER LOGIN PASSWORD '{SECRET}'")
        connection.execute("SELECT pg_reload_conf()")
    return postgresql.replace("postgres:@", "careful@")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{QUOTED}@{CLOSED}",
        f"postgresql://me@{CLOSED}?password={QUOTED}",
        f"postgresql://me:{QUOTED}@{CLOSED}?sslmode=disable",
    ],
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(run, url):
    for arguments in (
        ("ls", "--store", url),
        ("migrate", ".", url),
        ("copy", "--to", url, "-s", "."),
    ):
        done = run(*arguments, "--verbose", "--json", allow_traceback=True)
        assert done.code == 2
        assert "ALGOMANCY_PASSWORD" in done.err
        for text in (done.out, done.err):
            assert SECRET not in text
            assert QUOTED not in text


def test_a_password_in_the_configuration_file_is_refused(run, tmp_path):
    (tmp_path / "algomancy.toml").write_text(f'store = "postgresql://me:{QUOTED}@{CLOSED}"\n')
    done = run("ls")
    assert done.code == 2
    assert "in the file" in done.err
    assert QUOTED not in done.err


@pytest.mark.parametrize(
    "variables",
    [
        {"ALGOMANCY_STORE": f"postgresql://me:{QUOTED}@{CLOSED}"},
        {"ALGOMANCY_STORE": f"postgresql://me@{CLOSED}", "ALGOMANCY_PASSWORD": SECRET},
    ],
)
def test_a_password_from_the_environment_is_used_and_masked_even_in_tracebacks(run, variables):
    done = run("ls", "--verbose", "--json", allow_traceback=True, **variables)
    assert done.code == 3
    assert "Traceback" in done.err
    assert "Check that the server is running" in done.json["error"]["message"]
    for text in (done.out, done.err):
        assert SECRET not in text
        assert QUOTED not in text


def test_a_password_opens_the_door(run, careful, folder, source):
    folder.add_data_source(source())
    store = ("--store", careful)
    without = run("migrate", "folder", careful)
    assert without.code == 4
    assert "Give the password of the user." in without.err
    wrong = run("bench", "--rows", "10", *store, ALGOMANCY_PASSWORD=f"not {SECRET}")
    assert wrong.code == 4
    assert "Check user and password." in wrong.err
    right = run("bench", "--rows", "10", *store, ALGOMANCY_PASSWORD=SECRET)
    assert right.code == 0, right.err
    assert SECRET not in wrong.err + right.err + right.out


def test_the_keyring_is_asked_for_user_host_and_database(run, tmp_path):
    (tmp_path / "ring.py").write_text(BACKEND)
    done = run(
        *("ls", "--store", f"postgresql://me@{CLOSED}"),
        PYTHON_KEYRING_BACKEND="ring.Backend",
    )
    assert done.code == 3
    assert "asked for algomancy-data me@127.0.0.1/db" in done.err
    assert "from the keyring" not in done.out


def test_masking_leaves_everything_else():
    remember_secret("long-secret")
    assert mask("sqlite:///data.db and a@b:c@d") == "sqlite:///data.db and a@b:c@d"
    assert mask("postgresql://u:x@h/d") == "postgresql://u:***@h/d"
    assert mask("host=h password = 'a b' user=u") == "host=h password = *** user=u"
    assert mask("it is long-secret, says long%2Dsecret") != "it is long-secret"
    assert "long-secret" not in mask("a long-secret")
