"""What runs: the processes that listen.json names, and the ports that are configured."""

from __future__ import annotations

from collections.abc import Iterator

from foundation.web import Address
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient
from tocsin.doctor.web import Unreached, shown

_OK = 200
_UNAVAILABLE = 503


class Processes:
    """Whether every role that is announced answers."""

    name = "processes"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        roles = sorted({**patient.elsewhere, **patient.announced})
        if not roles:
            state = patient.config.state
            yield hint(f"nothing runs on {state}; only what can be seen without it was looked at", "`tocsin up`")
        for role in roles:
            yield self._one(patient, role)

    def _one(self, patient: Patient, role: str) -> Finding:
        pid, where = patient.owners.get(role, 0), patient.announced.get(role, "")
        try:
            door = patient.role(role)
            answer = door.ask("/health")
        except NotNow as why:
            return wrong(f"{role} cannot be asked: {why}", "see there")
        except Unreached as error:
            if where and pid and not patient.machine.alive(pid):
                words = (
                    f"{role}: process {pid} is gone, and left its address {where} in {patient.config.state}/listen.json"
                )
                return wrong(words, f"start it again: {_command(patient)}")
            return wrong(f"{role}: {error}", f"see whether it runs, and its log; then restart it: {_command(patient)}")
        if answer.status in (_OK, _UNAVAILABLE) or role == "demo":
            return fine(f"{role} answers at {shown(door.url)}" + (f" (process {pid})" if where and pid else ""))
        return wrong(
            f"{role}: at {shown(door.url)} somebody else answers: {answer.said}", f"start it: {_command(patient)}"
        )


class Ports:
    """Whether each role gets the port that is configured, and if not, who has it."""

    name = "ports"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. A port of ours that is announced is ours; any other is bound for a moment."""
        config = patient.config
        wanted = {"collector": config.collector.listen, "alerting": config.alerting.listen}
        for role, listen in {**wanted, "console": config.console.listen}.items():
            yield self._one(patient, role, Address.parse(listen))

    def _one(self, patient: Patient, role: str, address: Address) -> Finding:
        announced = patient.announced.get(role)
        pid = patient.owners.get(role, 0)
        if announced is not None and patient.machine.alive(pid):
            if address.port in (0, Address.parse(announced).port):
                return fine(f"{role} has {announced}")
            words = f"{role} listens on {announced}, and {address} is configured"
            return hint(words, f"restart it to take that up: {_command(patient)}")
        if not address.port:
            return fine(f"{role} takes any free port")
        why = patient.machine.taken(address)
        if not why:
            return fine(f"{address} is free for {role}")
        if why != "taken":
            return wrong(f"{role} cannot listen on {address}: {why}", f"mend {role}.listen")
        who = patient.machine.holder(address.port) or "another process (root sees which: `ss -ltnp`)"
        return wrong(f"{address}, where {role} is to listen, is taken by {who}", f"stop that, or change {role}.listen")


def _command(patient: Patient) -> str:
    return "`tocsin up --demo`" if "demo" in patient.announced else "`tocsin up`"
