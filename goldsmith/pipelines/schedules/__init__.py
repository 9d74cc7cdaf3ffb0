"""Pipelines that run by themselves: when they are due, whether there is a reason, and when they stop."""
