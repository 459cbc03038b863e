"""Hidden accuracies: estimates, bands, alarms, thresholds found online."""

from idn_gym.quality.alarms import FallAlarm, HarmAlarm, MoveAlarm, SafetyProof
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.estimators import (
    ConfidenceDifference,
    Estimator,
    MeanConfidence,
    ProbedLabels,
    ThresholdedConfidence,
    UpstreamAgreement,
)
from idn_gym.quality.exit_thresholds import CautiousExits, ThresholdBandit, exit_loss
from idn_gym.quality.forgetting import Forgetting
from idn_gym.quality.monitor import ShiftMonitor
from idn_gym.quality.signals import bin_middles
from idn_gym.quality.source import StreamSource, fit_streams

__all__ = [
    "CautiousExits",
    "ConfidenceDifference",
    "Estimator",
    "FallAlarm",
    "Forgetting",
    "HarmAlarm",
    "MeanConfidence",
    "MoveAlarm",
    "ProbedLabels",
    "SafetyProof",
    "ShiftMonitor",
    "SlotCounts",
    "StreamSource",
    "ThresholdBandit",
    "ThresholdedConfidence",
    "UpstreamAgreement",
    "bin_middles",
    "exit_loss",
    "fit_streams",
]
