"""The Python client and the `holonomy` command."""

from pathlib import Path as _Path

from holonomy.shadow import refuse_shadows as _refuse_shadows

_refuse_shadows(_Path(__file__).parent)

from importlib.metadata import version as _version

from holonomy.client import Client
from holonomy.errors import (
    BadFile,
    HolonomyError,
    JobCancelled,
    JobEnded,
    JobFailed,
    NotFound,
    NotStored,
    Refused,
    ServiceFault,
    SweepCancelled,
    SweepEnded,
    SweepFailed,
    Unauthorized,
    Unconfigured,
    Unreachable,
    WaitTimeout,
)
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob, DiagnosticJob, TrainingJob
from holonomy.query import RowsLeftOut
from holonomy.replicas import ReplicasJob
from holonomy.sweeps import SweepHandle
from schemas.brackets import Brackets, TopPairs
from schemas.data import Digits, First, Idx, Images, Indices, LabelControls, Random, RegistryData, Text
from schemas.diagnostic import Diagnostic
from schemas.looks import Every, Listed, LogSpaced
from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy, RegistryLoss, SquaredError
from schemas.mistakes import InvalidSpec
from schemas.models import BagOfEmbeddings, ConvNet, Layers, Mlp, MxResNet, RegistryModel, Transformer
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from schemas.perturbations import (
    Change,
    DropExample,
    Gaussian,
    GradientMove,
    Reinitialise,
    ReplaceExample,
    Reseed,
    Reshuffle,
    Seat,
    Sphere,
    SwapExamples,
    SwapSteps,
    Where,
)
from schemas.rates import ConstantRate, CosineDecay, ExponentialDecay, LinearDecay, StepDecay
from schemas.reorderings import ListedOrders, Reorderings, Shuffles, Swaps
from schemas.replicas import Alignment, Arm, Barriers, Bootstrap, Growth, Lyapunov, Measures, Replicas
from schemas.sweeps import Sweep
from schemas.sweeps.axes import Choice, IntUniform, LinSpace, LogSpace, LogUniform, Uniform
from schemas.targets import SavedDirection, TestLogit, TestLoss
from schemas.training import Training

__version__ = _version("holonomy")

__all__ = [
    "Adam",
    "AdamW",
    "Alignment",
    "Arm",
    "BadFile",
    "BagOfEmbeddings",
    "Barriers",
    "BinaryCrossEntropy",
    "Bootstrap",
    "Brackets",
    "BracketsJob",
    "Change",
    "Choice",
    "Client",
    "ConstantRate",
    "ConvNet",
    "CosineDecay",
    "CrossEntropy",
    "Diagnostic",
    "DiagnosticJob",
    "Digits",
    "DropExample",
    "Every",
    "ExponentialDecay",
    "First",
    "Gaussian",
    "GradientMove",
    "GroupedCrossEntropy",
    "Growth",
    "HolonomyError",
    "Idx",
    "Images",
    "Indices",
    "IntUniform",
    "InvalidSpec",
    "JobCancelled",
    "JobEnded",
    "JobFailed",
    "JobHandle",
    "LabelControls",
    "Layers",
    "LinSpace",
    "LinearDecay",
    "Listed",
    "ListedOrders",
    "LogSpace",
    "LogSpaced",
    "LogUniform",
    "Lyapunov",
    "Measures",
    "Mlp",
    "MxResNet",
    "NotFound",
    "NotStored",
    "Random",
    "Refused",
    "RegistryData",
    "RegistryLoss",
    "RegistryModel",
    "RegistryOptimizer",
    "Reinitialise",
    "Reorderings",
    "ReplaceExample",
    "Replicas",
    "ReplicasJob",
    "Reseed",
    "Reshuffle",
    "RmsProp",
    "RowsLeftOut",
    "SavedDirection",
    "Seat",
    "ServiceFault",
    "Sgd",
    "Shuffles",
    "Sphere",
    "SquaredError",
    "StepDecay",
    "SwapExamples",
    "SwapSteps",
    "Swaps",
    "Sweep",
    "SweepCancelled",
    "SweepEnded",
    "SweepFailed",
    "SweepHandle",
    "TestLogit",
    "TestLoss",
    "Text",
    "TopPairs",
    "Training",
    "TrainingJob",
    "Transformer",
    "Unauthorized",
    "Unconfigured",
    "Uniform",
    "Unreachable",
    "WaitTimeout",
    "Where",
    "__version__",
]
