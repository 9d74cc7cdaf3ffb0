"""The durable engine: builds as workflows whose finished steps are recorded."""
