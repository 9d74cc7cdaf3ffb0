"""Images and steps as the engine gives them to actions."""

from __future__ import annotations

import itertools
import textwrap

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.image_run import ImageRun, PinnedComponent, PinnedParent
from goldsmith.pipelines.stop import Stop
from goldsmith.pipelines.workflows.action import StepRun, find_action

ACCOUNT = "100000000002"
REGION = "us-east-1"
BOOTSTRAP = PinnedParent("bootstrap", "debian/12", "debian/12")

_NUMBERS = itertools.count(1)


def a_component(name, steps, *, phase="build", **parameters):
    """Return a component of one phase; ``parameters`` have values and are declared."""
    declared = "".join(f"  - {each}: {{type: string}}\n" for each in parameters)
    text = "schemaVersion: 1.0\n" + (f"parameters:\n{declared}" if declared else "")
    text += f"phases:\n  - name: {phase}\n    steps:\n{textwrap.indent(textwrap.dedent(steps), '      ')}"
    arn = f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:component/{name}/1.0.0/1"
    return PinnedComponent(arn, name, text, parameters)


def a_script(*lines):
    """Return steps that run commands."""
    return f"- name: Script\n  action: ExecuteBash\n  inputs: {{commands: {list(lines)!r}}}\n"


def an_image(*components, slug="golden", parent=BOOTSTRAP, infrastructure=None, recipe=None, **more):
    """Return a build of its own number."""
    build = next(_NUMBERS)
    known = {
        "arn": f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/{slug}/1.0.0/{build}",
        "account": ACCOUNT,
        "region": REGION,
        "name": slug,
        "slug": slug,
        "version": "1.0.0",
        "build": build,
        "date_time": f"2026-11-23T10:00:{build % 60:02d}.{build:03d}Z",
        "kind": "AMI",
        "platform": "Linux",
        "recipe": {"name": slug, "description": "Of the tests", "amiTags": {"Team": "blue"}, **(recipe or {})},
        "infrastructure": infrastructure or {},
        "parent": parent,
        "components": components,
    }
    return ImageRun(**{**known, **more})


class Running:
    """Runs the steps of one image's workflow, as an engine does."""

    def __init__(self, world, image, stage="BUILD"):
        self.world = world
        self.image = image
        self.stage = stage
        self.said = []
        self.instance = ""
        with world.catalog(ACCOUNT, REGION) as catalog:
            if not catalog.own("image-build", image.arn):
                catalog.add(
                    Resource(
                        image.arn, "image-build", ACCOUNT, REGION, f"{image.slug}/{image.version}", "BUILDING",
                        document={"arn": image.arn},
                    )
                )  # fmt: skip

    def step(self, action, *, identifier="", stop=None, output_image="", **inputs):
        identifier = identifier or f"step-{self.image.slug}-{self.image.build}-{action}-{next(_NUMBERS)}"
        if self.instance and "instanceId" not in inputs:
            inputs["instanceId"] = self.instance
        return StepRun(
            world=self.world,
            image=self.image,
            workflow_execution=f"wf-{self.image.slug}-{self.image.build}",
            id=identifier,
            name=action,
            stage=self.stage,
            inputs=inputs,
            timeout_seconds=3600,
            attempt=1,
            output_image=output_image,
            logs=self.image.folder(self.world.home) / "logs" / action,
            say=self.said.append,
            stop=stop or Stop(),
        )

    def run(self, action, **how):
        """Run an action and return its outputs."""
        step = self.step(action, **how)
        step.logs.mkdir(parents=True, exist_ok=True)
        outputs = find_action(action).run(step)
        if action == "LaunchInstance":
            self.instance = outputs["instanceId"]
        return outputs
