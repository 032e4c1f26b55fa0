"""What entities and deals share: letters that are spelled in several ways, and words that tell of armies and arms."""
