"""The registry that stands for a region's ECR, as an operator sets it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from goldsmith.documents.shape import refuse
from goldsmith.errors import GoldsmithError

ACCOUNT = "{account}"


class Registry(BaseModel):
    """A registry by its URL; ``auth`` is a file of logins as `docker login` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="http:// or https:// and a host; {account} in a path after it is the account's id.")
    auth: str = Field(default="", description="A file of logins (auths), which only the server reads.")

    @field_validator("url")
    @classmethod
    def _require_web(cls, url: str) -> str:
        split = urlsplit(url)
        if split.scheme not in {"http", "https"} or not split.netloc or split.query or split.username:
            raise refuse("a registry is http://HOST or https://HOST, with a path where repositories are below one")
        return url.rstrip("/")

    @property
    def is_plain(self) -> bool:
        """Whether it is spoken to without TLS."""
        return self.url.startswith("http:")

    def place(self, account: str) -> str:
        """Return what an account's repositories' names begin with: the host, and the path."""
        return self.url.partition("://")[2].replace(ACCOUNT, account)

    def logins(self) -> bytes:
        """Return the file of logins, b"" where none is set. Raises GoldsmithError when it cannot be read."""
        if not self.auth:
            return b""
        try:
            return Path(self.auth).expanduser().read_bytes()
        except OSError as wrong:
            raise GoldsmithError(
                f"The logins of the registry {self.url} cannot be read: {wrong.strerror}: {self.auth}.",
                mend="Mend auth of the registry in cloud.yml.",
            ) from wrong
