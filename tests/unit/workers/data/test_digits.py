import torch

from workers.data.digits import digits


def test_the_published_split_and_scale() -> None:
    data = digits()
    assert (len(data.train), len(data.test), data.input_shape) == (1437, 360, (1, 8, 8))
    assert data.label_names == tuple("0123456789")
    assert float(data.train.inputs.max()) == 1.0
    assert float(data.train.inputs.min()) == 0.0
    assert torch.equal(data.train.inputs * 16, (data.train.inputs * 16).round())
    assert data.train.labels[:10].tolist() == list(range(10))
