from concurrent.futures import ThreadPoolExecutor

import torch

from workers.brackets.paths.structured.workspace import Workspace

CPU = torch.device("cpu")


def test_a_room_is_given_again_and_grows() -> None:
    workspace = Workspace()
    first = workspace.room("u", (4, 5), torch.float32, CPU)
    assert first.shape == (4, 5)
    smaller = workspace.room("u", (3, 5), torch.float32, CPU)
    assert smaller.data_ptr() == first.data_ptr()
    assert smaller.is_contiguous()
    larger = workspace.room("u", (5, 5), torch.float32, CPU)
    assert larger.shape == (5, 5)
    assert workspace.nbytes == 100


def test_rooms_of_other_names_and_dtypes_are_apart() -> None:
    workspace = Workspace()
    rooms = [workspace.room(*at, CPU) for at in (("u", (4,), torch.float32), ("v", (4,), torch.float32))]
    rooms.append(workspace.room("u", (4,), torch.float64, CPU))
    assert len({room.data_ptr() for room in rooms}) == 3
    assert workspace.nbytes == 16 + 16 + 32


def test_threads_do_not_share_rooms() -> None:
    workspace = Workspace()
    mine = workspace.room("u", (4,), torch.float32, CPU).zero_()
    with ThreadPoolExecutor(1) as other:
        theirs = other.submit(lambda: workspace.room("u", (4,), torch.float32, CPU).fill_(1)).result()
    assert mine.sum() == 0
    assert theirs.sum() == 4
