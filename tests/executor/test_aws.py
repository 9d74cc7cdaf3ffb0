"""S3, Parameter Store and CloudWatch Logs, with moto's server as AWS."""

from __future__ import annotations

import json

import boto3
import pytest
from moto.server import ThreadedMotoServer

from goldsmith.executor.failures import ActionError
from goldsmith.executor.log_stream import LogStream
from goldsmith.executor.log_upload import LogBucket, upload_logs

BIG = bytes(range(256)) * (80 * 1024)


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws(endpoint, monkeypatch):
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    boto3.DEFAULT_SESSION = None
    return boto3.client


@pytest.fixture
def s3(aws, endpoint):
    client = aws("s3")
    client.create_bucket(Bucket="bucket")
    for entry in client.list_objects_v2(Bucket="bucket").get("Contents", ()):
        client.delete_object(Bucket="bucket", Key=entry["Key"])
    return client


@pytest.fixture
def do(bench):
    def act(action, **inputs):
        bench.result = bench.steps(bench.step(action, [inputs]))
        return bench.result.failure.message if bench.result.failure else None

    return act


def test_download_an_object(do, bench, s3):
    s3.put_object(Bucket="bucket", Key="a/b", Body=BIG)
    assert do("S3Download", source="s3://bucket/a/b", destination=f"{bench.folder}/x") is None
    assert (bench.folder / "x").read_bytes() == BIG
    said = do("S3Download", source="s3://bucket/a/b", destination=f"{bench.folder}/x", overwrite=False)
    assert said == (
        'Error: S3Download: File already exists and "overwrite" property for "destination" file is set to false. '
        "Cannot download."
    )
    assert "does not exist" in do("S3Download", source="s3://bucket/a/b", destination=f"{bench.folder}/no/x")
    assert "is a folder" in do("S3Download", source="s3://bucket/a/b", destination=f"{bench.folder}")
    assert "NoSuchKey" in do("S3Download", source="s3://bucket/none", destination=f"{bench.folder}/y")
    assert "NoSuchBucket" in do("S3Download", source="s3://none/none", destination=f"{bench.folder}/y")
    assert sorted(path.name for path in bench.folder.iterdir()) == ["logs", "x"]


def test_download_a_prefix(do, bench, s3):
    for key in ("p/one", "p/sub/two", "p/folder/", "q/three"):
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    (bench.folder / "d").mkdir()
    assert do("S3Download", source="s3://bucket/p/*", destination=f"{bench.folder}/d") is None
    files = {
        str(path.relative_to(bench.folder)): path.read_text()
        for path in (bench.folder / "d").rglob("*")
        if path.is_file()
    }
    assert files == {"d/one": "p/one", "d/sub/two": "p/sub/two"}
    assert "There is no object" in do("S3Download", source="s3://bucket/none/*", destination=f"{bench.folder}/d")


def test_a_key_cannot_climb(do, bench, s3):
    s3.put_object(Bucket="bucket", Key="p/x/../../evil", Body=b"x")
    (bench.folder / "d").mkdir()
    said = do("S3Download", source="s3://bucket/p/*", destination=f"{bench.folder}/d")
    assert said is not None
    assert not (bench.folder / "evil").exists()


def test_upload(do, bench, s3):
    here = bench.folder
    (here / "src/sub").mkdir(parents=True)
    (here / "src/big").write_bytes(BIG)
    (here / "src/sub/small").write_text("small")
    (here / "src/empty").touch()
    assert do("S3Upload", source=f"{here}/src/big", destination="s3://bucket/one/key") is None
    assert do("S3Upload", source=f"{here}/src/big", destination="s3://bucket/into/") is None
    assert do("S3Upload", source=f"{here}/src/*", destination="s3://bucket/flat") is None
    assert do("S3Upload", source=f"{here}/src/*", destination="s3://bucket/deep", recurse=True) is None
    assert do("S3Upload", source=f"{here}/src", destination="s3://bucket/tree/", recurse=True) is None
    sizes = {entry["Key"]: entry["Size"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]}
    trees = {
        f"{top}/{name}": size
        for top in ("deep", "tree")
        for name, size in (("big", len(BIG)), ("empty", 0), ("sub/small", 5))
    }
    assert sizes == {"one/key": len(BIG), "into/big": len(BIG), "flat/big": len(BIG), "flat/empty": 0, **trees}
    assert s3.get_object(Bucket="bucket", Key="one/key")["Body"].read() == BIG
    assert do("S3Upload", source=f"{here}/src", destination="s3://bucket/tree/") == f"{here}/src is a folder."
    assert "No file matches" in do("S3Upload", source=f"{here}/none*", destination="s3://bucket/x/")


def test_without_credentials_there_is_a_sentence(do, bench, s3, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    boto3.DEFAULT_SESSION = None
    said = do("S3Download", source="s3://bucket/a", destination=f"{bench.folder}/x")
    assert said == "Could not download s3://bucket/a: no AWS credentials were found."


SECRET = 'pa"ss\nword-line-2'


@pytest.fixture
def ssm(aws):
    client = aws("ssm")
    for name, kind, value in (
        ("/plain", "String", "plain value"),
        ("/list", "StringList", "a,b"),
        ("/secret", "SecureString", SECRET),
        ("/name-of", "String", "/plain"),
    ):
        client.put_parameter(Name=name, Type=kind, Value=value, Overwrite=True)
    return client


def test_parameters_of_the_store(bench, ssm):
    head = "parameters:\n  - Where: {type: string, default: /plain}\n"
    text = (
        "{{ aws:ssm:/plain }}|{{ aws:ssm:/list }}|{{ aws:ssm:resolve(Where) }}|{{ aws:ssm:resolve(aws:ssm:/name-of) }}"
    )
    step = bench.step("ExecuteBinary", {"path": "printf", "arguments": ["%s", text]})
    result = bench.run(bench.document(step, head=head))
    assert bench.outputs(result) == [{"stdout": "plain value|a,b|plain value|plain value"}]
    result = bench.steps(bench.bash("Ask", "{{ aws:ssm:/none }}"))
    assert result.failure.message.startswith(
        "Could not read the parameter /none from Parameter Store: ParameterNotFound"
    )


def test_a_secret_reaches_the_step_and_no_log(bench, ssm):
    result = bench.steps(
        bench.step("CreateFile", [{"path": "file", "content": "{{ aws:ssm:/secret }}"}], name="Write"),
        bench.step("ReadFile", [{"path": "file", "printFileContent": True}], name="Read"),
        bench.step("ExecuteBinary", {"path": "echo", "arguments": ["{{ build.Read.outputs.content }}"]}, name="Chain"),
        bench.step(
            "ExecuteBash", {"commands": ["cat file file >&2; cat file; exit 1"]}, name="Bad1", onFailure="Continue"
        ),
        bench.step(
            "Assert", {"stringEquals": "x", "value": "{{ aws:ssm:/secret }}"}, name="Bad2", onFailure="Continue"
        ),
        bench.step("DeleteFile", [{"path": "/{{ aws:ssm:/secret }}"}], name="Bad3"),
        trace=True,
    )
    assert (bench.folder / "file").read_text() == SECRET
    assert [step.status for step in result.documents[0].phases[0].steps] == ["success"] * 3 + ["failed"] * 3
    said = [path.read_text() for path in result.log_folder.iterdir()]
    said += [repr(bench.events), repr(result.failure), json.dumps(result.summary())]
    for text in said:
        assert "word-line-2" not in text
        assert 'pa"ss' not in text
        assert 'pa\\"ss' not in text
    assert any("***" in text for text in said)


def test_logs_go_to_a_bucket(bench, s3):
    result = upload_logs(
        bench.steps(bench.bash("Hello", "echo hi")), LogBucket("bucket", prefix="/logs/"), bench.services()
    )
    prefix = f"logs/{result.log_folder.name}"
    assert result.log_url == f"s3://bucket/{prefix}"
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert f"{prefix}/console.log" in keys
    assert len(keys) == 5
    with pytest.raises(ActionError, match="NoSuchBucket"):
        upload_logs(result, LogBucket("none"), bench.services())


def test_the_console_goes_to_a_log_stream(bench, aws):
    client = aws("logs")
    for _ in range(2):
        with LogStream(client, "group", "stream") as stream:
            result = bench.steps(bench.bash("Hello", "seq 3"), on_console_line=stream.line)
    events = client.get_log_events(logGroupName="group", logStreamName="stream", startFromHead=True)["events"]
    lines = [event["message"] for event in events]
    assert lines[len(lines) // 2 :] == bench.console(result).splitlines()


def test_a_log_stream_that_fails_does_not_stop_the_run(bench, aws):
    client = aws("logs")
    with LogStream(client, "short", "stream", ignore_failures=True) as stream:
        client.delete_log_group(logGroupName="short")
        assert bench.steps(bench.bash("Hello", "echo hi"), on_console_line=stream.line).status == "success"
    assert "ResourceNotFoundException" in stream.failure.message
    stream = LogStream(client, "short", "stream").__enter__()
    client.delete_log_group(logGroupName="short")
    stream.line("x")
    with pytest.raises(ActionError, match="Could not write to the CloudWatch log stream stream"):
        stream.__exit__(None, None, None)
