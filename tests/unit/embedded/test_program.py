import os
import socket
import time
from pathlib import Path

from service.embedded.ports import free_port
from service.embedded.program import Once, healthy, listens


def _once(folder: Path, module: str) -> Once:
    (folder / "prepared.py").write_text("print('done')\n")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return Once(
        "once", module, scope=str(folder), log=folder / "log", environment=environment, answers=lambda _: True
    )


def test_a_program_that_runs_once_is_ready_when_it_has_ended_well(tmp_path: Path) -> None:
    once = _once(tmp_path, "prepared")
    assert not once.ready()
    once.start(10)
    assert once.ready()
    assert once.alive()
    assert once.exit_code() == 0
    assert once.tail() == "done"


def test_a_program_that_fails_is_not_alive(tmp_path: Path) -> None:
    once = _once(tmp_path, "absent")
    once.launch()
    while once.exit_code() is None:
        time.sleep(0.02)
    assert not once.alive()
    assert not once.ready()
    assert "No module named absent" in once.tail()


def test_nothing_is_healthy_where_nothing_listens() -> None:
    assert not healthy(free_port(), "/healthz")


def test_only_the_process_itself_counts_as_listening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port)
        assert not listens(os.getppid(), port)
    assert not listens(os.getpid(), port)
