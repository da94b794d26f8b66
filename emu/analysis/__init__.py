"""What equations predict: closed forms to hold measurements against."""
