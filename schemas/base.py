"""The model every spec, payload and result derives from, and the field types they share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.mistakes import NAME, InvalidSpec, explain
from schemas.nearest import did_you_mean

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # it has no public name


class _Explained(ModelMetaclass):
    """Explains the mistakes of those who call a class; what is validated inside another body never comes here."""

    def __call__(self, *args: Any, **fields: Any) -> Any:
        model = cast("type[BaseModel]", self)
        if args:
            first = next((name for name in model.model_fields if name != "kind"), "field")
            name = model.__name__
            raise TypeError(f"{name} takes fields by name, as in {name}({first}=…); came {args[0]!r}")
        try:
            return super().__call__(**fields)
        except ValidationError as error:
            raise InvalidSpec(f"{model.__name__}: {explain(error, model, fields)}") from None


class Spec(BaseModel, metaclass=_Explained):
    """A frozen value: unknown fields are refused, NaN and infinity are refused, docstrings describe fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        ser_json_inf_nan="constants",
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values in some fields, which are not checked before the copy is used.

        Raises:
            InvalidSpec: a field of `update` is not one of the model's; pydantic would take it without a word.
        """
        known = type(self).model_fields
        for name in update or ():
            if name not in known:
                raise InvalidSpec(f"{type(self).__name__}: {name} is not a field{did_you_mean(name, known)}")
        return super().model_copy(update=update, deep=deep)


Dtype = Literal["float32", "float64"]
Device = Literal["auto", "cpu", "cuda"]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=NAME)]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Step = Annotated[int, Field(ge=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
