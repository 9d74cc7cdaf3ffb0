"""Builds of real images while their server is killed: what must hold afterwards, checked and counted."""
