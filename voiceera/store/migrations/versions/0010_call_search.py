"""The words of calls, to search for; indexes that serve every filter and sort of the list of calls."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What parts words in any language is listed, since what makes them up cannot be: accents, vowel signs, joiners.
_BETWEEN = (
    r"[\s\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u200b\u200e-\u206f\u3000-\u303f\uff01-\uff0f]+"
)
# Scripts that part no words (Thai, Lao, Burmese, Khmer, kana, Han): each character is one.
_UNSPACED = r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"

FUNCTIONS = (
    rf"""
    CREATE FUNCTION words_of(content text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(left(word, 100) ORDER BY place), '{{}}')
        FROM unnest(regexp_split_to_array(
            regexp_replace(lower(left(content, 500000)), '{_UNSPACED}', ' \1 ', 'g'), '{_BETWEEN}'
        )) WITH ORDINALITY AS parts (word, place)
        WHERE word <> ''
    $$
    """,
    # All of the words; the last may have just begun: "appoint" finds "appointment". Null where there is no word.
    r"""
    CREATE FUNCTION words_asked(content text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT string_agg(
            '''' || word || '''' || CASE WHEN place = of AND length(word) > 2 THEN ':*' ELSE '' END, ' & '
        )::tsquery
        FROM (SELECT word, place, count(*) OVER () AS of
              FROM unnest(words_of(content)) WITH ORDINALITY AS parts (word, place)) counted
    $$
    """,
    # Whose it is and which day's, as words that nobody can say: an index of words alone finds one day's calls.
    r"""
    CREATE FUNCTION word_of_tenant(organization_id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT '#' || left(md5(organization_id::text), 12)
    $$
    """,
    r"""
    CREATE FUNCTION word_of_day(organization_id uuid, day date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT '#' || left(md5(organization_id::text || (day - date '2000-01-01')), 12)
    $$
    """,
    r"""
    CREATE FUNCTION exact_word(word text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT ('''' || word || '''')::tsquery
    $$
    """,
    r"""
    CREATE FUNCTION call_words(organization_id uuid, created_at timestamptz, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_to_tsvector(words_of(content) || word_of_tenant(organization_id)
                                 || word_of_day(organization_id, (created_at AT TIME ZONE 'UTC')::date))
    $$
    """,
)

TABLES = (
    """
    CREATE TABLE call_texts (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (organization_id, call_id),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    # Whoever writes a call's words pays for their index at once, a fraction of a millisecond: no queue of theirs
    # makes a later writer or reader wait.
    "CREATE INDEX call_texts_words ON call_texts USING gin (words) WITH (fastupdate = off)",
)

# Kept by triggers, so that no path can forget a word. The row is locked before the words are gathered: of two writers
# at once the second sees what the first wrote.
KEEPERS = (
    """
    CREATE FUNCTION gather_call_words(of_organization uuid, of_call uuid) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO call_texts (organization_id, call_id, words)
        SELECT c.organization_id, c.id, '' FROM calls c WHERE c.organization_id = of_organization AND c.id = of_call
        ON CONFLICT DO NOTHING;
        PERFORM FROM call_texts t WHERE t.organization_id = of_organization AND t.call_id = of_call FOR UPDATE;
        UPDATE call_texts t SET words = call_words(c.organization_id, c.created_at, concat_ws(' ', c.notes,
            (SELECT string_agg(s.text, ' ') FROM call_turns s
             WHERE s.organization_id = of_organization AND s.call_id = of_call),
            (SELECT string_agg(s ->> 'text', ' ') FROM transcripts v, jsonb_array_elements(v.segments) s
             WHERE v.organization_id = of_organization AND v.call_id = of_call)))
        FROM calls c
        WHERE t.organization_id = of_organization AND t.call_id = of_call
          AND c.organization_id = of_organization AND c.id = of_call;
    END $$
    """,
    """
    CREATE FUNCTION call_words_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM gather_call_words(NEW.organization_id, NEW.call_id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION call_notes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM gather_call_words(NEW.organization_id, NEW.id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER call_turn_said AFTER INSERT ON call_turns FOR EACH ROW EXECUTE FUNCTION call_words_changed()
    """,
    """
    CREATE TRIGGER call_turn_corrected AFTER UPDATE OF text ON call_turns FOR EACH ROW
        WHEN (NEW.text IS DISTINCT FROM OLD.text) EXECUTE FUNCTION call_words_changed()
    """,
    """
    CREATE TRIGGER transcript_written AFTER INSERT OR UPDATE OF segments ON transcripts FOR EACH ROW
        EXECUTE FUNCTION call_words_changed()
    """,
    """
    CREATE TRIGGER call_noted_at_birth AFTER INSERT ON calls FOR EACH ROW
        WHEN (NEW.notes IS NOT NULL) EXECUTE FUNCTION call_notes_changed()
    """,
    """
    CREATE TRIGGER call_noted AFTER UPDATE OF notes ON calls FOR EACH ROW
        WHEN (NEW.notes IS DISTINCT FROM OLD.notes) EXECUTE FUNCTION call_notes_changed()
    """,
)

FILL = """
    INSERT INTO call_texts (organization_id, call_id, words)
    SELECT c.organization_id, c.id,
           call_words(c.organization_id, c.created_at, concat_ws(' ', c.notes, said.text, v.text))
    FROM calls c
    LEFT JOIN (SELECT organization_id, call_id, string_agg(text, ' ') AS text FROM call_turns GROUP BY 1, 2) said
        ON said.organization_id = c.organization_id AND said.call_id = c.id
    LEFT JOIN (SELECT organization_id, call_id, string_agg(s ->> 'text', ' ') AS text
               FROM transcripts, jsonb_array_elements(segments) s GROUP BY 1, 2) v
        ON v.organization_id = c.organization_id AND v.call_id = c.id
    WHERE c.notes IS NOT NULL OR said.text IS NOT NULL OR v.text IS NOT NULL
"""

# Those with a condition are written when a call has ended, not while it is being dialled.
INDEXES = {
    "calls_of_contact": "(organization_id, contact_id) WHERE contact_id IS NOT NULL",
    "calls_by_disposition": "(organization_id, disposition, created_at, id) WHERE disposition IS NOT NULL",
    "calls_by_direction": "(organization_id, direction, created_at, id) WHERE direction <> 'outbound'",
    "calls_by_duration": "(organization_id, duration_seconds, created_at, id) WHERE duration_seconds IS NOT NULL",
    "calls_by_cost": "(organization_id, cost, created_at, id) WHERE cost IS NOT NULL",
    "calls_by_status_and_duration": "(organization_id, status, duration_seconds, created_at, id)"
    " WHERE duration_seconds IS NOT NULL",
    "calls_by_status_and_cost": "(organization_id, status, cost, created_at, id) WHERE cost IS NOT NULL",
}


def upgrade() -> None:
    for statement in (*FUNCTIONS, TABLES[0]):
        op.execute(statement)
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    op.execute(FILL)
    for statement in (*TABLES[1:], *KEEPERS):
        op.execute(statement)
    for name, definition in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON calls {definition}")
    protect("call_texts")
    # Under a policy the planner may not ask an index for words (`@@` is not leakproof), so the owner, who is us, goes
    # without one here. No row of this table is ever read but together with its call's, and calls force theirs.
    op.execute("ALTER TABLE call_texts NO FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for name in reversed(INDEXES):
        op.execute(f"DROP INDEX {name}")
    for trigger, table in (
        ("call_noted", "calls"),
        ("call_noted_at_birth", "calls"),
        ("transcript_written", "transcripts"),
        ("call_turn_corrected", "call_turns"),
        ("call_turn_said", "call_turns"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP TABLE call_texts")
    for function in (
        "call_notes_changed()",
        "call_words_changed()",
        "gather_call_words(uuid, uuid)",
        "call_words(uuid, timestamptz, text)",
        "word_of_day(uuid, date)",
        "word_of_tenant(uuid)",
        "exact_word(text)",
        "words_asked(text)",
        "words_of(text)",
    ):
        op.execute(f"DROP FUNCTION {function}")
