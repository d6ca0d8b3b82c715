"""The pure heart: state, checkpoints, commands, and the functions between them.

No database, clock, network or randomness.
"""
