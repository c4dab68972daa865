"""Small synthetic faces with CelebA's 40 attributes, of which four hair colours exclude each other.

What makes an effect of exclusive labels is known here: in a stated share of the pictures, light hides which of two
hair colours it is.
"""

from holonomy.faces.attributes import NAMES
from holonomy.faces.hair import LIGHTING
from holonomy.faces.layout import Parameters, write
from holonomy.faces.portraits import Portrait, portrait

__all__ = ["LIGHTING", "NAMES", "Parameters", "Portrait", "portrait", "write"]
