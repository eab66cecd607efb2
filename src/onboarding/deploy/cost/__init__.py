"""Monthly cost of the pipeline on AWS: list prices (prices.json) times measured usage (usage.json)."""
