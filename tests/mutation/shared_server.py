"""What the tests of all mutants share is started once: a server."""


def test_a_server_answers(postgresql: str) -> None:
    assert postgresql
