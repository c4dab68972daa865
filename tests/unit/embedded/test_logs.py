from pathlib import Path

from service.embedded.logs import bound


def test_a_long_log_is_moved_and_its_writer_goes_on(tmp_path: Path) -> None:
    log, short = tmp_path / "a.log", tmp_path / "b.log"
    short.write_text("short")
    with log.open("a") as writer:
        writer.write("x" * 100)
        writer.flush()
        bound(tmp_path, limit_bytes=50)
        writer.write("later")
    assert log.read_text() == "later"
    assert (tmp_path / "a.log.1").read_text() == "x" * 100
    assert short.read_text() == "short"
