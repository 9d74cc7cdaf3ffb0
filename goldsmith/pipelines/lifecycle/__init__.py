"""Images whose time has come: deprecated, disabled, deleted, by policies or on request."""
