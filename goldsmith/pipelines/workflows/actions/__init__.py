"""The actions of a workflow's steps, a module each (5.3)."""
