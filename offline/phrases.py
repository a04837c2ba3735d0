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


COURTESY = re.compile(
    r"^(?:(?:hey|hi|hello|good (?:morning|afternoon|evening)|thanks|thank you|thx|great|cool|sorry|oh|no|wait|ok|okay|"
    r"all ?right|well|um|uh)\b[,.!?]*\s+)+",
    re.IGNORECASE,
)
"""Before a request, and no part of it."""
POLITE_START = re.compile(
    r"^(?:(?:please|now|so|and|then|also|can you|could you|would you|will you|i want you to|i(?:'d| would) like you to|"
    r"i want to|i(?:'d| would) like to|let's|you|(?:remind|tell) me(?= what(?:'s| is) (?:in|on)))\b[,.!]?\s+)+",
    re.IGNORECASE,
)
POLITE_END = re.compile(r"[\s,]*\b(?:please|for me|thanks|thank you)[\s.!?]*$", re.IGNORECASE)
ANSWER = re.compile(
    r"^(?:(?:in|for|the one|it's|it is|call it|name it|called|named|it's called|the name is|its name is|i mean|i meant|"
    r"the (?:city|town) of|the note|my note|the|my|please|um|uh|okay|ok)\b[\s,]+)+",
    re.IGNORECASE,
)

SMALL_TALK = (
    ("yes", any_of(r"(yes|yeah|yep|sure|of course|go ahead|do it|do that|confirmed?|correct|right|ok(ay)? (yes|sure|do it|delete it|go ahead))( (yes|please|sure|do it|delete it|go ahead|thanks?))*")),
    ("ok", any_of(r"((ok|okay|all ?right|fine)( |$))+(please|then|thanks?)?")),
    ("praise", any_of(r"((oh|that's|that is|very|so|how) )*(cool|great|good|nice|perfect|super|wonderful|awesome|excellent|fantastic|brilliant|amazing|well done|good job)( job| work| one)?")),
    ("no", any_of(r"(no|nope|don't|do not|not now|keep it)( (no|wait|thanks|thank you|please|don't|do not|do that|delete it|keep it))*")),
    ("goodbye", any_of(r"((ok|okay|thanks|thank you|that's all|that is all|for today|for now|well|all right|alright|great|no|and|then|so) )*(good ?bye|bye|bye bye|ciao|see (you|ya)( later| soon| tomorrow| then)?|good ?night)( (for now|now|then|everybody|assistant|my friend|thanks|thank you|bye|goodbye))*")),
    ("stop", any_of(r"(please |okay |ok )?(stop|cancel|never ?mind|forget (it|that|about it)|be quiet|quiet|shut up|enough|that's enough|wait|hold on)( (it|that|this|now|please|talking|speaking|reading|listening|the music|everything|a (minute|moment|second)))*", r"(no |okay |ok )?(that's all|that is all|that was all|nothing( else)?)( for (now|today))?", r"i (don't|do not) know|no idea|it doesn't matter")),
    ("thanks", any_of(r"((ok|okay|oh|well|no|yes|good|cool|nice|fine|perfect|super|many|and|so|that's|that is|great|all ?right|it|all) )*(thanks|thank you|thx|cheers)( (so|very|much|many|a|lot|again|for|your|the|that|this|all|it|help|answer|that's|great|good|assistant|my|friend))*")),
    ("greeting", any_of(r"(hello|hi|hey|good (morning|afternoon|evening))( there| everybody| assistant)?( how are you)?", r"(and )?how are you( today| doing)?", r"what's up", r"nice to meet you")),
    ("here", any_of(r"(can|do) you hear me( now)?", r"are you (still )?there", r"is (anybody|anyone) there")),
    ("who", any_of(r"(who|what) are you", r"what's your name", r"what is your name", r"how do you work")),
    ("help", any_of(r"(please |i need )?(help|some help)( me)?( please)?", r"what (else )?(can|could|do) (you|i) (do|say|ask|ask you)( for me)?", r"what are my options")),
    ("recall", any_of(r"what did i (just )?(say|ask|tell you|ask you)", r"what was the last thing i (said|asked)", r"did you (hear|understand) me", r"what have i (just )?said")),
    ("repeat", any_of(r"(please |can you |could you )*(repeat|say) (that|it|this)( again)?( slower| slowly)?( please)?", r"(please )?(repeat|pardon|pardon me|sorry|once more|come again|again|say again|huh|what|what do you mean)( please)?", r"what did you (just )?say")),
    ("reminders", any_of(r"(what are|list|read|show|show me|do i have( any)?) (my )?reminders", r"(set|start) (me )?(an?|the|my) ([\w-]+ )*(alarm|timer|reminder)( .*)?")),
    ("change", any_of(
        r"(delete|remove|erase|cross|scratch|strike) (?!(the |my |that )?note\b).+ (from|off|out of) .+", r"(cross|scratch|strike) (off|out) .+", r"take (?!an? ).+ (off|from) (the|my|our) .*(list|note)",
        r"(delete|remove|erase) the (first|last|next|second) (item|line|entry|word)", r"mark .+ as .+", r"(rename|restore|overwrite) .+", r"(clear|empty|edit|change|update) .*(note|list)( .*)?", r"undo( that| it)?", r"(delete|remove|erase) (all|all of) (my |the )?notes",
    )),
)  # fmt: skip
"""Matched against the whole sentence, in lower-case words alone, before all else."""

_NAMED = r"(?:called|named|titled|with the (?:name|title)|by the name of)"
_SAYING = r"(?:[,;:]|\bsaying\b|\b(?:that|which) says\b|\bwith(?: the (?:text|content|words))?\b|\bto say\b)[,:]?\s*"
_THAT = r"(?:[,;:]|\bsaying\b|\b(?:that|which) says\b|\bwith the (?:text|content|words)\b|\bwith\b|\bto say\b|\bthat\b|\bto\b)[,:]?\s*"
_A_NOTE = r"(?:a |an |the |another )?(?:new |quick |short )?(?:note|memo)(?: to (?:self|myself))?"
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
    r"(?:my |our |the )?(?!(?:me|a|an|the|some|something|all|everything|them|how|what|where|weather|forecast|temperature|time|"
    r"date|news|paper|newspaper|door|window|lights?)\b)(?P<name1>[\w'-]+(?:\s+[\w'-]+)??)"
)
"""A note's name by itself: a word or two."""
_LETTER = r"(?!(?:an? |the )?(?:e-?mail|letter|message|text|postcard|poem|song|story|report)\b)"
_NUMBER = r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_SHOW = r"(?:read|show|view|hear|open|tell|display|give)(?: me| us)?(?: out| aloud)?"

NOTES = tuple(
    (kind, any_of(pattern))
    for kind, pattern in (
        ("list", r"(?:(?:what's in|what is in)\s+)?(?:(?:all )?(?:of )?(?:my |the )?notes|list)[.?!]*$"),
        ("list", rf"(?:(?:{_SHOW}|list|read through)\s+(?:me\s+)?(?:all )?(?:of )?(?:my |the )?(?:(?:names|titles|list) of (?:my|the|all) )?notes|(?:what|which|how many) (?:notes|memos)\b.*|what are my notes|do i have (?:any |some )?notes|{_SHOW} (?:me )?which notes .*)[.?!]*$"),
        ("search", r"(?:search|look|find|go)\s+(?:through |in )?(?:all )?(?:my |the )?notes\s+(?:for|about|with|on|containing|that mention|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|find|look)\s+(?:for\s+)?(?:a |the |any |all |my )*notes?\s+(?:about|with|on|for|containing|that mentions?|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", rf"{_SHOW}\s+(?:all )?(?:the |any |my )?notes?\s+(?:about|containing|that mentions?|mentioning)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|find|look)\s+(?:for\s+)?(?P<query>\S.*?)\s+in\s+(?:all )?(?:my |the )?notes[.?!]*$"),
        ("search", r"(?:do i have|are there|is there|have i got)\s+(?:a |any )?(?:notes?)\s+(?:about|with|on|for|that mentions?)\s+(?P<query>\S.*?)[.?!]*$"),
        ("search", r"(?:search|look through|search through)\s+(?:in\s+)?(?:all )?(?:my |the )?notes[.?!]*$"),
        ("search", r"search\s+for\s+(?P<query>\S.*?)[.?!]*$"),
        ("delete", rf"(?:delete|remove|erase|get rid of|throw away|discard)\s+{_WHICH}{_ALSO}"),
        ("delete", r"(?:delete|remove|erase)\s+(?:a |the )?note[.?!]*$"),
        ("append", rf"(?:add|append|put|write)\s+(?:something\s+)?(?:to|on|in)\s+{_WHOSE}(?:note\s+(?:{_NAMED}\s+)?(?P<name1>\w+)|(?P<name2>\w[\w' ]*?)\s+note\b|(?P<name3>\w[\w' ]*?list))(?:\s*[,;:]\s*|\s+(?:that\s+)?)?(?P<text>\S.*)?$"),
        ("append", rf"(?:add|append|put|write)\s+(?:to|on|in|into)\s+{_WHOSE}(?P<name1>[\w'-]+(?:\s[\w'-]+)?)\s*[,;:]\s*(?P<text>\S.*)$"),
        ("append", rf"(?:add|append|put|write)\s+(?:to|on|in|into)\s+{_WHOSE}(?P<name1>[\w'-]+)\s+(?:that\s+|(?=(?:an?|some|the)\s))(?P<text>\S.*)$"),
        ("append", rf"(?:add|append|put)\s+(?P<text>(?:(?! (?:to|on) ).)+) (?:to|on) {_WHOSE}(?P<name1>[\w'-]+(?: [\w'-]+)? (?:list|note)) and .+ (?:to|on) .+ (?:list|note)$"),
        ("append", rf"(?:add|append|put|write)\s+{_LETTER}(?P<text>\S.*?)\s+(?:to|on|onto|in|into)\s+{_WHICH}{_ALSO}"),
        ("write", rf"(?:take|make|write|create|add|start|save|leave|open)\s+(?:down\s+)?(?:me\s+)?{_A_NOTE}\s+{_NAMED}\s+[\"“']?(?P<name1>\S.*?)[\"”']?(?:\s*{_SAYING}(?P<text>\S.*))?[.?!]*$"),
        ("write", rf"(?:(?:make|create|start|write|begin)\s+)(?:me\s+)?(?:a|an|the|my|another)\s+(?:new\s+)?list\s+{_NAMED}\s+(?P<name1>\S.*?)(?:\s*{_SAYING}(?P<text>\S.*))?$"),
        ("write", rf"(?:(?:make|create|start|write|begin)\s+)(?:me\s+)?(?:a|an|the|my|another)\s+(?:new\s+)?(?P<name1>\w[\w' -]*?\s?list)(?:\s*{_SAYING}(?P<text>\S.*))?$"),
        ("write", rf"(?:(?:take|make|write)\s+)?(?:a )?(?:new |another |quick )?note to (?:self|myself)(?:\s*{_THAT}|\s+)(?P<text>\S.*)$"),
        ("write", r"(?:a )?(?:new|another) note(?:\s*[:,]\s*(?P<text>\S.*))?$"),
        ("write", rf"(?:take|make|write|create|add|start|save|leave)\s+(?:down\s+)?(?:me\s+)?{_A_NOTE}(?:\s*{_THAT}(?P<text>\S.*))?[.?!]*$"),
        ("write", rf"(?:take|make|write)\s+{_A_NOTE}\s+(?!{_ADVERB}{_ALSO}|called|named|titled)(?P<text>\S.*)$"),
        ("remind", r"remind me\b(?:\s*[,;:]|\s+(?:to|that|about|of)\b)?\s*(?P<text>\S.*)?$"),
        ("write", r"(?:remember|note down|note|write down|jot down|make a note of|save this|don't (?:let me )?forget|do not forget)(?:\s*[,;:]|\s+to|\s+that)?\s+(?P<text>(?!called|named)\S.*)$"),
        ("read", rf"{_SHOW}\s+{_WHICH}{_ALSO}"),
        ("read", rf"(?:what's|what is|what was)\s+(?:in|on)\s+{_WHICH}{_ALSO}"),
        ("read", rf"what\s+does\s+{_WHICH}\s+say[.?!]*$"),
        ("read", rf"{_SHOW}\s+(?:a|the|my)\s+note[.?!]*$"),
        ("read", rf"(?:read(?:\s+me)?(?:\s+(?:out loud|out|aloud))?|open(?=\s+(?:my|our|the)\b))\s+{_BARE}{_ALSO}"),
        ("read", rf"(?:(?:show|view)(?:\s+me)?|(?:what's|what is|what was)\s+in)\s+(?=[\w'-]+{_ALSO}){_BARE}{_ALSO}"),
        ("read", rf"what\s+does\s+{_BARE}\s+say{_ALSO}"),
        ("read", rf"(?:show(?: me| us)?|(?:what's|what is|what was)\s+(?:in|on))\s+(?=my|our|the){_BARE}{_ALSO}"),
        ("delete", rf"(?:delete|remove|erase|get rid of|throw away|discard)\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append)\s+to\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append)\s+(?P<text>\S.*?)\s+to\s+{_BARE}{_ALSO}"),
        ("append", rf"(?:add|append|put|write)\s+{_LETTER}(?P<text>\S.*?)\s+(?:to|on)\s+(?=my|our|the){_BARE}{_ALSO}"),
        ("append", rf"(?:put|write)\s+{_LETTER}(?P<text>\S.*?)\s+(?:to|on|in|into)\s+(?=[\w'-]+{_ALSO}){_BARE}{_ALSO}"),
        ("append", rf"(?:add|append)\s+(?!(?:{_NUMBER}|and|plus|to|\s)+$)(?P<text>\S.*?)(?:\s+(?:too|as well|also))?[.?!]*$"),
    )
)  # fmt: skip

PLAIN = any_of(
    r"(?:read|show|open|list|delete|remove|erase|search|find|what's|what is|what does)\b.*\b(?:notes?|memos?|lists?|it|that)\b.*",
    r"(?:take|make|write|create|start|add)\s+(?:an?|another|my)\s+(?:\S+\s+)?(?:note|memo|list)\b.*|(?:a )?new note",
    r"(?:read|show|what's in|what is in)\s+(?:me\s+)?\S+",
    r"(?:add|append|put)\s.+\s(?:to|on)\s+(?:\S+|(?:the|my|our)\s.*(?:note|list))",
)
"""A request about notes even where the text of one was asked for, and most of what sounds like a request is that text."""

THE_SAME = frozenset(
    {
        *("it", "that", "this", "same", "the", "my", "our", "list", "note", "memo"),  # "the note" leaves "the"
        *("that one", "this one", "same one", "that list", "this list", "same list"),
    }
)
"""Instead of a name: the note last spoken of."""
ANY = frozenset({"a", "an", "any", "one", "another", "new", "first", "last", "first one", "last one"})
"""Instead of a name: none."""
NO_TEXTS = frozenset({"it", "that", "this", "something", "something else", "me"})
"""Instead of a text: none."""

_WHERE = (
    r"(?:,? (?:over )?(?:in|at|for) (?P<city>[^\d\W][\w',. -]*?))??(?:,? (?:now|right now|please|there|here|today))*"
)
CLOCK = tuple(
    (kind, any_of(f"(?:{pattern}){_WHERE}"))
    for kind, pattern in (
        ("time", r"(?:do you (?:know|have) |have you got |got |tell me |give me )?(?:what(?:'s| is) the (?:current |exact )?time|what time (?:is it|it is)|the (?:current )?time|time)"),
        ("date", r"(?:what(?:'s| is| will be) |tell me )(?P<day1>tomorrow)(?:'s date)?|(?:what|which|what's the|what is the) (?:day|date|day of the week|weekday) (?:is it|is|will it be|it is)? ?(?P<day2>tomorrow)"),
        ("date", r"(?:what(?:'s| is) |tell me |give me )?(?:the |today's )(?:current )?(?:date|day|day of the week|weekday)(?: and (?:the )?time)?|tell me the time and (?:the )?date|(?:do you know |tell me )?(?:what|which) (?:day|date|year|month|weekday|day of the week) (?:is it|is|are we in|it is)|what(?:'s| is) today|is (?:it|today) (?:mon|tues|wednes|thurs|fri|satur|sun)day"),
    )
)  # fmt: skip
"""Matched against the whole sentence, in words and commas alone."""
FIRST = re.compile(
    r"(.*?\w)(?:[?!]+\s+|[,.]?\s+(?:and\s+)?(?=(?:what|how|tell me|give me|show me|read|take a|add)\b)).*",
    re.IGNORECASE,
)
"""The first of two requests in a sentence."""

WEATHER = re.compile(
    r"^(?!.*\b(?:like|love|hate) (?:the )?(?:snow|rain)|.*\b(?:sun|moon|oven)$).*"
    r"\b(?:we(?:a)?ther|forecast|temperature|rain(?:ing|y)?|snow(?:ing|y)?|sunny|umbrella|sunglasses|windy|cloudy|"
    r"how (?:cold|warm|hot)|(?:is it|will it be|is it going to be) (?:\w+ )?(?:cold|warm|hot)|(?:need|take) an? (?:coat|jacket))\b",
    re.IGNORECASE,
)
DAY = re.compile(
    r"\b(?:(?:for |on |by )?(?:(?:right |just )?now|currently|at the moment|outside|"
    r"(?P<day>today|tonight|(?:the )?day after tomorrow|tomorrow(?: (?:morning|afternoon|evening|night))?|"
    r"(?:(?:over|in|during) )?(?:the )?(?:next|coming|following) (?:\w+ )?days|"
    r"(?:this|next|the) (?:morning|afternoon|evening|week(?:end)?)|at the weekend|"
    r"(?:in|during) the (?:morning|afternoon|evening)|(?:next |this )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)))\b",
    re.IGNORECASE,
)
UNITS = re.compile(
    r"\b(?:in |using )?(?:degrees )?(?:(?P<celsius>celsius|centigrade|metric)|(?P<fahrenheit>fahrenheit|imperial))(?: units| degrees)?\b",
    re.IGNORECASE,
)
_CITY = r"(?P<city>[^\d\W][\w',. -]*)"
PLACE = re.compile(rf"\b(?:in|for|at|of|around|near)\s+{_CITY}$", re.IGNORECASE)
"""At the end, once day, units and what follows them are gone."""
PLACE_FIRST = re.compile(
    r"^(?!what|how|tell|give|get|show|check)(?:the )?(?!the\b)(?P<city>[^\d\W][\w',. -]*?)\s+(?:weather|forecast)(?: forecast)?$",
    re.IGNORECASE,
)
"""As in "Paris weather"."""
PLACE_LAST = re.compile(rf"^(?:the )?(?:weather|forecast)(?: forecast)?\s+(?!like|here|there){_CITY}$", re.IGNORECASE)
NOWHERE = re.compile(
    r"(?:(?:in|at|for) )?(?:(?:the|my|our|this) (?:city|town|area|place|region|country|country ?side|mountains|sea|sun|moon)|home|(?:right )?here|"
    r"there|(?:any|every|some)where|where i (?:am|live)|(?:my|your) (?:place|location))",
    re.IGNORECASE,
)
"""Instead of a city."""
NO_CITY = re.compile(
    r"(?:and|or|i|i'm|you|we|he|she|they|it|that|this|me|us|them|him|her|who|what|where|when|why|how|tell|give|show|play|do|does|"
    r"did|don't|can|could|is|are|turn|call|set|sing|say|wie|was)\b.*|\S+(?:\s+\S+){5,}",
    re.IGNORECASE,
)
"""What is no city, whatever was asked."""
MORE = re.compile(
    r"(?:(?:(?:and |or )?(?:what|how) about|and(?: what about)?|or|what if i am|(?:i'm|i am|we're|we are)(?= in)|"
    r"i mean|i meant|make (?:it|that)|not [^,]+,(?: but)?)\s+(?:in |for |at )?|in )(?P<what>.+)",
    re.IGNORECASE,
)
"""The last request again, elsewhere, another day or in other units."""
