"""Containers: a recipe's Dockerfile built by a real engine on a host of its own, tried there, and pushed or kept."""
