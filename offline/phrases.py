"""The ways in which people put their requests: patterns from sentences to kinds of `Command`.

Typed and recognised sentences both have to match, so case never counts and punctuation is never required. The order
matters: the first that matches is meant.
"""

# ruff: noqa: E501 - a pattern is one line

from __future__ import annotations

import re


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return what matches as soon as one of the patterns does."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


POLITE_START = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|please|well|now|so|and|um|uh|then|also|can you|could you|would you|will you|"
    r"i want you to|i(?:'d| would) like you to|i want to|i(?:'d| would) like to|let's|you)\b[,.!]?\s+)+",
    re.IGNORECASE,
)
POLITE_END = re.compile(r"[\s,]*\b(?:please|for me|thanks|thank you)[\s.!?]*$", re.IGNORECASE)
ANSWER = re.compile(
    r"^(?:(?:in|for|the one|it's|it is|call it|name it|called|named|it's called|the name is|its name is|i mean|i meant|"
    r"the (?:city|town) of|the note|my note|the|my|please|um|uh|okay|ok)\b[\s,]+)+",
    re.IGNORECASE,
)

SMALL_TALK = (
    ("yes", any_of(r"(yes|yeah|yep|sure|of course|ok|okay|go ahead|do it|do that|confirmed?|correct|right)( (yes|please|sure|do it|delete it|go ahead|thanks?))*")),
    ("no", any_of(r"(no|nope|don't|do not|not now|keep it)( (no|thanks|thank you|please|don't|do not|do that|delete it|keep it))*")),
    ("goodbye", any_of(r"((ok|okay|thanks|thank you|that's all|that is all|for today|for now|well|all right|alright|great|no|and|then|so) )*(good ?bye|bye|bye bye|see you( later| soon)?|good night)( (for now|now|then|everybody|assistant|my friend|thanks|thank you|bye|goodbye))*")),
    ("stop", any_of(r"(please |okay |ok )?(stop|cancel|never ?mind|forget it|be quiet|quiet|shut up|enough|that's enough|wait|hold on)( .{0,14})?", r"(no |okay |ok )?(that's all|that is all|that was all|nothing( else)?)( for (now|today))?")),
    ("thanks", any_of(r"(.{0,12} )?(thanks|thank you)( .{0,14})?")),
    ("greeting", any_of(r"(hello|hi|hey|good (morning|afternoon|evening))( there| everybody| assistant)?( how are you)?", r"how are you( today| doing)?")),
    ("who", any_of(r"(who|what) are you", r"what's your name", r"what is your name", r"how do you work")),
    ("help", any_of(r"(please )?help( me)?( please)?", r"what (can|could|do) (you|i) (do|say|ask|ask you)( for me)?", r"what are my options")),
    ("recall", any_of(r"what did i (just )?(say|ask|tell you|ask you)", r"what was the last thing i (said|asked)", r"did you (hear|understand) me", r"what have i (just )?said")),
    ("repeat", any_of(r"(please |can you |could you )*(repeat|say) (that|it)( again)?( please)?", r"(please )?(repeat|pardon|pardon me|sorry|once more|come again|again)( please)?", r"what did you (just )?say", r"(repeat|say again) .{0,10}")),
)  # fmt: skip

_NAMED = r"(?:called|named|titled|with the (?:name|title)|by the name of)"
_SAYING = r"(?:[,;:]|\bsaying\b|\b(?:that|which) says\b|\bwith(?: the (?:text|content|words))?\b|\bto say\b)[,:]?\s*"
_THAT = r"(?:[,;:]|\bsaying\b|\b(?:that|which) says\b|\bwith the (?:text|content|words)\b|\bwith\b|\bto say\b|\bthat\b|\bto\b)[,:]?\s*"
_A_NOTE = r"(?:a |an |the |another )?(?:new |quick |short )?(?:note|memo)"
_WHOSE = r"(?:the |my |our |this |that )?"
_ADVERB = r"(?:too|also|as well|again|now|to me|out loud|out|aloud)"
_ALSO = rf"(?:,?\s+{_ADVERB})*[.?!]*$"
"""What is said after a note, and is no part of its name."""
_WHICH = (
    rf"(?:{_WHOSE}(?:notes?|memo)\s+(?:{_NAMED}\s+)?(?!{_ADVERB}{_ALSO})(?P<name1>\S.*?)|{_WHOSE}(?P<name2>\S.*?)\s+(?:note|memo)|"
    rf"{_WHOSE}(?P<name3>\S.*?list)|(?P<name4>it|that|this))"
)
"""A note, however it is named."""
_BARE = (
    r"(?:my |our |the )?(?!(?:me|a|an|the|some|something|all|everything|them|weather|forecast|temperature|time|date)\b)"
    r"(?P<name1>[\w'-]+(?:\s+[\w'-]+)??)"
)
"""A note's name by itself: a word or two."""
_SHOW = r"(?:read|show|open|tell|display|give)(?: me| us)?(?: out| aloud)?"

NOTES = tuple(
    (kind, any_of(pattern))
    for kind, pattern in (
        ("list", rf"(?:(?:{_SHOW}|list|read through)\s+(?:me\s+)?(?:all )?(?:of )?(?:my |the )?(?:(?:names|titles|list) of (?:my|the|all) )?notes|(?:what|which|how many) (?:notes|memos)\b.*|what are my notes|do i have (?:any |some )?notes|{_SHOW} (?:me )?which notes .*)[.?!]*$"),
        ("search", r"(?:search|look|find|go)\s+(?:through |in )?(?:all )?(?:my |the )?notes\s+(?:for|about|with|on|containing|that mention|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|find|look)\s+(?:for\s+)?(?:a |the |any |all |my )*notes?\s+(?:about|with|on|for|containing|that mentions?|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", rf"{_SHOW}\s+(?:all )?(?:the |any |my )?notes?\s+(?:about|containing|that mentions?|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|find|look)\s+(?:for\s+)?(?P<query>\S.*?)\s+in\s+(?:all )?(?:my |the )?notes[.?!]*$"),
        ("search", r"(?:do i have|are there|is there|have i got)\s+(?:a |any )?(?:notes?)\s+(?:about|with|on|for|that mentions?)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|look through|search through)\s+(?:in\s+)?(?:all )?(?:my |the )notes[.?!]*$"),
        ("delete", rf"(?:delete|remove|erase|get rid of|throw away|discard)\s+{_WHICH}{_ALSO}"),
        ("delete", r"(?:delete|remove|erase)\s+(?:a |the )?note[.?!]*$"),
        ("append", rf"(?:add|append|put|write)\s+(?:something\s+)?(?:to|on|in)\s+{_WHOSE}(?:note\s+(?:{_NAMED}\s+)?(?P<name1>\w+)|(?P<name2>\w[\w' ]*?)\s+note\b|(?P<name3>\w[\w' ]*?list))(?:\s*[,;:]\s*|\s+(?:that\s+)?)?(?P<text>\S.*)?$"),
        ("append", rf"(?:add|append|put|write)\s+(?P<text>\S.*?)\s+(?:to|on|onto|in|into)\s+{_WHICH}{_ALSO}"),
        ("write", rf"(?:take|make|write|create|add|start|save|leave|open)\s+(?:down\s+)?(?:me\s+)?{_A_NOTE}\s+{_NAMED}\s+[\"“']?(?P<name1>\S.*?)[\"”']?(?:\s*{_SAYING}(?P<text>\S.*))?[.?!]*$"),
        ("write", rf"(?:take|make|write|create|add|start|save|leave)\s+(?:down\s+)?(?:me\s+)?{_A_NOTE}(?:\s*{_THAT}(?P<text>\S.*))?[.?!]*$"),
        ("write", rf"(?:take|make|write)\s+{_A_NOTE}\s+(?!{_ADVERB}{_ALSO}|called|named|titled)(?P<text>\S.*)$"),
        ("write", r"(?:remember|remind me|note down|note|write down|jot down|make a note of)(?:\s*[,;:]|\s+to|\s+that)?\s+(?P<text>(?!called|named)\S.*)$"),
        ("read", rf"{_SHOW}\s+{_WHICH}{_ALSO}"),
        ("read", rf"(?:what's|what is|what was)\s+(?:in|on)\s+{_WHICH}{_ALSO}"),
        ("read", rf"what\s+does\s+{_WHICH}\s+say[.?!]*$"),
        ("read", rf"{_SHOW}\s+(?:a|the|my)\s+note[.?!]*$"),
        ("read", rf"(?:read|open)(?:\s+me)?(?:\s+(?:out loud|out|aloud))?\s+{_BARE}{_ALSO}"),
        ("read", rf"what\s+does\s+{_BARE}\s+say{_ALSO}"),
        ("read", rf"(?:show(?: me| us)?|(?:what's|what is|what was)\s+(?:in|on))\s+(?=my|our|the){_BARE}{_ALSO}"),
        ("delete", rf"(?:delete|remove|erase|get rid of|throw away|discard)\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append)\s+to\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append)\s+(?P<text>\S.*?)\s+to\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append|put|write)\s+(?P<text>\S.*?)\s+(?:to|on)\s+(?=my|our|the){_BARE}{_ALSO}"),
        ("append", r"(?:add|append)\s+(?P<text>\S.*?)(?:\s+(?:too|as well|also))?[.?!]*$"),
    )
)  # fmt: skip

_WHERE = r"(?: in| at| for| over in)?(?: (?P<city>[a-z' ]+?))??(?: now| right now| please| there| today)*"
CLOCK = tuple(
    (kind, any_of(f"(?:{pattern}){_WHERE}"))
    for kind, pattern in (
        ("time", r"(?:do you know |tell me )?(?:what(?:'s| is) the (?:current )?time|what time (?:is it|it is)|(?:tell|give) me the (?:current )?time|the time|time)"),
        ("date", r"(?:what(?:'s| is) |tell me |give me )?(?:the |today's )(?:current )?date|(?:what|which) (?:day|date) (?:is it|is it today|is today|it is)|what(?:'s| is) today"),
    )
)  # fmt: skip
"""Matched against the whole sentence, in words alone."""

WEATHER = re.compile(
    r"\b(?:weather|forecast|temperature|rain(?:ing|y)?|snow(?:ing|y)?|sunny|umbrella|sunglasses|windy|cloudy|"
    r"how (?:cold|warm|hot)|(?:is it|will it be|is it going to be) (?:\w+ )?(?:cold|warm|hot)|(?:need|take) an? (?:coat|jacket))\b",
    re.IGNORECASE,
)
DAY = re.compile(
    r"\b(?:(?:right |just )?now|currently|at the moment|outside|"
    r"(?P<day>today|tonight|tomorrow(?: (?:morning|afternoon|evening|night))?|(?:this|next) (?:morning|afternoon|evening|week(?:end)?)|"
    r"(?:in|during) the (?:morning|afternoon|evening)|(?:on |next |this )?(?:mon|tues|wednes|thurs|fri|satur|sun)day))\b",
    re.IGNORECASE,
)
UNITS = re.compile(
    r"\b(?:in |using )?(?:degrees )?(?:(?P<celsius>celsius|centigrade|metric)|(?P<fahrenheit>fahrenheit|imperial))(?: units| degrees)?\b",
    re.IGNORECASE,
)
PLACE = re.compile(r"\b(?:in|for|at|of|around|near)\s+(?P<city>[^\d\W][\w' -]*)$", re.IGNORECASE)
"""At the end, once day, units and what follows them are gone."""
PLACE_FIRST = re.compile(
    r"^(?!what|how|tell|give|get|show|check)(?:the )?(?P<city>(?!the\b)[^\d\W][\w' -]*?)\s+(?:weather|forecast)(?: forecast)?$",
    re.IGNORECASE,
)
"""As in "Paris weather"."""
PLACE_LAST = re.compile(
    r"^(?:the )?(?:weather|forecast)(?: forecast)?\s+(?!like)(?P<city>[^\d\W][\w' -]*)$", re.IGNORECASE
)
MORE = re.compile(
    r"(?:(?:and |or )?(?:what|how) about|and(?: what about)?|or|what if i am)\s+(?:in |for |at )?(?P<what>.+)|"
    r"(?P<units>in (?:degrees )?(?:celsius|fahrenheit))",
    re.IGNORECASE,
)
"""The last request again, elsewhere, another day or in other units."""
