"""Every check, in the order in which a person would walk: files, machine, what runs, data in, alarm out."""

from __future__ import annotations

from typing import Final

from tocsin.doctor.alarms import Changes, Evaluation, Receivers, Silences
from tocsin.doctor.apps import Apps
from tocsin.doctor.boards import BoardData
from tocsin.doctor.certificates import Certificates
from tocsin.doctor.clocks import Clocks
from tocsin.doctor.contract import Check
from tocsin.doctor.files import Heartbeat, Part, Told
from tocsin.doctor.folder import Disk, StateFolder
from tocsin.doctor.intake import Collector, DeadLetters, Destinations, Probe, Queries
from tocsin.doctor.limits import Limits
from tocsin.doctor.reach import Reach
from tocsin.doctor.running import Ports, Processes
from tocsin.doctor.servers import Servers
from tocsin.doctor.tokens import Tokens
from tocsin.doctor.upkeep import Upkeep
from tocsin.doctor.versions import Versions

CATALOG: Final[tuple[Check, ...]] = (
    Versions(),
    Limits(),
    Certificates(),
    Part("authorities", "destination"),
    Part("rules", "rule"),
    Told(),
    Part("boards", "board"),
    StateFolder(),
    Disk(),
    Ports(),
    Processes(),
    Tokens(),
    Clocks(),
    Servers(),
    Collector(),
    Destinations(),
    Queries(),
    BoardData(),
    Apps(),
    Upkeep(),
    Probe(),
    DeadLetters(),
    Evaluation(),
    Receivers(),
    Reach(),
    Changes(),
    Silences(),
    Heartbeat(),
)
