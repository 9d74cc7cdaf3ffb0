"""Container images: a tree's layers as OCI's formats, and the registries that they go to and come from."""
