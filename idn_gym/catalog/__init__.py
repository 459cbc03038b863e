"""DNNs, devices and links as tables, each number with its source."""

from idn_gym.catalog.adaptation import AdaptationRow, Adaptations, read_adaptation, write_adaptation
from idn_gym.catalog.exit_rules import draw_answers, exits_taken, point_of_rule
from idn_gym.catalog.laws import block_seconds, fixed_seconds
from idn_gym.catalog.learning_laws import LearningCurve, LearningLaw
from idn_gym.catalog.link_messages import airtime_on, joules_on
from idn_gym.catalog.outcomes import Outcomes, read_outcomes, write_outcomes
from idn_gym.catalog.reader import load_catalog
from idn_gym.catalog.schema import (
    Block,
    Catalog,
    Device,
    Exit,
    LinkKind,
    LoRaFrames,
    Measured,
    Model,
    OperatingPoint,
    Provenance,
    SimpleLaw,
)
from idn_gym.catalog.writer import write_catalog

__all__ = [
    "AdaptationRow",
    "Adaptations",
    "Block",
    "Catalog",
    "Device",
    "Exit",
    "LearningCurve",
    "LearningLaw",
    "LinkKind",
    "LoRaFrames",
    "Measured",
    "Model",
    "OperatingPoint",
    "Outcomes",
    "Provenance",
    "SimpleLaw",
    "airtime_on",
    "block_seconds",
    "draw_answers",
    "exits_taken",
    "fixed_seconds",
    "joules_on",
    "load_catalog",
    "point_of_rule",
    "read_adaptation",
    "read_outcomes",
    "write_adaptation",
    "write_catalog",
    "write_outcomes",
]
