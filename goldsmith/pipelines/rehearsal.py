"""Trying component documents on a sandbox that is thrown away, or on this host."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.documents.parent_image import Bootstrap, parse_parent_image
from goldsmith.documents.parser import parse_component
from goldsmith.executor.aws import aws_errors
from goldsmith.executor.configuration import ConfigurationError
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.log_stream import LogStream
from goldsmith.executor.log_upload import LogBucket, upload_logs
from goldsmith.executor.run import run_documents
from goldsmith.executor.s3 import owner_argument, s3_address
from goldsmith.guests.host import HostGuest
from goldsmith.guests.workspace import Workspace
from goldsmith.pipelines.bake import Bake
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.parents import pin_parent
from goldsmith.pipelines.plan import BuildPlan
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.recipe_components import read_component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.executor.configuration import RunConfiguration
    from goldsmith.executor.events import Event
    from goldsmith.executor.result import Result
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.progress import Listener


@dataclass(frozen=True)
class Rehearsal:
    """What to run and on what: ``parent`` is a ``parentImage``, or empty for this host itself."""

    configuration: RunConfiguration
    parent: str
    folder: Path
    log_directory: Path
    blocked: tuple[str, ...] = ()


def rehearse(
    rehearsal: Rehearsal, home: Home, services: Services, listener: Listener, on_event: Callable[[Event], None]
) -> Result:
    """Run the documents in their order and return the result; logs go where the configuration says."""
    asked = rehearsal.configuration
    runs = [
        DocumentRun(
            _document(each.path, asked.document_s3_bucket_owner or "", rehearsal.folder, services),
            asked.parameters_for(each),
        )
        for each in asked.documents
    ]
    with ExitStack() as stack:
        stream = stack.enter_context(log_stream(asked, services))
        guest = stack.enter_context(_guest(rehearsal, home, services, listener))
        result = run_documents(
            runs,
            guest,
            phases=asked.phase_names,
            log_directory=rehearsal.log_directory,
            execution_id=asked.execution_id,
            services=services,
            blocked_modules=rehearsal.blocked,
            on_event=on_event,
            on_console_line=stream,
            trace=bool(asked.trace),
        )
    if asked.log_s3_bucket_name:
        bucket = LogBucket(asked.log_s3_bucket_name, asked.log_s3_bucket_owner or "", asked.log_s3_key_prefix or "")
        return upload_logs(result, bucket, services)
    return result


@contextmanager
def log_stream(asked: RunConfiguration, services: Services) -> Iterator[Callable[[str], None] | None]:
    """Give what sends console.log's lines to CloudWatch, where the configuration asks for it."""
    if not asked.cw_log_group:
        yield None
        return
    if not asked.cw_log_stream:
        raise ConfigurationError("A log group needs a log stream.", mend="Add --cw-log-stream.")
    ignore = bool(asked.cw_ignore_failures)
    with LogStream(services.client("logs"), asked.cw_log_group, asked.cw_log_stream, ignore_failures=ignore) as stream:
        yield stream.line


@contextmanager
def _guest(rehearsal: Rehearsal, home: Home, services: Services, listener: Listener) -> Iterator[Guest]:
    if not rehearsal.parent:
        yield HostGuest()
        return
    plan = _bare_plan(rehearsal, home)
    with Workspace(home.path, memory=memory_for_work()) as workspace:
        bake = Bake(
            plan=plan,
            home=home,
            workspace=workspace,
            stages=Stages(listener),
            logs=rehearsal.log_directory,
            services=services,
            environment={},
        )
        with bake:
            bake.lay()
            bake.keep()
            with bake.sandbox() as guest:
                yield guest


def _bare_plan(rehearsal: Rehearsal, home: Home) -> BuildPlan:
    """A plan of a parent and nothing else."""
    parent = parse_parent_image(rehearsal.parent)
    return BuildPlan(
        name="rehearsal",
        version="0.0.0",
        description="",
        parent_image=rehearsal.parent,
        parent=pin_parent(rehearsal.parent, rehearsal.folder, home),
        components=(),
        working_directory="/",
        skip_cleanup=frozenset(),
        enable_cleanup=frozenset(),
        remove_accounts=False,
        allow=(),
        disk_bytes=0,
        firmware=(),
        tests_enabled=False,
        test_minutes=0,
        tags={},
        seal={"kind": type(parent).__name__ if not isinstance(parent, Bootstrap) else parent.release},
    )


def _document(path: str, owner: str, folder: Path, services: Services) -> ComponentDocument:
    """Read a document from a file, s3:// or by the name or ARN of a managed component."""
    if path.startswith("s3://"):
        address = s3_address(path)
        with aws_errors(f"Could not read the document {path}"):
            answer = services.client("s3").get_object(Bucket=address.bucket, Key=address.key, **owner_argument(owner))
            return parse_component(answer["Body"].read().decode(errors="replace"), path)
    return read_component(path, folder)[1]
