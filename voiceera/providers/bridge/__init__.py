"""Vendors by way of LiveKit's plugins, which run without a room: ears, voices and models that need no file of ours.

Each is an extra (`pip install 'voiceera[elevenlabs]'`), held to one minor version of the plugins; `scripts/bridge`
tests them against servers that speak the vendors' protocols, in an environment of its own. docs/providers.md
"""
