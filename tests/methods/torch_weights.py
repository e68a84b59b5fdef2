"""The straight-through estimators once more, as a framework's user writes them: with detach."""


def straight_through(exact, smooth):
    """Value of the first, derivative of the second."""
    return smooth + (exact - smooth).detach()


def codes_of(torch, u, bits, quantizer):
    """Codes with the derivative of the scaled u, the clamp passed through [S2.1], [S2.2], [S2.4].

    A float tensor; torch.round rounds half to even.
    """
    if quantizer == "dorefa":
        return straight_through(torch.round((2**bits - 1) * u), (2**bits - 1) * u)
    rounded = torch.clamp(torch.round(2**bits * u), max=2**bits - 1)
    return straight_through(rounded, (2**bits - 1) * u)


def unit_of(torch, w, domain):
    """u, the maximum differentiated as autograd does [S1.1], [S1.4]."""
    if domain == "signed":
        magnitude = torch.sign(w).detach() * w
        return magnitude / magnitude.amax()
    t = torch.tanh(w)
    return t / (2 * t.abs().amax()) + 0.5


def effective_of(torch, w, domain, bits, scale, quantizer="roundclamp"):
    """Weights that the layer uses; `bits` counts the sign [S1.2], [S2.3]."""
    width = bits - (domain == "signed")
    q = codes_of(torch, unit_of(torch, w, domain), width, quantizer) / (2**width - 1)
    if domain == "signed":
        return scale * torch.sign(w).detach() * q
    return scale * (2 * q - 1)


def regularizer_of(torch, w, domain, bits, k):
    """``sum |B_k| / 2^n``, the coarse code held constant [S4.1], [S4.2]."""
    width = bits - (domain == "signed")
    u = unit_of(torch, w, domain)
    fine = torch.clamp(torch.round(2**width * u), max=2**width - 1)
    coarse = torch.clamp(torch.round(2 ** (width - k) * u), max=2 ** (width - k) - 1)
    low = straight_through(fine, 2**width * u) - 2**k * coarse.detach()
    return low.abs().sum() / 2**width
