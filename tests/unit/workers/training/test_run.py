import pytest
import torch

from schemas.data import RegistryData
from schemas.losses import BinaryCrossEntropy, SquaredError
from schemas.models import ConvNet, Mlp, RegistryModel
from schemas.optimizers import Sgd
from schemas.training import Training
from tests.support.memory_context import MemoryContext
from workers.data import load
from workers.errors import UserFault
from workers.training.run import Run


def start(context: MemoryContext, **changes) -> Run:
    spec = Training(**({"steps": 1, "dtype": "float64"} | changes))
    dtype = getattr(torch, spec.dtype)
    return Run.start(spec, load(spec.data, context, dtype), dtype)


def test_a_step_descends_the_mean_loss_of_its_batch(context: MemoryContext) -> None:
    run = start(context, model=Mlp(hidden=()), loss=SquaredError(), optimizer=Sgd(lr=0.1))
    weight, bias = (parameter.detach().clone() for parameter in run.model.parameters())
    batch = torch.tensor([4, 9, 2])
    x, t = run.dataset.train.inputs[batch].flatten(1), run.train_targets[batch]
    residual = x @ weight.T + bias - t
    slope, offset = residual.T @ x / 3, residual.mean(0)
    record = run.step(1, batch)
    assert record.loss == pytest.approx(float(0.5 * residual.square().sum(1).mean()))
    assert record.gradient_norm == pytest.approx(float((slope.square().sum() + offset.square().sum()).sqrt()))
    assert (record.step, record.lr) == (1, 0.1)
    torch.testing.assert_close(run.model[1].weight.detach(), weight - 0.1 * slope)


def test_a_loss_that_is_not_finite_names_the_step(context: MemoryContext) -> None:
    run = start(context, optimizer=Sgd(lr=1e200), loss=SquaredError(), dtype="float64")
    run.step(1, torch.tensor([0]))
    with pytest.raises(UserFault, match=r"the loss must stay finite, it became (inf|nan) at step 2 \(lr 1e\+200\)"):
        run.step(2, torch.tensor([0]))


def test_a_gradient_that_is_not_finite_names_the_step(context: MemoryContext, lab: None) -> None:
    run = start(context, model=RegistryModel(name="explodes"))
    before = [parameter.detach().clone() for parameter in run.model.parameters()]
    with pytest.raises(UserFault, match=r"the gradient norm must stay finite, it became (inf|nan) at step 1"):
        run.step(1, torch.tensor([0]))
    for parameter, old in zip(run.model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_a_batch_that_batchnorm_refuses(context: MemoryContext) -> None:
    run = start(context, model=ConvNet(channels=(2, 2, 2, 2, 2)))
    with pytest.raises(UserFault, match=r"cannot take the 1 examples of step 3: .*; change batch_size"):
        run.step(3, torch.tensor([0]))


def test_a_model_without_trainable_parameters(context: MemoryContext, lab: None) -> None:
    with pytest.raises(UserFault, match="no trainable parameters"):
        start(context, model=RegistryModel(name="frozen"))


def test_a_model_that_does_not_fit_the_labels(context: MemoryContext, lab: None) -> None:
    with pytest.raises(UserFault, match=r"the data has 2 labels, so the model must give \(2, 2\)"):
        start(context, data=RegistryData(name="two-labels"), model=Mlp(outputs=3), loss=BinaryCrossEntropy())


def test_norm_of_the_parameters(context: MemoryContext) -> None:
    run = start(context)
    expected = torch.cat([parameter.detach().reshape(-1) for parameter in run.model.parameters()]).norm()
    assert run.parameter_norm() == pytest.approx(float(expected))
