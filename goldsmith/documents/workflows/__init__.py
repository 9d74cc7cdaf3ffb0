"""Workflow documents (5.2): the language of what Image Builder does in each stage of an image."""
