import threading
import time

from service.db.watchdog import Watchdog


def test_it_barks_once_when_the_time_is_up():
    barked = threading.Event()
    with Watchdog(barked.set, 0.01) as dog:
        assert barked.wait(5)
    assert dog.barked


def test_it_keeps_quiet_while_it_is_patted_and_after_the_end():
    barked = threading.Event()
    with Watchdog(barked.set, 0.2) as dog:
        for _ in range(8):
            time.sleep(0.05)
            dog.pat()
    assert not barked.wait(0.3)
    assert not dog.barked


def test_however_often_it_is_patted_the_end_comes():
    barked = threading.Event()
    with Watchdog(barked.set, 10.0, 0.05) as dog:
        while not barked.is_set():
            dog.pat()
    assert dog.barked
