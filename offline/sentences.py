"""What people say to this assistant: sentences to make a language model from.

A template is read as: ``(a|b|)`` choose one, ``{name}`` choose from the list of that name. A list may hold templates.
Every word must be in the recogniser's dictionary, which a test checks.
"""

# ruff: noqa: E501 - a pattern is one line

from __future__ import annotations

import random
import re
from collections.abc import Iterator

_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")

_CITIES = """
amsterdam|ankara|athens|atlanta|auckland|austin|baghdad|bali|baltimore|bangkok|barcelona|basel|beijing|beirut|belfast|
belgrade|berlin|bern|birmingham|bogota|bombay|bonn|bordeaux|boston|brasilia|bremen|brisbane|bristol|brooklyn|brussels|
bucharest|budapest|buenos aires|buffalo|cairo|calcutta|calgary|cambridge|canberra|cape town|caracas|cardiff|casablanca|
charlotte|chicago|cincinnati|cleveland|cologne|copenhagen|dallas|damascus|delhi|denver|detroit|doha|dresden|dubai|dublin|
edinburgh|edmonton|florence|frankfurt|geneva|genoa|ghent|glasgow|guangzhou|hamburg|hanoi|hanover|havana|heidelberg|
helsinki|hong kong|honolulu|houston|indianapolis|islamabad|istanbul|jakarta|jerusalem|johannesburg|kabul|karachi|kiev|
kuala lumpur|kyoto|lagos|lahore|las vegas|lausanne|leeds|leipzig|lima|lisbon|liverpool|ljubljana|london|los angeles|
lucerne|luxembourg|lyon|madrid|malaga|manchester|manila|marseille|melbourne|memphis|mexico city|miami|milan|milwaukee|
minneapolis|minsk|monaco|montevideo|montreal|moscow|mumbai|munich|nairobi|nantes|naples|nashville|new delhi|new orleans|
new york|new york city|newcastle|nice|nottingham|nuremberg|oakland|odessa|orlando|osaka|oslo|ottawa|oxford|palermo|paris|
perth|philadelphia|phoenix|pittsburgh|portland|porto|prague|quito|reykjavik|riga|rio de janeiro|riyadh|rome|rotterdam|
sacramento|saint petersburg|salzburg|san diego|san francisco|san jose|santiago|sarajevo|seattle|seoul|seville|shanghai|
sheffield|singapore|sofia|stockholm|strasbourg|stuttgart|sydney|taipei|tampa|tehran|tel aviv|the hague|tokyo|toronto|
toulouse|tripoli|tunis|turin|vancouver|venice|vienna|vilnius|warsaw|washington|wellington|winnipeg|york|zagreb|zurich
"""
_THINGS = """
milk|bread|butter|eggs|cheese|apples|bananas|tomatoes|potatoes|onions|oranges|lemons|carrots|rice|pasta|sugar|salt|coffee|
tea|water|juice|wine|beer|chicken|fish|meat|flour|yogurt|honey|soap|paper|batteries|flowers|chocolate|cookies|cereal|
a bottle of wine|a loaf of bread|some fruit|some vegetables|a birthday present|a new phone|toothpaste|olive oil
"""
_PEOPLE = """
mom|mum|dad|the doctor|the dentist|the bank|the plumber|my sister|my brother|my wife|my husband|my boss|john|mary|anna|
peter|david|sarah|the office|the landlord|the school|the garage|grandma|my mother|my father|the team|the neighbors
"""
_NAMES = """
shopping|groceries|grocery|ideas|work|home|travel|packing|birthday|meeting|project|recipes|books|movies|holiday|vacation|
party|garden|school|family|kitchen|house|car|gifts|music|christmas|todo|to do|tasks|weekend|dinner|passwords|diary|journal|
reminders|notes|plans|monday|appointments|phone numbers
"""
_LISTS = {
    "city": _CITIES,
    "thing": _THINGS,
    "person": _PEOPLE,
    "name": _NAMES,
    "day": "today|tomorrow|tonight|now|right now|this (morning|afternoon|evening|week|weekend)|next week|{weekday}|on {weekday}",
    "weekday": "monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    "hour": "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon",
    "units": "celsius|fahrenheit|degrees celsius|degrees fahrenheit",
    "ask": "(|||please|hey|okay|hello|can you|could you|can you please|could you please|would you|i want you to|i would like you to)",
    "please": "(||||please)",
    "things": "{thing}|{thing}|{thing} and {thing}|{thing} {thing} and {thing}|{thing} {thing} {thing} and {thing}",
    "when": "(||at {hour}|at {hour} {day}|{day}|{day} at {hour}|on {weekday}|before {hour}|next week)",
    "task": "(buy|get|pick up|bring|order) {things} {when}|(call|email|visit|meet|ask|write to|remind) {person} {when}|"
    "(pay the (rent|bill|bills)|clean the (kitchen|house|car)|water the (plants|flowers)|feed the (cat|dog)|"
    "walk the dog|book (a table|a flight|a hotel|the tickets)|take out the (trash|garbage)|do the (laundry|dishes)|"
    "wash the car|fix the (door|window|light|bike)|renew the passport|return the (books|keys)) {when}|"
    "(meeting|lunch|dinner|appointment|coffee) with {person} {when}|"
    "the (meeting|train|flight|party|concert|appointment) is (at {hour}|{day} at {hour}|on {weekday} at {hour})",
    "note": "(the note (called|named|)|my note (called|named|)|the|my|our) {name}|(the|my|our) {name} (note|list)|note {name}",
}
_TEMPLATES = (
    (
        20,
        "{ask} (what's|what is|how's|how is) the (weather|weather like|forecast|temperature) in {city} {day} {please}",
        "{ask} (what's|what is|how's|how is) the (weather|weather like|forecast|temperature) (in|for) {city} {please}",
        "what (will|is) the weather (be|be like|going to be|going to be like) (in {city} {day}|{day} in {city}|in {city})",
        "(tell me|give me|show me|check|get me) the (weather|forecast|temperature|weather forecast) (in|for) {city} {day}",
        "(will it|is it going to|is it) (rain|snow|be sunny|be cold|be warm|be hot|raining|snowing) (in {city} {day}|{day} in {city})",
        "(is it|will it be|how) (cold|warm|hot|sunny|windy|cloudy) (is it|) in {city} (today|tomorrow|right now|)",
        "(do i need|should i take|will i need) (an umbrella|a coat|a jacket|sunglasses) in {city} {day}",
        "(what's|what is) the temperature in {city} in {units}",
        "(what's|what is) the weather in {city} in {units}",
    ),
    (
        5,
        "(the |)weather (in|for) {city}",
        "(what's|what is|how is) the weather {day}",
        "will it rain {day}",
        "in {units}",
    ),
    (
        8,
        "{city}",
        "in {city}",
        "{city} please",
        "(what|how) about {city}",
        "(thanks |)and in {city}",
        "(what|how) about {day}",
        "and {day}",
    ),
    (
        10,
        "{ask} (take|make|write|create|start) a note {please}",
        "{ask} (take|make|write|create|start|save) a (new |)note (called|named|titled) {name}",
        "{ask} (take|make|write|create|save) a note (called|named) {name} (saying|that says|with the text|with) {task}",
        "{ask} (take|make|write|create|save) a note (called|named) {name} (saying|that says|with) {things}",
        "{ask} (take|make|write) a note (to|saying|that says) {task}",
        "{ask} (a |)new note|{ask} (make|create|start) a {name} list|note to self {task}",
        "(remember|remind me|note|write down|make a note|remember that|note that) (to |that |){task}",
    ),
    (
        8,
        "{ask} (add|put|write|append) {things} (to|on) {note} {please}",
        "{ask} (add|append) {task} to {note}",
        "{ask} (add|append) (something|) to {note}",
        "{ask} (read|read me|read out|open|show me|show) {note} {please}",
        "(what's|what is) (in|on) {note}|(what's in|show) (ideas|work|groceries|recipes|plans)",
        "what does {note} say",
        "{ask} (delete|remove|erase|get rid of) {note} {please}",
    ),
    (
        4,
        "{ask} (list|show|read|show me|tell me|read me) (my notes|all my notes|all notes|the notes|all the notes)",
        "(what|which) notes (do i have|are there|have i got)",
        "do i have any notes",
        "{ask} (search|look through|search in) my notes for {thing}",
        "{ask} (find|search for|look for) (the note|the notes|notes|my notes|a note) (about|with|on|that mention) ({thing}|{name}|{person})",
        "(do i have|are there) (any notes|a note|notes) about ({thing}|{name}|{person})",
        "{ask} (search for|look for|find) ({thing}|{name}) in my notes",
        "(show me |show |read me |)my notes|search my notes|search for ({thing}|{person})",
    ),
    (5, "{task}", "{things}", "{name}", "(the |){name} (note|list)", "(call it|it is called|its name is) {name}"),
    (
        5,
        "(what time is it|what's the time|what is the time|tell me the time|do you know what time it is) (|now|please|in {city})",
        "(what's|what is|tell me) (the date|today's date|the date today) {please}",
        "(what day is it|what day is it today|what day is today|which day is it)",
        "what time is it in {city} (right now|now|)",
        "what (day of the week|day|year|month) is it|what's tomorrow's date|what day is it tomorrow",
    ),
    (
        5,
        "yes|yes please|yeah|sure|of course|okay|yes do it|yes delete it|go ahead|yep|do it",
        "no|no thanks|no thank you|no don't|nope|no keep it|don't delete it|do not do that|not now",
        "stop|stop it|stop talking|be quiet|cancel|cancel that|never mind|forget it|that's enough|quiet|wait|hold on",
        "help|help me|what can you do|what can i say|what can i ask you|how do you work|who are you|what are you",
        "thanks|thank you|thank you very much|thanks a lot|great thank you|that's great thanks|no that's all thank you",
        "can you hear me|are you there|see you tomorrow",
        "goodbye|bye|bye bye|good bye|see you later|see you|thank you goodbye|okay goodbye|that's all goodbye",
        "hello|hi|hi there|hello there|good morning|good afternoon|good evening|hey|how are you|hello how are you",
        "what did i say|what did i just say|what was the last thing i said|did you hear me|what did i ask you",
        "repeat that|repeat that please|say that again|say it again|pardon|what did you say|can you repeat that|once more",
        "read it|read it again|delete it|add {things} to it|read it to me|show it to me",
    ),
)


def sentences(count: int = 10_000, seed: int = 1) -> Iterator[str]:
    """Yield `count` sentences of lower-case words, frequent ways of speaking more often; the same for the same `seed`."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    lists = {name: text.replace("\n", "") for name, text in _LISTS.items()}
    weights, templates = zip(*((group[0], line) for group in _TEMPLATES for line in group[1:]), strict=True)
    for template in chance.choices(templates, weights, k=count):
        yield " ".join(_expanded(template, lists, chance).split())


def _expanded(template: str, lists: dict[str, str], chance: random.Random) -> str:
    while True:
        # Choices before slots: a list is itself a choice, and must not fall apart at its neighbours' bars.
        text = _CHOICE.sub(lambda choice: chance.choice(choice[1].split("|")), template)
        if text == template:
            text = _SLOT.sub(lambda slot: f"({lists[slot[1]]})", template, count=1)
        if text == template:
            return chance.choice(text.split("|"))
        template = text
