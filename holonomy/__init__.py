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
    Unauthorized,
    Unconfigured,
    Unreachable,
    WaitTimeout,
)
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob, DiagnosticJob, TrainingJob
from schemas.brackets import Brackets
from schemas.data import Digits, First, Idx, Indices, Random, RegistryData
from schemas.diagnostic import Diagnostic
from schemas.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, RegistryModel, Transformer
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from schemas.training import Training

__version__ = _version("holonomy")

__all__ = [
    "Adam",
    "AdamW",
    "BadFile",
    "BagOfEmbeddings",
    "BinaryCrossEntropy",
    "Brackets",
    "BracketsJob",
    "Client",
    "ConvNet",
    "CrossEntropy",
    "Diagnostic",
    "DiagnosticJob",
    "Digits",
    "First",
    "HolonomyError",
    "Idx",
    "Indices",
    "JobCancelled",
    "JobEnded",
    "JobFailed",
    "JobHandle",
    "Mlp",
    "MxResNet",
    "NotFound",
    "NotStored",
    "Random",
    "Refused",
    "RegistryData",
    "RegistryModel",
    "RegistryOptimizer",
    "RmsProp",
    "ServiceFault",
    "Sgd",
    "SquaredError",
    "Training",
    "TrainingJob",
    "Transformer",
    "Unauthorized",
    "Unconfigured",
    "Unreachable",
    "WaitTimeout",
    "__version__",
]
