"""Behaviour that every implementation of a port shares. A test class derives from one and says how to make it."""

import hashlib

import pytest
import torch

from workers.context import Context
from workers.errors import BlockFault, Cancelled


class ContextContract:
    """What blocks rely on; the deriving class gives the fixture `context` and the two methods."""

    def put(self, context: Context, key: str, content: bytes) -> None:
        """Place raw bytes under a key of the object store, past the context."""
        raise NotImplementedError

    def cancel(self, context: Context) -> None:
        """Tell the block to stop."""
        raise NotImplementedError

    def test_stored_tensors_come_back_bitwise(self, context: Context) -> None:
        arrays = {
            "parameters/0.weight": torch.randn(3, 4),
            "moments": torch.randn(5, dtype=torch.float64),
            "step": torch.tensor(7.0),
            "count": torch.tensor(2**62),
            "rng": torch.arange(9, dtype=torch.uint8),
            "empty": torch.zeros(0),
            "strange": torch.tensor([float("inf"), -0.0, 1e-45]),
        }
        back = context.arrays(context.store("checkpoints/000000001", arrays))
        assert back.keys() == arrays.keys()
        for name, tensor in arrays.items():
            assert back[name].dtype == tensor.dtype
            assert back[name].shape == tensor.shape
            assert back[name].numpy().tobytes() == tensor.numpy().tobytes()

    def test_a_transposed_view_is_stored_as_it_reads(self, context: Context) -> None:
        tensor = torch.arange(6.0).reshape(2, 3).T
        back = context.arrays(context.store("views", {"a": tensor, "b": tensor}))
        assert torch.equal(back["a"], tensor)
        assert torch.equal(back["b"], tensor)

    def test_a_reference_describes_the_object(self, context: Context) -> None:
        ref = context.store("tiles/0", {"rms": torch.zeros(2, 3, dtype=torch.float64)}, {"rms": "pair tensor"})
        content = context.fetch(ref.key, ref.sha256)
        assert ref.name == "tiles/0"
        assert ref.size_bytes == len(content)
        assert ref.sha256 == hashlib.sha256(content).hexdigest()
        info = ref.arrays["rms"]
        assert (info.dtype, info.shape, info.axes) == ("F64", (2, 3), "pair tensor")

    def test_equal_tensors_have_equal_bytes(self, context: Context) -> None:
        first = context.store("a", {"x": torch.ones(2), "y": torch.zeros(1)})
        second = context.store("b", {"x": torch.ones(2), "y": torch.zeros(1)})
        assert first.sha256 == second.sha256
        assert first.key != second.key

    def test_fetch_refuses_other_bytes(self, context: Context) -> None:
        self.put(context, "datasets/x.json", b"other")
        with pytest.raises(BlockFault, match="sha256"):
            context.fetch("datasets/x.json", hashlib.sha256(b"expected").hexdigest())

    def test_fetch_says_that_an_object_is_not_there(self, context: Context) -> None:
        with pytest.raises(BlockFault, match="not there"):
            context.fetch("datasets/none.json", "0" * 64)

    def test_fetch_gives_the_bytes(self, context: Context) -> None:
        self.put(context, "datasets/y.json", b"{}")
        assert context.fetch("datasets/y.json", hashlib.sha256(b"{}").hexdigest()) == b"{}"

    def test_what_is_remembered_is_made_once_per_key(self, context: Context) -> None:
        made: list[int] = []

        def make() -> list[int]:
            made.append(1)
            return made

        assert context.remember(("a", 1), make) is context.remember(("a", 1), make)
        assert len(made) == 1
        context.remember(("a", 2), make)
        assert len(made) == 2

    def test_a_failed_make_is_not_remembered(self, context: Context) -> None:
        def fail() -> int:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            context.remember("k", fail)
        assert context.remember("k", lambda: 5) == 5

    def test_cancelling_is_seen(self, context: Context) -> None:
        context.check_cancelled()
        self.cancel(context)
        with pytest.raises(Cancelled):
            context.check_cancelled()

    def test_kernel_lets_faults_through_and_nests(self, context: Context) -> None:
        with pytest.raises(ValueError, match="inside"), context.kernel(), context.kernel():
            raise ValueError("inside")

    def test_log_takes_a_level_and_fields(self, context: Context) -> None:
        context.log("training", level="warning", step=3)

    def test_the_device_is_a_torch_device(self, context: Context) -> None:
        assert isinstance(context.device, torch.device)
