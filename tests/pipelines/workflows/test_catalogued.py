from __future__ import annotations

import botocore.session
import pytest
from botocore.validate import ParamValidator

from goldsmith.catalog.resources import Query
from goldsmith.pipelines.workflows import catalogued
from goldsmith.pipelines.workflows.run import run_workflow

from .running import ACCOUNT, IMAGE, REGION
from .test_run import ABORTS, EVERYTHING

MODEL = botocore.session.get_session().get_service_model("imagebuilder")


def fits(shape, value):
    """Whether a value is of a shape: no unknown members, all of them of their types."""
    assert set(value) <= set(shape.members)
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(("text", "stage"), [(EVERYTHING, "BUILD"), (ABORTS, "TEST")])
def test_executions_have_aws_shapes(bench, text, stage):
    outcome = run_workflow(bench.run(text, stage), bench.catalogued())
    with bench.world.catalog(ACCOUNT, REGION, writes=False) as catalog:
        (workflow,) = catalog.find(Query(catalogued.WORKFLOW, names=(IMAGE,)))
        steps = list(catalog.find(Query(catalogued.STEP, names=(outcome.execution,))))
    assert workflow.id == outcome.execution
    assert workflow.state == workflow.document["status"]
    fits(MODEL.operation_model("GetWorkflowExecution").output_shape, catalogued.workflow_execution(workflow))
    fits(MODEL.shape_for("WorkflowExecutionMetadata"), catalogued.workflow_summary(workflow))
    assert [step.document["name"] for step in steps][:2] == ["Launch", "Skipped" if stage == "BUILD" else "Kept"]
    for step in steps:
        fits(MODEL.operation_model("GetWorkflowStepExecution").output_shape, catalogued.step_execution(step))
        fits(MODEL.shape_for("WorkflowStepMetadata"), catalogued.step_summary(step))
        fits(MODEL.shape_for("WorkflowStepExecution"), catalogued.waiting_step(step))


def test_what_others_know_of_a_step_stays_when_it_is_recorded_again(bench):
    ledger = bench.catalogued()
    ledger.record_step("step-1", {"workflowExecutionId": "wf-1", "status": "RUNNING", "name": "Wait"})
    with bench.world.catalog(ACCOUNT, REGION) as catalog:
        catalog.save(catalog.own(catalogued.STEP, "step-1").knowing(waiting=True))
    ledger.record_step("step-1", {"status": "COMPLETED"})
    with bench.world.catalog(ACCOUNT, REGION, writes=False) as catalog:
        step = catalog.own(catalogued.STEP, "step-1")
    assert (step.state, step.name, step.inner) == ("COMPLETED", "wf-1", {"waiting": True})


def test_executions_of_an_earlier_try_are_told_from_later_ones(bench):
    first = run_workflow(bench.run(ABORTS, place="1"), bench.catalogued())
    with bench.world.catalog(ACCOUNT, REGION) as catalog:
        catalogued.mark_retried(catalog, IMAGE)
    second = run_workflow(bench.run(ABORTS, place="2"), bench.catalogued())
    with bench.world.catalog(ACCOUNT, REGION, writes=False) as catalog:
        listed = [catalogued.workflow_summary(each) for each in catalog.find(Query(catalogued.WORKFLOW))]
    assert [(each["workflowExecutionId"], each["retried"]) for each in listed] == [
        (first.execution, True),
        (second.execution, False),
    ]
