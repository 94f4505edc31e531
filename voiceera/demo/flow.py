"""The demo's conversation: confirming an appointment, or moving it to another day.

Variables: `name`, `day` ("Tuesday, June the ninth"), `time` ("ten thirty").
"""

from voiceera.rules.flows import Flow

APPOINTMENT = Flow.model_validate(
    {
        "start": "greet",
        "steps": {
            "greet": {
                "kind": "say",
                "text": "Hello {{name | there}}, this is Riverside Dental. "
                "You have an appointment on {{day}} at {{time}}.",
                "next": "confirm",
            },
            "confirm": {
                "kind": "ask",
                "text": "Will you be there, or would you like another day?",
                "expect": {
                    "type": "choice",
                    "choices": {
                        "confirm": ["yes", "yes, I will be there", "I'll be there"],
                        "reschedule": ["reschedule", "no, I need another day", "I can't make it"],
                        "cancel": ["cancel", "please cancel it"],
                    },
                },
                "save_as": "answer",
                "branches": {"confirm": "confirmed", "reschedule": "which_day", "cancel": "cancelled"},
                "on_unknown": "follow_up",
                "on_silence": "follow_up",
            },
            "which_day": {
                "kind": "ask",
                "text": "No problem. I can offer Monday, Wednesday, or Friday of next week. Which day suits you?",
                "expect": {
                    "type": "choice",
                    "choices": {
                        "monday": ["monday"],
                        "wednesday": ["wednesday"],
                        "friday": ["friday"],
                    },
                },
                "save_as": "new_day",
                "next": "which_part",
                "on_unknown": "follow_up",
                "on_silence": "follow_up",
            },
            "which_part": {
                "kind": "ask",
                "text": "In the morning, or in the afternoon?",
                "expect": {
                    "type": "choice",
                    "choices": {
                        "morning": ["morning", "in the morning"],
                        "afternoon": ["afternoon", "in the afternoon"],
                    },
                },
                "save_as": "new_part",
                "next": "read_back",
                "on_unknown": "follow_up",
                "on_silence": "follow_up",
            },
            "read_back": {
                "kind": "ask",
                "text": "So that is {{new_day}} {{new_part}}. Is that right?",
                "expect": {"type": "yes_no"},
                "save_as": "agreed",
                "branches": {"yes": "rescheduled", "no": "which_day"},
                "on_unknown": "follow_up",
                "on_silence": "follow_up",
            },
            "confirmed": {
                "kind": "end",
                "text": "Wonderful, we look forward to seeing you on {{day}}. Goodbye.",
                "disposition": "confirmed",
            },
            "rescheduled": {
                "kind": "end",
                "text": "Thank you. Your appointment is moved to {{new_day}} {{new_part}}. Goodbye.",
                "disposition": "rescheduled",
            },
            "cancelled": {
                "kind": "end",
                "text": "All right, your appointment is cancelled. Goodbye.",
                "disposition": "cancelled",
            },
            "follow_up": {
                "kind": "end",
                "text": "A colleague will ring you about this. Goodbye.",
                "disposition": "follow_up",
            },
        },
    }
)
