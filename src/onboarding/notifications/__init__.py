"""Notifications for vendors and operators: SNS events, e-mails, webhooks and signed report links."""
