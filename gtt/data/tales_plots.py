"""The phrases, sentences and plots of Tales.

Every alternative of a rule in `SENTENCES` is one sentence; rules in `PLOTS` only put sentences in
order. No two alternatives of a rule may begin one another (see `gtt.data.grammar`). They may begin
alike: it is enough that they differ before either of them is over.
"""

from __future__ import annotations


def _rules(tables: dict[str, str]) -> dict[str, list[str]]:
    """One alternative per line, `3* ` before it for its weight."""
    return {
        name: [line.strip() for line in block.splitlines() if line.strip()]
        for name, block in tables.items()
    }


_PHRASES = {
    "look": """
        3* {quality}
        2* {colour}
        2* {size} {colour}
    """,
    "when": """
        2* One {sky} {part}
        2* One {sky} {day}
        In {month}
    """,
    "where": """
        {near} a {look} {spot}
        {near} the {look} {spot}
        {near} {number} {look} {crowd}
        {near} a {spot} and {number} {crowd}
    """,
    "child": """
        {hero.name}
        2* {trait} {hero.name}
    """,
    "newcomer": """
        a {look} {friend.noun}
    """,
    "pal": """
        the {friend.noun}
        2* the {trait} {friend.noun}
    """,
    "tool": """
        3* a {look} {item}
        a {item}
        {number} {look} {crowd}
    """,
    "snack": """
        {number} {look} {fruit}
        {savoury}, {fruit} and {sweet}
        {savoury} and {number} {fruit}
        {savoury} with {sweet}
    """,
    "sight": """
        2* a {look} {spot}
        {number} {look} {crowd}
        {number} {crowd}
        a {trait} {who}
        a {who} with {number} {crowd}
    """,
    "folk": """
        2* {number} {look} {crowd}
        {number} {crowd}
        a {trait} {who}
        a {who} with {number} {crowd}
    """,
}

_SENTENCES = {
    "opening": """
        Once a {trait} {hero.child} named {hero.name} lived in a {look} {house} by the {land}.
        Once a {trait} {hero.child} called {hero.name} lived {near} {sight} and a {look} {house}.
        Once a {trait} and {trait} {hero.child}, {hero.name}, {liked} {look} {crowd}.
        {hero.name} was a {trait} {hero.child} who {liked} {look} {crowd} and {look} {fruit}.
        {hero.name}, a {trait} {hero.child}, had {number} {look} {crowd} and a {look} {item}.
        In a {look} {house} by the {land} lived {hero.name}, a {trait} {hero.child}.
        By the {land} stood a {look} {house}, and there lived {hero.name}, a {trait} {hero.child}.
        Long ago {hero.name}, a {trait} {hero.child}, kept {number} {look} {crowd} by the {land}.
        A {trait} {hero.child} named {hero.name} lived with {number} {crowd} and a {trait} {who}.
    """,
    "loss": """
        {when}, {child} lost {hero.his} {look} {thing.noun} {where}.
        {when}, {child} looked for {hero.his} {look} {thing.noun} and found only {tool}.
        {when}, {hero.he} missed {hero.his} {look} {thing.noun}, and so did {number} {look} {crowd}.
        {when}, a {trait} {who} took the {look} {thing.noun} that {hero.name} {liked}.
        {when}, the {look} {thing.noun} of {hero.name} fell {where}.
        {when}, {number} {look} {crowd} ran away with the {thing.noun} and a {look} {item}.
    """,
    "advice": """
        "Look {where} at {place.name}," {friend.said} {newcomer}.
        "I saw a {look} {thing.noun} at {place.name}, {where}," {friend.said} {newcomer}.
        "Ask the {trait} {who} with {tool} at {place.name}," {friend.said} {newcomer}.
        "Do not be {worry}, {hero.name}, take {snack} to {place.name}," {friend.said} {newcomer}.
        Soon {newcomer} with {tool} {friend.said}, "Try {place.name}, {hero.name}."
        {^newcomer} with {tool} {friend.said}, "The {thing.noun} is at {place.name}."
    """,
    "stray": """
        {when}, {newcomer} stood {where} and looked {worry}.
        {when}, {child} found {newcomer} in a {look} {vessel}.
        {when}, {hero.he} met {newcomer} with {number} {look} {fruit}.
        {when}, {newcomer} fell into a {look} {water}, and {child} brought {tool}.
    """,
    "plea": """
        "I am {worry}, and {place.name} is far, past {sight} and {sight}," {friend.said} {pal}.
        "I want to see {sight} and {sight} at {place.name}," {friend.said} {pal}.
        "Take me to {place.name}, to my {look} {friend.home} {where}," {friend.said} {pal}.
        "Do you know {place.name}, {hero.name}, and {sight} {where}?" {friend.said} {pal}.
        {^pal} {friend.said}, "My {look} {friend.home} is at {place.name}, {where}."
    """,
    "invitation": """
        {when}, {newcomer} brought {tool} to {child}.
        {when}, {child} gave a party for {newcomer} and {number} {look} {crowd}.
        {when}, {child} and {newcomer} made {snack} for a {trait} {who}.
        {when}, {child} heard {newcomer} as it {played} {where}.
    """,
    "idea": """
        "Let us take {snack} and {tool} to {place.name}," {friend.said} {pal}.
        "Tonight we eat {snack} at {place.name}, {where}," {friend.said} {pal}.
        "Shall we bring {tool} to {place.name}?" asked {hero.name} {manner}.
        "The {trait} {who} at {place.name} has {snack} and a {look} {thing.noun}," said {child}.
    """,
    "packing": """
        {^hero.he} packed {snack} and {tool}.
        {^hero.he} put {snack} and {tool} into a {look} {vessel}.
        {hero.name} took {tool} and {snack} along.
        {hero.name} filled {hero.his} {look} {vessel} with {snack}.
    """,
    "road": """
        Together they {walked} {past} {sight} and {past} {sight}.
        They {walked} {past} {sight}, {sight} and a {look} {house}.
        So {child} and {pal} {walked} {past} {sight} and {sight}.
        So they {walked} {past} a {look} {house}, and {pal} counted {number} {look} {crowd}.
    """,
    "weather": """
        A {trait} wind {blew} the {look} {roofs} and {number} {look} {crowd}.
        A {trait} wind {blew} {folk} and {folk}, but {child} only {played}.
        Rain fell on the {look} {roofs}, on {folk} and on {pal}.
        The moon rose over the {look} {roofs}, and {folk} {played}.
        Snow fell {manner} on the {roofs}, on {sight} and on {child}.
    """,
    "meeting": """
        On the way {sight} and {folk} {played} {near} the {land}.
        On the way a {trait} {who} gave {hero.him} {snack} and {tool}.
        At the {land} they met a {trait} {who} with {tool}.
        At the {land} a {trait} {who} asked for {snack}, and {child} {played}.
        Soon {hero.he} saw {sight} and {sight} {near} a {look} {house}.
    """,
    "talk": """
        "Are you {feeling}, or shall we eat {snack} with {folk}?" asked {pal}.
        "I can hear {folk} and {number} {look} {crowd}," said {child} {manner}.
        "What a {look} {spot}!" cried {child}, and {folk} {played}.
        "We need {snack} and {tool}," {friend.said} {pal}.
    """,
    "find": """
        At {place.name}, {where}, lay the {thing.noun}, {quality} and {colour}.
        At {place.name} a {trait} {who} gave the {thing.noun} back for {snack}.
        They found the {thing.noun} at {place.name}, {where}.
        There, {where}, {child} found the {thing.noun} in a {look} {vessel}.
        There {pal} found the {thing.noun} {where}, {near} {sight}.
    """,
    "joy": """
        "My {look} {thing.noun}!" cried {child}, and {folk} {played} {manner}.
        "Now you are {feeling}, and {folk} can bring {snack}," {friend.said} {pal}.
        {hero.name} hugged {pal} and gave it {snack}.
        {hero.name} {played}, and so did {folk} and {number} {look} {crowd}.
    """,
    "arrival": """
        At {place.name} {pal} saw its {look} {friend.home}, {sight} and {sight}.
        At {place.name}, {where}, {folk} {played} for {pal}.
        They came to {place.name} and saw {sight} {where}.
        There was {place.name}, with {sight}, {sight} and a {look} {house}.
    """,
    "thanks": """
        "Take my {look} {thing.noun} and {snack}, {hero.name}," {friend.said} {pal}.
        "Thank you, {hero.name}, and take {snack} and {tool}," {friend.said} {pal}.
        {^pal} gave {hero.him} a {look} {thing.noun} and {snack}.
        A {trait} {who} gave {hero.name} a {look} {thing.noun} and {pal} {snack}.
    """,
    "feast": """
        At {place.name} they ate {snack} {where}.
        At {place.name} {child} {played} with {folk} and {number} {look} {crowd}.
        There were {look} {crowd} at {place.name}, and a {trait} {who} served {snack}.
        {^pal} {played} at {place.name}, and a {trait} {who} gave it {snack}.
    """,
    "quiet_day": """
        {when}, {hero.he} sat {where} and ate {snack}.
        {when}, {child} made {snack} for {number} {look} {crowd}.
        {when}, {hero.he} {walked} {past} {sight} with {tool}.
        {when}, {folk} and {number} {look} {crowd} {played} {near} the {look} {house}.
    """,
    "quiet_friend": """
        {^newcomer} with {tool} asked for {snack}.
        "Do you like {snack}, {hero.name}?" {friend.said} {newcomer}.
        Then {newcomer} and {number} {look} {crowd} {played} for {hero.him}.
        Then a {trait} {friend.noun} gave {hero.him} a {look} {thing.noun} and {snack}.
    """,
    "ending": """
        That night {child} ate {snack} and slept in a {look} {bed}.
        That night {pal} slept in its {look} {friend.home} with {folk} and {tool}.
        So {child} and {pal} ate {snack} {where}.
        At home {pal} was {feeling}, and {child} {liked} {sight} and {look} {crowd}.
        Now {child} was {feeling}, and {folk} {played} for {pal}.
        So they ate {snack} {where}.
        {^hero.he} was {feeling} and went home with {tool}.
        And every {day} {hero.name} and {pal} {played} {where}.
    """,
}

_PLOTS = {
    "tale": """
        {opening} {story}
    """,
    "story": """
        4* {loss} {advice} {quest}
        4* {stray} {plea} {rescue}
        3* {invitation} {idea} {party}
        2* {quiet_day} {quiet_friend} {evening}
    """,
    "quest": """
        {packing} {road} {find} {finish}
        2* {road} {find} {finish}
        2* {road} {way} {find} {finish}
    """,
    "rescue": """
        {packing} {road} {homecoming}
        2* {road} {homecoming}
        2* {road} {way} {homecoming}
    """,
    "party": """
        {packing} {road} {feast} {ending}
        {feast} {ending}
        {road} {feast} {ending}
    """,
    "evening": """
        2* {ending}
        {talk} {ending}
        {weather} {ending}
    """,
    "way": """
        {weather}
        {meeting}
        {talk}
    """,
    "homecoming": """
        {arrival} {ending}
        {arrival} {thanks} {ending}
    """,
    "finish": """
        2* {ending}
        {joy} {ending}
    """,
}

PHRASES = _rules(_PHRASES)
SENTENCES = _rules(_SENTENCES)
PLOTS = _rules(_PLOTS)
