"""What people might say to the demo's questions: a set to measure by and never to tune by.

Nobody who changes recognition or interpretation looks at its misses; those of `wordings.py` are there for that.
"""

ANSWERS: dict[str, dict[str, tuple[str, ...]]] = {
    "confirm": {
        "confirm": (
            "yes it's in my calendar",
            "yeah that's still okay",
            "sure thing I'll be in",
            "yes thanks for the reminder",
            "I'll definitely make it",
            "yes I am coming in",
            "that works perfectly",
            "yup I'll see you on that day",
            "no changes I'll be there",
            "all good see you then",
            "yes I would like to keep it",
            "I have it written down I'll come",
            "oh right yes I'll come by",
            "okay that's confirmed",
            "we will be there thank you",
            "yes that day is perfect",
        ),
        "reschedule": (
            "hmm that won't work can we pick a different day",
            "I'm sorry I have to change my appointment",
            "is it possible to come some other day",
            "I would prefer a later date",
            "I need to find a new time",
            "I'm on vacation that week",
            "can you push it back a week",
            "no sorry I can't that day",
            "I have school then is there anything else",
            "I want to switch my appointment",
            "I won't be able to come that day",
            "could I have a later appointment",
            "that's not going to work for me",
            "let's pick a different date",
            "my schedule changed I need another time",
            "any chance of another day",
        ),
        "cancel": (
            "just cancel please",
            "I would like to cancel my appointment",
            "you can cancel it I won't come",
            "I need to cancel sorry",
        ),
        "opt_out": (
            "stop calling this number",
            "please take my number off your list",
            "I don't want to be called again",
            "do not ring me again",
        ),
    },
    "which_day": {
        "monday": ("Monday sounds great", "I guess Monday", "Monday's fine by me", "then I'll take Monday"),
        "wednesday": ("Wednesday works", "I'll go with Wednesday", "maybe on Wednesday", "Wednesday is perfect"),
        "friday": ("Friday please", "let me take Friday", "the Friday would be good", "Friday is the best for me"),
    },
    "which_part": {
        "morning": (
            "in the morning please",
            "morning is good",
            "the earlier the better so morning",
            "mornings suit me",
        ),
        "afternoon": ("afternoon is fine", "in the afternoon", "I'm free in the afternoon", "the afternoon is best"),
    },
    "read_back": {
        "yes": ("yes it is", "that's right thanks", "yeah you got that right", "perfect", "that is correct yes"),
        "no": ("no it's not", "that's wrong", "no I wanted the other one", "that isn't right", "no no"),
    },
}

UNRELATED: tuple[str, ...] = (
    "the weather has been lovely this week",
    "I can hear the train outside my window",
    "my daughter is learning to play the piano",
    "how do I get a refund for my ticket",
    "we are having pasta and salad tonight",
    "the printer in the office is out of paper",
    "did you read the newspaper this morning",
    "I parked the car behind the library",
    "they opened a new bakery on our street",
    "somebody left a bicycle in front of the door",
    "the movie was longer than I thought",
    "I used to live near the ocean",
)
