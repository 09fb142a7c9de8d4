# What type checkers see of the names that are loaded when they are asked for.
from gtt.facade import Attention as Attention
from gtt.facade import Model as Model
from gtt.facade import Training as Training
from gtt.facade import load as load
from gtt.facade import train as train

__version__: str
