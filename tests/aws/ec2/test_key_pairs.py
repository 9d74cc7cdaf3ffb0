"""Key pairs through boto3."""

from __future__ import annotations

import uuid

import pytest

PUBLIC = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIK3co/dDsHHOepVtivFwyqfY/4/LTijoui6tci4UHOw somebody@somewhere"
FINGERPRINT = "LFERDzhksyolXfqMcc9GlC7RpE0/LzetlpffMycfb90="


def name() -> str:
    return f"key-{uuid.uuid4().hex}"


@pytest.fixture
def ec2(served):
    return served.client()


def test_a_pair_is_made_shown_and_forgotten(ec2, refusal):
    key = name()
    tags = [{"ResourceType": "key-pair", "Tags": [{"Key": "for", "Value": "packer"}]}]
    made = ec2.create_key_pair(KeyName=key, KeyType="ed25519", TagSpecifications=tags)
    assert made["KeyMaterial"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    ec2.get_waiter("key_pair_exists").wait(KeyNames=[key])
    [shown] = ec2.describe_key_pairs(KeyNames=[key])["KeyPairs"]
    assert (shown["KeyFingerprint"], shown["KeyPairId"]) == (made["KeyFingerprint"], made["KeyPairId"])
    assert shown["Tags"] == [{"Key": "for", "Value": "packer"}]
    assert "PublicKey" not in shown
    ec2.delete_key_pair(KeyName=key)
    assert refusal(ec2.describe_key_pairs, KeyNames=[key]) == "InvalidKeyPair.NotFound"
    assert ec2.delete_key_pair(KeyName=key)["Return"] is True


def test_an_imported_key_is_named_after_its_pair(ec2):
    key = name()
    imported = ec2.import_key_pair(KeyName=key, PublicKeyMaterial=PUBLIC)
    assert imported["KeyFingerprint"] == FINGERPRINT
    assert imported["Tags"] == []
    [shown] = ec2.describe_key_pairs(KeyNames=[key], IncludePublicKey=True)["KeyPairs"]
    assert shown["PublicKey"] == f"{' '.join(PUBLIC.decode().split()[:2])} {key}"
    assert shown["KeyType"] == "ed25519"


def test_pairs_are_found_by_fingerprint_tag_and_id(ec2):
    key = name()
    made = ec2.create_key_pair(KeyName=key, KeyType="ed25519")
    by_print = [{"Name": "fingerprint", "Values": [made["KeyFingerprint"]]}]
    assert [pair["KeyName"] for pair in ec2.describe_key_pairs(Filters=by_print)["KeyPairs"]] == [key]
    assert ec2.describe_key_pairs(KeyPairIds=[made["KeyPairId"]])["KeyPairs"][0]["KeyName"] == key
    assert ec2.describe_key_pairs(Filters=[{"Name": "tag-key", "Values": ["nobody's"]}])["KeyPairs"] == []


def test_what_cannot_be_is_refused(ec2, refusal):
    key = name()
    ec2.import_key_pair(KeyName=key, PublicKeyMaterial=PUBLIC)
    assert refusal(ec2.import_key_pair, KeyName=key, PublicKeyMaterial=PUBLIC) == "InvalidKeyPair.Duplicate"
    assert refusal(ec2.import_key_pair, KeyName=name(), PublicKeyMaterial=b"no key") == "InvalidKey.Format"
    assert refusal(ec2.create_key_pair, KeyName="line\nbreak") == "InvalidParameterValue"
    assert refusal(ec2.create_key_pair, KeyName=name(), KeyType="dsa") == "InvalidParameterValue"
    assert refusal(ec2.delete_key_pair) == "MissingParameter"


def test_a_dry_run_makes_none(ec2, refusal):
    key = name()
    assert refusal(ec2.create_key_pair, KeyName=key, KeyType="ed25519", DryRun=True) == "DryRunOperation"
    assert refusal(ec2.describe_key_pairs, KeyNames=[key]) == "InvalidKeyPair.NotFound"


def test_a_private_half_is_kept_nowhere(served):
    made = served.client().create_key_pair(KeyName=name(), KeyType="ed25519")
    secret = made["KeyMaterial"].splitlines()[2].encode()
    for file in served.cloud.home.path.rglob("*"):
        assert not file.is_file() or secret not in file.read_bytes(), file


def test_accounts_have_their_own_names(served, refusal):
    key = name()
    made = served.client(account="other").create_key_pair(KeyName=key, KeyType="ed25519")
    ec2 = served.client()
    assert refusal(ec2.describe_key_pairs, KeyNames=[key]) == "InvalidKeyPair.NotFound"
    assert refusal(ec2.describe_key_pairs, KeyPairIds=[made["KeyPairId"]]) == "InvalidKeyPair.NotFound"
    ec2.delete_key_pair(KeyPairId=made["KeyPairId"])
    assert served.client(account="other").describe_key_pairs(KeyNames=[key])["KeyPairs"]
