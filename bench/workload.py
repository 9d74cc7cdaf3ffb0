"""What every contestant builds: the distribution's own packages with nginx, and one page."""

from __future__ import annotations

from goldsmith.trees.distributions import debian

DISTRIBUTION = debian("12")
PACKAGES = (*DISTRIBUTION.packages, "nginx")
MIRROR = DISTRIBUTION.archives[0].uri
SECURITY = DISTRIBUTION.archives[-1].uri
SOURCE_LINES = [archive.source_line for archive in DISTRIBUTION.archives]
PAGE_PATH = "/var/www/html/index.html"

PIPELINE = """\
name: %s
imageRecipe:
  name: %s
  semanticVersion: 1.0.0
  parentImage: debian/12
  components: %s
imageTestsConfiguration: {imageTestsEnabled: %s}
"""

NGINX = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Install
        action: ExecuteBash
        inputs: {commands: ["apt-get update -q && apt-get install -q -y --no-install-recommends nginx"]}
"""

PAGE = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Page
        action: CreateFile
        inputs: [{path: /var/www/html/index.html, content: "%s", overwrite: true}]
  - name: test
    steps:
      - name: Served
        action: ExecuteBash
        inputs:
          commands:
            - systemctl is-active nginx
            - "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '%s' <&3"
"""


def page_component(text: str) -> str:
    """Return the last component's document: a page with that text, and a test that fetches it."""
    return PAGE % (text, text)


def pipeline(name: str, components: tuple[str, ...], *, tested: bool) -> str:
    """Return a pipeline file of the components' files beside it."""
    listed = "".join(f"\n    - componentArn: ./{file}" for file in components)
    return PIPELINE % (name, name, listed or " []", str(tested).lower())
