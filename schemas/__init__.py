"""Every message on the bus, and the catalogue of topics that carries them.

Nothing here imports anything else of polywire's: the other folders agree with each other through this one.
"""
