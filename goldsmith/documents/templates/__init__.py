"""CloudFormation templates: read, their parameters and conditions settled, their functions worked out. Pure."""
