"""Builders of token sets, one family each: functions from a TokenView to candidates."""
