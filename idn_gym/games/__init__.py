"""Hedonic games: devices form coalitions at gateways or edge servers, each for its own sake.

A *site* is where a coalition meets: a gateway or an edge server. A *partition* says for every player at
which site it is, or that it stays alone; players at the same site form one *coalition*. Everybody has a
*cost* that depends on its own coalition alone (that makes a game hedonic) and wants it small; a utility is
minus a cost.

Letters of shapes: P players, K sites, S some of the sites, D features of data. The model is ours; see
``docs/games.md``.
"""
