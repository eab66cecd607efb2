"""The marketplace's terms and rules: values and functions without input and output."""
