"""The rules, a module per family. A module in this folder with a tuple ``RULES`` is all it takes to add some."""
