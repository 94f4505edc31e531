"""VoiceERA: an open-source, self-hosted platform for AI phone agents."""

__version__ = "0.1.0"
