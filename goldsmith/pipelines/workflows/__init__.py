"""Workflow documents at work: the engine that runs them, and the steps' actions."""
