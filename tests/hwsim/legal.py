"""Which tilings an accelerator runs."""

from hwsim.tiling import legal


def is_legal(layer, accelerator, tiling):
    try:
        legal(layer, accelerator, tiling)
    except ValueError:
        return False
    return True
