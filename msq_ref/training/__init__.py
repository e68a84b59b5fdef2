"""From a network, a method and data to trained weights."""
