"""The repository keeps its promises: style, configurations, and prose that can be checked."""
