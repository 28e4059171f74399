"""What a fit has spent, in the form a reader of the synthetic table needs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PrivacySpent"]


@dataclass(frozen=True)
class PrivacySpent:
    """The guarantee that the releases of one ledger add up to.

    Parameters
    ----------
    epsilon : float
        Privacy loss in nats; ``inf`` for the non-private baseline.
    delta : float
        The δ of the guarantee, as requested.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.
    secure_noise : bool, default=True
        False when a seed fixed the noise: whoever knows the seed can subtract it.
    public_schema : bool, default=True
        False when bounds and levels were read from the data, or bought without privacy.
    claim : str, default=None
        Whose claim the numbers are where no proof supports them; None for a guarantee.
    notes : tuple of str
        What a reader must know beside the numbers.
    purchase : (float, float), default=None
        ε and δ, for the same adjacency, that bounds and levels were bought for, in all purchases
        together. They come on top: a synthetic table repeats them. None if they were not bought.

    Examples
    --------
    >>> PrivacySpent(epsilon=0.49990001, delta=1e-05, adjacency="add_remove")
    PrivacySpent(epsilon=0.4999, delta=1e-05, adjacency='add_remove')
    """

    epsilon: float
    delta: float
    adjacency: str
    secure_noise: bool = True
    public_schema: bool = True
    claim: str | None = None
    notes: tuple[str, ...] = ()
    purchase: tuple[float, float] | None = None

    @property
    def is_private(self) -> bool:
        """Whether the numbers are a guarantee: proved, finite ε, secret noise, public schema."""
        is_secret = self.secure_noise and self.public_schema
        return self.epsilon < float("inf") and is_secret and self.claim is None

    @property
    def total(self) -> tuple[float, float]:
        """The ε and δ of a synthetic table, what its schema was bought for included."""
        epsilon, delta = (0.0, 0.0) if self.purchase is None else self.purchase
        return self.epsilon + epsilon, min(self.delta + delta, 1.0)

    def __repr__(self) -> str:
        text = (
            f"PrivacySpent(epsilon={self.epsilon:.6g}, delta={self.delta:g}, "
            f"adjacency={self.adjacency!r}"
        )
        if self.notes:
            text += f", notes={self.notes!r}"
        return text + ")"
