"""Response distributions and links (ground floor).

    family = get_family("binomial(probit)")     # also Family("binomial", "probit"), or "probit"

* `links`: each link with its derivatives and what is said of its scale;
* `distribution`: what every distribution has in common; then a file for each, with all its facts;
* `family`: the two together, as a fit asks for them, and the list of distributions.
"""

from .distribution import Distribution
from .family import DISTRIBUTIONS, Family, Working, get_family
from .links import LINKS, Link

__all__ = ["DISTRIBUTIONS", "LINKS", "Distribution", "Family", "Link", "Working", "get_family"]
