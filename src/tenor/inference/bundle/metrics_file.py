"""`metrics.json`: how long a run took, and how good its model is."""

from dataclasses import dataclass, fields, replace

from tenor._core.records import JsonObject, Record


@dataclass(frozen=True)
class Timing:
    """Seconds by step of a run. A step that did not happen is None.

    Attributes:
        read_s: Reading the texts.
        check_s: Checking them.
        choose_s: Choosing settings and the number of epochs.
        encode_s: Turning texts into features or ids.
        fit_s: Fitting the weights.
        export_s: Writing and comparing ONNX graphs.
        calibrate_s: Calibrating probabilities, and scoring texts for conformal prediction.
        evaluate_s: Measuring on held-out texts.
        cross_validate_s: Cross-validation.
        total_s: The whole run. A model that is not finished has no total.
        report_s: Writing the report and the model card.
    """

    read_s: float | None = None
    check_s: float | None = None
    choose_s: float | None = None
    encode_s: float | None = None
    fit_s: float | None = None
    export_s: float | None = None
    calibrate_s: float | None = None
    evaluate_s: float | None = None
    cross_validate_s: float | None = None
    total_s: float | None = None
    report_s: float | None = None

    @classmethod
    def from_record(cls, record: Record) -> "Timing":
        """The timing that `as_dict` described. Raises RecordError where a time is not a number."""
        known = [field.name for field in fields(cls) if field.name in record.values]
        return cls(**{name: record.number(name) for name in known})

    def as_dict(self) -> dict[str, float]:
        """Seconds by step, without the steps that did not happen."""
        return {name: seconds for name, seconds in vars(self).items() if seconds is not None}


@dataclass(frozen=True)
class Metrics:
    """The contents of `metrics.json`.

    Attributes:
        timing: Seconds by step.
        calibration: The number of texts that the model was calibrated on, and what was fitted; None: none were held
            out.
        test: Metrics on held-out texts, as `evaluation.metrics.compute_metrics` names them; None: not measured.
        cross_validation: Mean and standard deviation of metrics over folds; None: no cross-validation.
        int8: How good the int8 graphs are, beside float32; None: there are none.
        selection: Which of several models `auto` kept, and why; None: there was one model.
    """

    timing: Timing = Timing()
    calibration: JsonObject | None = None
    test: JsonObject | None = None
    cross_validation: JsonObject | None = None
    int8: JsonObject | None = None
    selection: JsonObject | None = None

    @classmethod
    def from_record(cls, record: Record) -> "Metrics":
        """The metrics that `as_dict` described. Raises RecordError where a part is not an object."""
        parts = {field.name: record.record(field.name) for field in fields(cls) if field.name in record.values}
        timing = Timing.from_record(parts.pop("timing")) if "timing" in parts else Timing()
        return cls(timing, **{name: part.values for name, part in parts.items()})

    @property
    def is_final(self) -> bool:
        """Whether the run that made the model came to its end."""
        return self.timing.total_s is not None

    def with_timing(self, **seconds: float | None) -> "Metrics":
        """The same metrics with the seconds of more steps."""
        return replace(self, timing=replace(self.timing, **seconds))

    def as_dict(self) -> JsonObject:
        """The contents of `metrics.json`, without parts that are None."""
        parts = {name: part for name, part in vars(self).items() if name != "timing" and part is not None}
        return {"timing": self.timing.as_dict(), **parts}
