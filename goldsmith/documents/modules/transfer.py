"""The modules that move data in and out: S3Download, S3Upload, WebDownload."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import Input, Module, Output

_S3_ADDRESS = r"s3://.+"
_S3_FORM = "an address like s3://bucket/key"
_OWNER = Input("expectedBucketOwner", "string", "The account that must own the bucket.")

S3_DOWNLOAD = Module(
    name="S3Download",
    description="Fetches an object, or all objects below a prefix that ends in *, from S3.",
    shape="list",
    inputs=(
        Input("source", "string", "s3://bucket/key or s3://bucket/prefix/*.", True, pattern=_S3_ADDRESS, form=_S3_FORM),
        Input("destination", "string", "A file path, or a folder for a prefix; its folder must exist.", True),
        _OWNER,
        Input("overwrite", "boolean", "Whether an existing file is replaced; otherwise it is an error.", default=True),
    ),
)

S3_UPLOAD = Module(
    name="S3Upload",
    description="Sends files to S3.",
    shape="list",
    inputs=(
        Input("source", "string", "A local path; its last segment may hold *.", True),
        Input(
            "destination",
            "string",
            "s3://bucket/key, or a prefix for several files.",
            True,
            pattern=_S3_ADDRESS,
            form=_S3_FORM,
        ),
        Input("recurse", "boolean", "Whether folders are sent with all they hold.", default=False),
        _OWNER,
    ),
)

WEB_DOWNLOAD = Module(
    name="WebDownload",
    description="Fetches files over HTTP or HTTPS, following redirects, in up to five attempts.",
    shape="list",
    inputs=(
        Input(
            "source",
            "string",
            "The address.",
            True,
            pattern=r"(?i:https?)://.+",
            form="an http:// or https:// address",
        ),
        Input("destination", "string", "A file path, or a folder when it ends in /; folders are made.", True),
        Input("overwrite", "boolean", "Whether an existing file is replaced.", default=True),
        Input("checksum", "string", "What the file's digest must be."),
        Input("algorithm", "string", "The digest's algorithm.", choices=("MD5", "SHA1", "SHA256", "SHA512")),
        Input("ignoreCertificateErrors", "boolean", "Whether certificates are taken unverified.", default=False),
    ),
    outputs=(Output("destination", "The paths of the files, one a line."),),
    together=(("checksum", "algorithm"),),
)

MODULES = (S3_DOWNLOAD, S3_UPLOAD, WEB_DOWNLOAD)
