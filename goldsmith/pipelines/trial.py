"""The trial of an image: its disk boots, and its components' test phases pass in the booted machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.machines.boot import BootError
from goldsmith.machines.machine import BOOT_LIMIT, Machine
from goldsmith.machines.spec import MachineSpec
from goldsmith.pipelines.bake import StepFailedError
from goldsmith.pipelines.component_run import run_component
from goldsmith.pipelines.time_limit import TestsTimeoutError, TimedGuest, TimeLimit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.executor.result import Result
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.boot import BootReport
    from goldsmith.machines.spec import Firmware
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import BuildPlan, PlannedComponent
    from goldsmith.pipelines.progress import Stage, Stages


@dataclass(frozen=True)
class TrialReport:
    """How the disk booted, a firmware at a time, and the tests it passed."""

    boots: tuple[dict[str, Any], ...] = ()
    tests: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Trial:
    """Boots a disk with each firmware of the plan; the tests run in the machine that is booted first."""

    plan: BuildPlan
    home: Home
    services: Services
    stages: Stages
    draft: Path
    environment: dict[str, str]
    acceleration: Acceleration
    on_failure: Callable[[Guest], None] | None = None

    def run(self, disk: Path) -> TrialReport:
        """Boot and test; raise in words on a boot that fails, a test that does not pass, or too little time for all."""
        boots, tests = [], []
        limit = TimeLimit(self.plan.test_minutes)
        for number, firmware in enumerate(self.plan.firmware):
            components = [each for each in self.plan.components if not number and each.tests]
            boot, passed = self._try_one(disk, firmware, components, limit)
            boots.append(boot)
            tests += passed
        return TrialReport(tuple(boots), tuple(tests))

    def _try_one(
        self, disk: Path, firmware: Firmware, components: list[PlannedComponent], limit: TimeLimit
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        spec = MachineSpec(disk=disk, evidence=self.draft / "evidence" / firmware, firmware=firmware)
        with Machine(spec, self.acceleration, runs=self.home.machines) as machine:
            with self.stages.stage(f"boot {firmware}") as stage:
                report = _await_boot(machine, limit)
                stage.note = f"{report.acceleration}, kernel {report.kernel}, no failed units"
            passed = []
            for component in components:
                with self.stages.stage(f"test {component.reference}") as stage:
                    passed.append(self._test(component, machine.guest, stage, limit))
        return report.as_json(), passed

    def _test(self, component: PlannedComponent, guest: Guest, stage: Stage, limit: TimeLimit) -> dict[str, Any]:
        try:
            result = self._run(component, TimedGuest(guest, limit), stage)
        except TestsTimeoutError:
            if self.on_failure:
                self.on_failure(guest)
            raise
        if result.failure and result.exit_code:
            if self.on_failure:
                self.on_failure(guest)
            raise StepFailedError(result.failure, where="in the booted machine", logs=result.log_folder)
        stage.note = f"{result.executed} steps passed"
        return {"component": component.reference, "steps": result.executed, "skipped": result.skipped}

    def _run(self, component: PlannedComponent, guest: Guest, stage: Stage) -> Result:
        return run_component(
            component,
            guest,
            stage,
            phases=["test"],
            logs=self.draft / "logs",
            services=self.services,
            environment={**self.environment, "IMAGE_PHASE": "TESTING"},
        )


def _await_boot(machine: Machine, limit: TimeLimit) -> BootReport:
    """Wait for the boot as long as the limit allows; a boot that fails in time has its own words."""
    try:
        return machine.await_boot(min(BOOT_LIMIT, limit.remaining()))
    except BootError as failed:
        if limit.passed:
            raise limit.error() from failed
        raise
