"""Notifications to vendors: their format, signature and delivery."""
