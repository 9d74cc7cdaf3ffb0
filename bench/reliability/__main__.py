"""`make reliability`: kill the server while it builds, and write what held to docs/reliability.md."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.reliability import checks, pipelines
from bench.reliability.killing import Killing
from bench.reliability.report import Run, render
from bench.reliability.server import REGIONS, Server, adopting, descendants, end_all

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BOOT_LIMIT = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reliability", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=18590)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--keep", action="store_true", help="leave the home to look into")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="goldsmith-reliability-", dir="/var/tmp"))
    home.chmod(0o711)
    print(f"The home is {home}.", flush=True)
    with adopting():
        run = observe(home, asked)
    asked.out.write_text(render(run))
    print(f"Written to {asked.out}")
    for each in run.found.wrong:
        print(f"wrong: {each}")
    if not asked.keep and not run.found.wrong:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if run.found.wrong else 0


def observe(home: Path, asked: argparse.Namespace) -> Run:
    """Kill the server of ``home`` as often as asked; end all that it left."""
    server = Server(home, asked.port)
    try:
        return measure(server, asked.kills, asked.seed)
    finally:
        if server.process and server.process.poll() is None:
            server.stop()
        end_all(list(descendants()))
        server.cloud.close()


def measure(server: Server, kills: int, seed: int) -> Run:
    """Build, kill, wait and look."""
    begun = time.monotonic()
    server.start()
    killing = Killing(server, pipelines.make(server), random.Random(seed))  # noqa: S311 - moments, not secrets
    killing.run(kills)
    killing.finish()
    found = checks.Findings()
    ended = checks.check_builds(server, killing, found)
    reasons = checks.reasons(server)
    booted = boot(server, killing)
    checks.check_services(server, found)
    server.stop()
    checks.check_host(server, found)
    return Run(seed, time.monotonic() - begun, killing.kills, ended, reasons, found, booted)


def boot(server: Server, killing: Killing) -> str:
    """Boot the last build's copy in its second region; say how long its status checks took."""
    builder = server.client("imagebuilder", "acme")
    for arn in reversed([each for each in killing.images if "/plain/" in each]):
        amis = builder.get_image(imageBuildVersionArn=arn)["image"]["outputResources"]["amis"]
        found = [each["image"] for each in amis if each["region"] == REGIONS[1]]
        if found:
            break
    else:
        return "No AMI was there to boot."
    ec2 = server.client("ec2", "acme", REGIONS[1])
    begun = time.monotonic()
    launched = ec2.run_instances(ImageId=found[0], InstanceType="t3.small", MinCount=1, MaxCount=1)
    identifier = launched["Instances"][0]["InstanceId"]
    state = ""
    while state != "ok" and time.monotonic() - begun < BOOT_LIMIT:
        time.sleep(1)
        statuses = ec2.describe_instance_status(InstanceIds=[identifier])["InstanceStatuses"]
        state = statuses[0]["InstanceStatus"]["Status"] if statuses else ""
    seconds = time.monotonic() - begun
    ec2.terminate_instances(InstanceIds=[identifier])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[identifier], WaiterConfig={"Delay": 1})
    if state != "ok":
        return f"**The last AMI did not boot within {BOOT_LIMIT:.0f} s.**"
    return (
        f"The last AMI, a copy in the second region, was launched and passed its status checks after {seconds:.0f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
