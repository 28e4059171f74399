"""The best assignment of records to clusters whose sizes are bounded: a transportation problem.

`_lower_dual` lowers the dual price by price; `_Flow` takes the assignment at these prices to the
optimum by successive shortest paths. `_outflow` is complementary slackness of sizes and prices.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

__all__ = ["assign_with_sizes"]

_MAX_SWEEPS = 30
_ROUNDING = 8 * np.finfo(np.float64).eps


def assign_with_sizes(
    scores: np.ndarray,
    min_size: int,
    max_size: int | None = None,
    prices: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the assignment with the largest total score among those that keep the sizes.

    Parameters
    ----------
    scores : ndarray of shape (n_records, n_clusters)
        What each record adds where it is assigned to each cluster.
    min_size : int
        Fewest records of a cluster; `min_size * n_clusters` is at most `n_records`.
    max_size : int, default=None
        Most records of a cluster; `max_size * n_clusters` is at least `n_records`.
    prices : ndarray of shape (n_clusters,), default=None
        Those of a similar problem, as a start: they save time and change nothing else.

    Returns
    -------
    labels : ndarray of shape (n_records,)
        Exact up to the rounding of the scores, whatever the start.
    prices : ndarray of shape (n_clusters,)
        A solution of the dual problem: every record's cluster is among those with its largest
        score plus price; a price above 0 belongs to a cluster of `min_size` records, one below 0
        to a cluster of `max_size`.

    Raises
    ------
    ValueError
        If a score is not finite.

    Notes
    -----
    This is a linear program with a totally unimodular matrix, so that an integer assignment is
    among its solutions. Its dual, min over p of Σ_i max_k (s_ik + p_k) − Σ_k size(p_k)·p_k, is
    first lowered price by price: the best price of one cluster is a quantile of what its records
    would gain. Coordinate steps may stop short of the optimum, so that the assignment at these
    prices misses some sizes. Successive shortest paths in the residual graph of the clusters then
    move records from clusters with too many to clusters with too few, keeping every record's
    choice optimal at the updated prices (Ahuja, Magnanti & Orlin 1993, Network flows, section
    9.7). Each path costs O(n_clusters²) and the records of the clusters on it.

    Examples
    --------
    >>> scores = np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    >>> labels, prices = assign_with_sizes(scores, min_size=1)
    >>> labels, prices
    (array([0, 0, 1]), array([0. , 1.5]))
    """
    n_records, n_clusters = scores.shape
    if not np.isfinite(scores).all():
        # shortest paths between such numbers would never end
        raise ValueError(
            "The log densities of some records are not finite; scale the features of X, or "
            "increase reg_covar."
        )
    top = n_records if max_size is None else max_size
    if n_clusters == 1:
        return np.zeros(n_records, dtype=np.int64), np.zeros(1)
    start = np.zeros(n_clusters) if prices is None else prices.copy()
    start = _lower_dual(scores, min_size, top, start)
    return _Flow(scores, min_size, top, start).balance()


def _lower_dual(scores: np.ndarray, low: int, high: int, prices: np.ndarray) -> np.ndarray:
    """Minimise the dual price by price until the sizes at the prices stop improving."""
    best_miss, best_prices = np.inf, prices
    leaders = _Leaders(scores, prices)
    for _ in range(_MAX_SWEEPS):
        sizes = np.bincount(leaders.first, minlength=len(prices))
        excess = sizes - _outflow(sizes, leaders.prices, low, high)
        miss = int(np.abs(excess).sum())
        # the dual is not smooth: steps along coordinates may stall short of its minimum
        if miss >= best_miss:
            break
        best_miss, best_prices = miss, leaders.prices.copy()
        for k in np.flatnonzero(excess).tolist():
            # the price from which each record prefers the cluster
            thresholds = leaders.best_without(k) - scores[:, k]
            # 0 where that leaves the size within its bounds, else where the nearer bound is reached
            least = _midpoint(thresholds, low)
            most = np.inf if high >= len(scores) else _midpoint(thresholds, high)
            leaders.set_price(k, min(max(0.0, least), most))
    return best_prices


class _Leaders:
    """The best and the second best cluster of every record, as prices change one by one."""

    def __init__(self, scores: np.ndarray, prices: np.ndarray) -> None:
        self.scores, self.prices = scores, prices.copy()
        self.first = np.empty(len(scores), dtype=np.int64)
        self.second = self.first.copy()
        self.first_value, self.second_value = np.empty((2, len(scores)))
        self._find(np.arange(len(scores)))

    def _find(self, records: np.ndarray) -> None:
        priced = self.scores[records] + self.prices
        rows = np.arange(len(records))
        for place, value in ((self.first, self.first_value), (self.second, self.second_value)):
            best = np.argmax(priced, axis=1)
            place[records], value[records] = best, priced[rows, best]
            priced[rows, best] = -np.inf

    def best_without(self, k: int) -> np.ndarray:
        """Return each record's largest score plus price among the clusters other than k."""
        return np.where(self.first == k, self.second_value, self.first_value)

    def set_price(self, k: int, price: float) -> None:
        """Change one price; records where it matters find their leaders anew."""
        self.prices[k] = price
        # other records keep their leaders: the cluster is not among these, before or after
        rises = self.scores[:, k] + price > self.second_value
        self._find(np.flatnonzero((self.first == k) | (self.second == k) | rises))


def _midpoint(thresholds: np.ndarray, size: int) -> float:
    """Return a price that passes the `size` lowest thresholds and no other."""
    # midway between two thresholds, so that rounding moves no record across
    if size == 0:
        return -np.inf
    if size == len(thresholds):
        return float(np.max(thresholds) + 1.0)
    ordered = np.partition(thresholds, (size - 1, size))
    return float((ordered[size - 1] + ordered[size]) / 2.0)


def _outflow(sizes: np.ndarray, prices: np.ndarray, low: int, high: int) -> np.ndarray:
    """Return the size next to each cluster's own that complementary slackness allows."""
    free = np.clip(sizes, low, high)
    return np.where(prices > 0, low, np.where(prices < 0, high, free))


class _Flow:
    """An optimal assignment whose sizes are wrong, on its way to one whose sizes are right.

    The nodes are the clusters and a pool, the last node, which takes every cluster's outflow. What
    a cluster has beyond its outflow is its excess; shortest paths carry it to where it lacks.
    """

    def __init__(self, scores: np.ndarray, low: int, high: int, prices: np.ndarray) -> None:
        self.scores, self.low, self.high = scores, low, high
        self.labels = np.argmax(scores + prices, axis=1)
        sizes = np.bincount(self.labels, minlength=scores.shape[1])
        self.outflow = _outflow(sizes, prices, low, high)
        self.excess = np.append(sizes - self.outflow, self.outflow.sum() - len(scores))
        self.prices = np.append(prices, 0.0)
        if self.excess.any():
            self.arcs = np.array([self._least_losses(k) for k in range(scores.shape[1])])

    def balance(self) -> tuple[np.ndarray, np.ndarray]:
        """Move records until no node has an excess; return labels and prices."""
        while np.any(self.excess > 0):
            self._push(self._shortest_path())
        return self.labels, self.prices[:-1]

    def _least_losses(self, k: int) -> np.ndarray:
        """Return the least loss of score of moving a record of cluster k to each cluster."""
        records = np.flatnonzero(self.labels == k)
        if not records.size:
            return np.full(self.scores.shape[1], np.inf)
        own = self.scores[records]
        return np.min(own[:, [k]] - own, axis=0)

    def _reduced_costs(self) -> np.ndarray:
        """Return the cost of each residual arc at the current prices, never below 0."""
        n_clusters = len(self.prices) - 1
        costs = np.full((n_clusters + 1, n_clusters + 1), np.inf)
        costs[:-1, :-1] = self.arcs
        costs[:-1, -1] = np.where(self.outflow < self.high, 0.0, np.inf)
        costs[-1, :-1] = np.where(self.outflow > self.low, 0.0, np.inf)
        costs += self.prices[:, None] - self.prices
        # at optimal prices no arc costs less than 0; what is below is rounding
        return np.maximum(costs, 0.0)

    def _shortest_path(self) -> list[int]:
        """Return the nodes from an excess to the nearest lack, after updating the prices."""
        costs = self._reduced_costs()
        distance = np.where(self.excess > 0, 0.0, np.inf)
        previous = np.full(len(distance), -1)
        open_distance = distance.copy()
        node = int(np.argmin(open_distance))
        # Dijkstra from all nodes with an excess at once, to the first that lacks
        while self.excess[node] >= 0:
            open_distance[node] = np.inf
            through = distance[node] + costs[node]
            closer = through < distance
            distance[closer], previous[closer] = through[closer], node
            open_distance[closer] = through[closer]
            node = int(np.argmin(open_distance))
        # arcs of the path come to cost 0, and no other arc less: the choice stays optimal
        moved = np.minimum(distance, distance[node])
        # the pool's price stays 0
        self.prices += moved - moved[-1]
        path = [node]
        while previous[path[-1]] >= 0:
            path.append(int(previous[path[-1]]))
        return path[::-1]

    def _push(self, path: list[int]) -> None:
        """Send as much along the path as its arcs, its excess and its lack allow."""
        pool = len(self.prices) - 1
        amount = min(self.excess[path[0]], -self.excess[path[-1]])
        steps = list(pairwise(path))
        movable = {}
        for source, sink in steps:
            if sink == pool:
                amount = min(amount, self.high - self.outflow[source])
            elif source == pool:
                amount = min(amount, self.outflow[sink] - self.low)
            else:
                movable[source, sink] = self._cheapest_records(source, sink)
                amount = min(amount, len(movable[source, sink]))
        for source, sink in steps:
            if sink == pool:
                self.outflow[source] += amount
            elif source == pool:
                self.outflow[sink] -= amount
            else:
                self.labels[movable[source, sink][:amount]] = sink
        self.excess[path[0]] -= amount
        self.excess[path[-1]] += amount
        # only their records have changed
        for k in path:
            if k != pool:
                self.arcs[k] = self._least_losses(k)

    def _cheapest_records(self, source: int, sink: int) -> np.ndarray:
        """Return the records that move between two clusters at the least loss, ties included."""
        records = np.flatnonzero(self.labels == source)
        own, other = self.scores[records, source], self.scores[records, sink]
        # equal rows may differ by rounding, depending on how their scores were computed
        slack = _ROUNDING * np.maximum(np.abs(own), np.abs(other))
        losses = own - other
        return np.asarray(records[losses <= losses.min() + slack])
