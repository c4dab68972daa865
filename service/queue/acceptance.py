"""What is looked at before a spec is accepted: its data are pinned, its size and its references checked."""

from sqlalchemy import Connection

from schemas.brackets import Brackets
from schemas.canonical import canonical_json
from schemas.data import Data
from schemas.jobs import AnyJob, training_of
from schemas.training import Training
from service.planner.limits import check
from service.planner.size import DataSize, data_size
from service.queue.datasets import manifest_of, pinned
from service.queue.directions import check_directions


class Acceptance:
    """Checks specs, and remembers data that several of them share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._data: dict[bytes, tuple[Data, DataSize]] = {}

    def accept(self, spec: AnyJob) -> AnyJob:
        """The spec with its data pinned.

        Raises:
            Refused: the job is too large, or its examples or labels do not fit the data.
            Missing: the dataset, or the object of a saved direction, is not there.
        """
        spec = self._pinned(spec)
        check(spec, self.size(spec))
        if isinstance(spec, Brackets):
            check_directions(self._connection, spec)
        return spec

    def size(self, spec: AnyJob) -> DataSize:
        """Size of the data of a spec."""
        training = training_of(spec)
        return DataSize(None, None, None, None) if training is None else self._known(training)[1]

    def _pinned(self, spec: AnyJob) -> AnyJob:
        training = training_of(spec)
        if training is None:
            return spec
        data = self._known(training)[0]
        if data is training.data:
            return spec
        run = training.model_copy(update={"data": data})
        return run if isinstance(spec, Training) else spec.model_copy(update={"training": run})

    def _known(self, training: Training) -> tuple[Data, DataSize]:
        key = canonical_json(training.data)
        if key not in self._data:
            named = pinned(self._connection, training)
            data = named.data
            self._data[key] = (data, data_size(data, manifest_of(self._connection, named)))
        return self._data[key]
