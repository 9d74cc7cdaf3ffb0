"""What happens to images and pipelines, told in EventBridge's shape to a log and to webhooks."""
