"""What the pipeline costs a month on AWS: list prices (prices.json) times what it was measured to do (usage.json)."""
