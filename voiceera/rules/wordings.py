"""How people say the things that every telephone conversation knows, in English.

Two uses: the recognizer's language model expects them, and `answers.py` scores by them. A flow's own phrases come on
top; a choice whose name or phrases speak of one of these meanings gets its wordings as well.
"""

from enum import StrEnum


class Meaning(StrEnum):
    YES = "yes"
    NO = "no"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    OPT_OUT = "opt_out"
    REPEAT = "repeat"
    WRONG_NUMBER = "wrong_number"
    CALL_LATER = "call_later"
    HUMAN = "human"


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


WORDINGS: dict[Meaning, tuple[str, ...]] = {
    Meaning.YES: _lines("""
        yes
        yeah
        yep
        yup
        sure
        okay
        yes please
        yes of course
        of course
        absolutely
        certainly
        definitely
        correct
        right
        exactly
        fine
        great
        perfect
        alright
        all right
        sure thing
        you bet
        uh huh
        yes i do
        yes i can
        yes i will
        yes it is
        yes that is right
        yes that's right
        yes that's correct
        yes that is correct
        yeah sure
        yeah that's fine
        yeah that works
        yeah okay
        that's right
        that's correct
        that's fine
        that is fine
        that works
        that works for me
        works for me
        that'll work
        that will work
        that would be fine
        that would be great
        that's good
        that's great
        that's perfect
        that sounds good
        sounds good
        sounds good to me
        sounds great
        good
        it's fine
        it is
        i do
        i can
        i will
        i think so
        i guess so
        i believe so
        no problem
        not a problem
        why not
        go ahead
        please do
        i'll be there
        i will be there
        yes i'll be there
        i'll see you then
        see you then
        i can make it
        i can come
        yes i can make it
        yes i can come
        i'm coming
        i am coming
        i'll come
        i plan to be there
        i'm still coming
        count me in
        i confirm
        confirm
        confirmed
        please confirm it
        i'd like to confirm
        yes i confirm
        you can count on me
        i haven't forgotten
        looking forward to it
        that time is good for me
        that time works for me
        the time is fine
        that day is fine
        yes that day works
        wouldn't miss it
        that time is good
        that should be fine
        that still works
        it still works for me
        i'll make it
        i should be able to make it
        i'm planning on it
        i'm going to be there
        i am going to be there
        i'll be coming in
        we'll be there
        see you there
        i'm still good for that day
        keep it as it is
        leave it as it is
        thanks for the reminder
        i remember
        okay great
        okay see you then
        you can expect me
        you got it
        that's it
        exactly right
        sounds right
        looks right
        that's exactly right
        perfect thanks
    """),
    Meaning.NO: _lines("""
        no
        nope
        nah
        no thanks
        no thank you
        no sorry
        sorry no
        not really
        absolutely not
        definitely not
        certainly not
        of course not
        i'm afraid not
        i am afraid not
        i don't think so
        i do not think so
        no i don't
        no i can't
        no i won't
        no it isn't
        no it's not
        no that's wrong
        no that is wrong
        no that's not right
        no that is not right
        no that's not correct
        that's not right
        that is not right
        that's not correct
        that's wrong
        that is wrong
        that's incorrect
        incorrect
        wrong
        negative
        not quite
        not at all
        no way
        never
        that doesn't work
        that does not work
        that doesn't work for me
        that won't work
        that's not good for me
        that's no good
        it doesn't work for me
        i can't
        i cannot
        i won't
        i can't do that
        i'd rather not
        i would rather not
        not for me
        not this time
        not today
        i can't make it
        i won't be able to
        i won't be there
        i'm not able to
        i'm not coming
        unfortunately not
        unfortunately i can't
        i'm sorry i can't
        that's not it
        that's not what i said
        i said something else
        no i said
        not that one
        no the other one
        wrong day
        you got that wrong
        no that's not what i want
        that isn't right
        that isn't it
    """),
    Meaning.RESCHEDULE: _lines("""
        reschedule
        i need to reschedule
        i'd like to reschedule
        i would like to reschedule
        i want to reschedule
        i have to reschedule
        can i reschedule
        can we reschedule
        could we reschedule
        could i reschedule
        please reschedule it
        i need to change it
        i need to change the time
        i need to change my appointment
        i'd like to change the day
        i want to change the appointment
        can i change it
        can i change the date
        could i change the time
        can we move it
        can we move it to another day
        could we move it to a different day
        could you move my appointment
        i need to move it
        i need to move my appointment
        i'd like to move it
        can we do another day
        could we do another day
        can we do a different day
        could we do it another time
        can we make it another day
        can i come another day
        could i come on a different day
        can i come at a different time
        can i come some other time
        another day please
        another day would be better
        a different day please
        a different time would be better
        another time please
        some other day
        some other time
        is there another day
        is there another time
        do you have another day
        do you have another time
        do you have anything else
        do you have anything later
        do you have anything on another day
        is there anything later
        is there anything later in the week
        can we push it back
        could we push it back a little
        can we postpone it
        i'd like to postpone it
        i need to postpone
        can it be later
        could it be later
        can it be earlier
        could i come earlier
        could i come later
        could i come in the following week
        i can't make it
        i can't make it that day
        i can't make that
        i can't make it then
        i can't come that day
        i can't come then
        i won't be able to make it
        i won't be able to come
        i'm not able to make it
        i cannot make it
        that day doesn't work
        that day doesn't work for me
        that time doesn't work for me
        that time is not good
        that day is no good
        that's not a good day for me
        that's not a good time
        that's a bad day for me
        i'm busy that day
        i'm busy then
        i have to work that day
        i'm working that day
        i'm out of town that day
        i'll be away that day
        i'll be out of town
        something came up
        something has come up
        i have something else that day
        i have another appointment
        i've got something else on
        i have a conflict
        i need a different time
        i need another day
        i need a new time
        i need a new appointment
        find me another time
        give me another day
        let's do another day
        let's pick another day
        let's find another time
        can we find another time
        can we pick a new time
        can you give me another slot
        i'd prefer another day
        i'd prefer a different time
        i'd rather come another day
        it would have to be another day
        it has to be a different day
        would it be possible to change it
        is it possible to change the appointment
        is it possible to move it
        any chance we could move it
        no i need to reschedule
        no can we do another day
        no i need a different time
        no i can't make it
        sorry i can't make it
        i'm afraid i can't make it
        i'm not free then
        i'm not free that day
        i have a meeting then
        i have a meeting at that time
        what other days do you have
        what other times do you have
        do you have any other days
        are there any other days
        can you move me to another time
        i need to switch to another day
        could i push it to the next week
        can we move it to next week
        i'd like a different appointment
        can i have a different time
        could you give me another day
        could you find me another day
        can i get another day
        is there any other time
        i'm on vacation then
        i'll be on vacation
        i would rather come another day
        a later day would be better
        i have to change that
        i have to move that
        something came up at work
    """),
    Meaning.CANCEL: _lines("""
        cancel
        cancel it
        cancel it please
        please cancel
        please cancel it
        please cancel my appointment
        cancel my appointment
        cancel the appointment
        i want to cancel
        i'd like to cancel
        i would like to cancel
        i need to cancel
        i have to cancel
        can you cancel it
        can i cancel
        could you cancel my appointment
        just cancel it
        no just cancel it
        no please cancel it
        let's cancel
        let's cancel it
        i don't need it anymore
        i don't need the appointment anymore
        i do not need it any more
        i no longer need it
        i don't want it anymore
        i don't want to come
        i'm not going to come
        forget about it
        call it off
        i want to call it off
        take me off the schedule
        drop the appointment
        i changed my mind
        i've already seen someone else
        i found somebody else
        just cancel that
        can you cancel that for me
        go ahead and cancel it
        you can cancel it
        i decided to cancel
    """),
    Meaning.OPT_OUT: _lines("""
        stop calling me
        please stop calling me
        stop calling
        please stop calling
        don't call me again
        do not call me again
        don't call me anymore
        do not call me any more
        don't call here again
        don't call this number again
        please don't call again
        please do not call again
        never call me again
        never call this number again
        i don't want any more calls
        i do not want these calls
        i don't want you to call me
        i don't want to be called
        no more calls
        no more calls please
        take me off your list
        take me off the list
        take my number off your list
        please take me off your list
        please take me off your calling list
        remove me from your list
        remove my number
        remove my number from your list
        please remove me from your list
        put me on your do not call list
        put me on the do not call list
        unsubscribe
        unsubscribe me
        opt out
        i want to opt out
        delete my number
        lose my number
        quit calling me
        leave me alone
        stop bothering me
        i don't want any more of these calls
        don't call this number anymore
        would you stop calling
        could you please stop calling
        take this number off your list
        please remove this number
    """),
    Meaning.REPEAT: _lines("""
        say that again
        say that again please
        say it again
        could you say that again
        can you say that again
        can you repeat that
        could you repeat that
        can you repeat that please
        could you repeat that please
        repeat that please
        please repeat
        repeat
        pardon
        pardon me
        i beg your pardon
        excuse me
        sorry
        sorry what
        sorry what was that
        what was that
        what did you say
        what
        one more time
        one more time please
        come again
        i didn't catch that
        i did not catch that
        i didn't hear you
        i can't hear you
        i didn't get that
        i didn't understand
        i don't understand
        who is this
        who is calling
        who's this
        who's calling
        who am i speaking with
        what is this about
        what's this about
    """),
    Meaning.WRONG_NUMBER: _lines("""
        wrong number
        you have the wrong number
        you've got the wrong number
        i think you have the wrong number
        sorry you have the wrong number
        sorry wrong number
        this is the wrong number
        wrong person
        you have the wrong person
        you've got the wrong person
        there is nobody here by that name
        there's no one here by that name
        no one by that name lives here
        nobody by that name here
    """),
    Meaning.CALL_LATER: _lines("""
        call me back
        call me back later
        please call me back later
        can you call me back
        can you call me back later
        could you call back later
        call me later
        call later
        call back another time
        i'm busy right now
        i am busy at the moment
        i'm driving
        i'm driving right now
        i can't talk right now
        i can't talk now
        this is not a good time
        it's not a good time
        this is a bad time
        now is not a good time
        i'm at work
        i'm in the middle of something
        not now
        try me again later
        try again tomorrow
    """),
    Meaning.HUMAN: _lines("""
        can i speak to a person
        can i speak to a human
        i want to speak to a person
        i want to talk to a real person
        i'd like to speak to someone
        let me talk to somebody
        can i talk to a representative
        connect me to an agent
        transfer me please
        speak to an operator
        operator
        representative
        is this a robot
        are you a robot
        are you a real person
    """),
}

LEAD_INS = _lines("""
    i'd like
    i would like
    i'd prefer
    i would prefer
    i'd rather have
    i'd take
    i'll take
    i'll have
    i'll go with
    i want
    i can do
    i could do
    i can come
    i could come
    can we do
    could we do
    can we say
    could i come
    let's do
    let's say
    let's go with
    let's try
    let's make it
    make it
    how about
    what about
    maybe
    probably
    i think
    i guess
    put me down for
    give me
    i'm free
    better
    yes
    on
    in
""")
"""What people say before the one of several things that they choose."""
FOLLOW_UPS = _lines("""
    please
    thanks
    then
    works
    works for me
    works best
    works better for me
    would work
    will work
    will do
    is good
    is good for me
    is fine
    is fine by me
    is okay
    is best
    is better
    is better for me
    is great
    is perfect
    are good
    are better for me
    are best
    sounds good
    sounds great
    would be good
    would be great
    would be best
    would be better
    would be fine
    would be perfect
    would suit me
    suits me
    suits me better
    for me
    if possible
    if i can
""")
"""And after it."""

POLAR_ANSWERS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("yes", "yes yes", "oh yes", "yeah", "yep", "yup", "uh huh", "sure", "okay", "right", "exactly", "correct"),
        (
            *("that's right", "that's correct", "that's it", "that's fine", "that's good", "that's perfect", "it is"),
            *("that is right", "that is correct", "that is fine", "that works", "sounds good", "sounds right"),
            *("please", "thanks", "thank you", "perfect", "perfect thanks", "great", "great thank you", "exactly"),
        ),
    ),
    (
        ("no", "no no", "nope", "sorry", "no sorry", "oh no", "i'm afraid"),
        (
            *("that's wrong", "that's not right", "that's not correct", "that's not it", "that isn't right"),
            *("that isn't it", "it isn't", "it's not", "not quite", "not that one", "wrong day", "wrong time"),
            *("i said something else", "that's not what i said", "that is wrong", "that is not right", "please"),
        ),
    ),
)
"""How an answer to "Is that right?" begins, and how it goes on."""

FILLERS = ("um", "uh", "well", "oh", "so", "hmm", "let me see", "let me think", "hold on", "you know", "i mean", "ah")
OPENINGS = (
    *("yes hello", "hello hello", "yeah hello", "hey", "hey there", "hello speaking", "hello this is", "yes"),
    *("hello", "hi", "hi there", "hello who is this", "good morning", "good afternoon"),
    *("speaking", "this is she", "this is he"),
)
POLITE = (
    *("please", "thanks", "thank you", "thank you very much", "sorry", "if possible", "if that's okay"),
    *("goodbye", "bye"),
)
