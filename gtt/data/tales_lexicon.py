"""The words of Tales: the cast and the lists that its sentences draw from.

Lists are long and even on purpose. A draw from twenty words is easy to learn (all twenty are
equally likely) and worth 3 nats, so most of the language's entropy sits in single words that need
no memory of what came before. Words of one list must fit wherever another of them fits, begin with
a consonant sound when "a" may stand before them, and none may begin another.
"""

from __future__ import annotations

_GIRLS = "Mira Nell Lotte Rosa Greta Pia Vera Zoe"
_BOYS = "Tom Finn Otto Bruno Emil Hugo Sami Yann"

# kind, how it speaks, where it sleeps
_FRIENDS = """
    fox barked den | owl hooted nest | crow cawed tree | frog croaked pond | mouse squeaked hole
    goat bleated shed | duck quacked pool | cat purred basket | goose honked yard
    pony snorted stable | bear growled cave | bee buzzed hive
"""

_THINGS = """
    key bell lamp kite drum flute crown map ring clock teapot hat
"""

_PLACES = """
    Moon Lake | Crow Hill | Fern Gate | Salt Bay | Elm Wood | Bell Rock | Gull Cape | Frost Peak
    Oak Ford | Rose Farm | Echo Cave | Star Keep
"""


def _entries(table: str) -> list[str]:
    """The entries of a table: separated by bars, where a line's end is a bar too."""
    cells = table.replace("\n", "|").split("|")
    return [" ".join(cell.split()) for cell in cells if cell.strip()]


CAST: dict[str, list[dict[str, str]]] = {
    "hero": [
        {"name": name, "he": "she", "his": "her", "him": "her", "child": "girl"}
        for name in _GIRLS.split()
    ]
    + [
        {"name": name, "he": "he", "his": "his", "him": "him", "child": "boy"}
        for name in _BOYS.split()
    ],
    "friend": [
        {"noun": noun, "said": said, "home": home}
        for noun, said, home in (entry.split() for entry in _entries(_FRIENDS))
    ],
    "thing": [{"noun": noun} for noun in _THINGS.split()],
    "place": [{"name": name} for name in _entries(_PLACES)],
}

_SINGLE_WORDS = {
    # these three fit anything that can be touched
    "quality": """
        pretty funny fine strange lovely muddy dusty wet cold warm soft shiny clean plain scruffy
        neat royal secret magic lucky
    """,
    "size": "small big tiny huge little round fat thin long short tall wide",
    "colour": """
        red blue green white grey black brown pink yellow purple golden silver striped pale dark
        scarlet
    """,
    # a person's nature
    "trait": """
        kind brave shy clever merry quiet gentle sleepy proud polite bold calm jolly young wise
        nosy busy grumpy noisy sweet
    """,
    "feeling": """
        happy glad proud tired hungry merry dizzy brave calm cheerful lucky silly
    """,
    "worry": "sad cross worried lonely puzzled upset afraid gloomy",
    "house": "cottage house hut cabin barn tower mill boat tent castle farm inn",
    # something to walk past or look behind
    "spot": """
        pond gate well wall rock stump hedge bush fence ditch bench shop bridge tree log cart
        ladder pump pier nest swing wheel pine maze
    """,
    "land": """
        sea river forest lake hill meadow harbour road market valley park moor
    """,
    # something to carry
    "item": """
        rope scarf basket candle pan mug pen book jar sack stick net coat jug brush bucket torch
        saw box kettle ball broom toy doll
    """,
    # what is met on the way, always several
    "crowd": """
        gulls geese cows snails sheep swans moths bats ants hens toads deer hares mice lambs crabs
        seals newts moles storks otters yaks llamas kittens
    """,
    "number": "two three four five six seven eight nine ten twelve twenty many",
    "savoury": """
        soup bread cheese rice beans toast noodles peas corn butter eggs onions stew pasta
    """,
    "sweet": """
        jam honey cake pie buns waffles pudding fudge toffee jelly cocoa cream
    """,
    "fruit": """
        plums figs nuts berries pears apples cherries grapes lemons dates melons limes
    """,
    "part": "morning noon evening day",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": """
        January February March April May June July August September October November December
    """,
    "sky": """
        rainy windy foggy snowy sunny misty stormy cold warm bright grey golden frosty cloudy mild
        still
    """,
    "walked": """
        walked ran hurried skipped hiked wandered marched crept danced trotted hopped raced
    """,
    "past": "past around behind beyond beside near",
    "near": "behind beside near by below",
    "manner": "softly sadly gently shyly loudly calmly warmly kindly sweetly proudly",
    "played": """
        sang danced laughed hummed whistled cheered jumped giggled smiled waved bowed winked
    """,
    "blew": "shook rattled teased tickled kissed cooled",
    "roofs": """
        roofs hills fields trees gardens boats streets barns towers woods walls tents
    """,
    "who": """
        baker miller farmer sailor tailor painter cook smith teacher wizard pirate clown king
        queen knight giant witch fairy troll poet
    """,
    "liked": "liked loved painted counted watched drew kept admired",
    "bed": "bed hammock cradle armchair sofa tent",
    "vessel": """
        basket sack box chest crate trunk barrel tub cart wagon hamper suitcase
    """,
    "water": "pond ditch puddle well fountain stream swamp lake",
}

WORDS: dict[str, list[str]] = {name: words.split() for name, words in _SINGLE_WORDS.items()}
