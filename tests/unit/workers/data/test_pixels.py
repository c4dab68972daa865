import torch

from workers.data.pixels import Pixels

STORED = torch.arange(48, dtype=torch.uint8).reshape(4, 3, 2, 2)
MEAN, STD = (torch.tensor(values, dtype=torch.float64).reshape(3, 1, 1) for values in ([0.1, 0.2, 0.3], [1, 2, 4]))
PIXELS = Pixels(STORED, MEAN, STD, torch.float64)
WHOLE = (STORED.double() / 255 - MEAN) / STD


def test_any_index_gives_what_it_would_of_a_tensor() -> None:
    for index in (2, slice(1, 3), torch.tensor([3, 0]), torch.tensor([True, False, False, True])):
        assert torch.equal(PIXELS[index], WHOLE[index])
    assert (len(PIXELS), tuple(PIXELS.shape), PIXELS.device.type) == (4, (4, 3, 2, 2), "cpu")


def test_inputs_are_cast_once_from_float64() -> None:
    single = PIXELS.to(torch.device("cpu"), torch.float32)
    assert torch.equal(single[:], WHOLE.float())
    assert torch.equal(single.to(torch.device("cpu"), torch.float64)[:], WHOLE)
    assert single.stored.dtype == torch.uint8
