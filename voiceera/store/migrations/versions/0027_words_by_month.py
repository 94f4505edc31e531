"""The words of calls in narrow rows, and an index of them by organization and month."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# A search looks up as many rows as it counts, most of them on pages of their own: words are kept beside the rows, a
# tenth as many pages. PostgreSQL puts a value beside its row only in rows of more than 2 kB (TOAST_TUPLE_THRESHOLD),
# so blanks, which take 35 bytes once they are compressed, make each row such a one.
TABLE = """
    CREATE TABLE call_texts (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        words tsvector NOT NULL,
        blanks text NOT NULL DEFAULT repeat(' ', 2000),
        CONSTRAINT call_texts_pkey PRIMARY KEY (organization_id, call_id),
        CONSTRAINT call_texts_organization_id_call_id_fkey
            FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    ) WITH (toast_tuple_target = 128)
"""
# The month in UTC, counted from the year 0. Before each word in the index stands whose it is and which month's, so
# that a search reads no other's. Written out in each function: while an index is made, functions find no others.
MONTH = "(extract(year FROM {0} AT TIME ZONE 'UTC') * 12 + extract(month FROM {0} AT TIME ZONE 'UTC') - 1)::integer"
MARK = "left(md5(organization_id::text || {0}), 6)"
FUNCTIONS = (
    f"""
    CREATE FUNCTION month_of(moment timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT {MONTH.format("moment")}
    $$
    """,
    f"""
    CREATE FUNCTION month_mark(organization_id uuid, month integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT {MARK.format("month")}
    $$
    """,
    f"""
    CREATE FUNCTION words_in_month(organization_id uuid, created_at timestamptz, words tsvector) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
        SELECT array_to_tsvector(coalesce(array_agg(mark || word), '{{}}'))
        FROM (SELECT {MARK.format(MONTH.format("created_at"))} AS mark) marks, unnest(tsvector_to_array(words)) word
    $$
    """,
    r"""
    CREATE FUNCTION words_asked_in(mark text, content text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT string_agg(
            '''' || mark || word || '''' || CASE WHEN place = of AND length(word) > 2 THEN ':*' ELSE '' END, ' & '
        )::tsquery
        FROM (SELECT word, place, count(*) OVER () AS of
              FROM unnest(words_of(content)) WITH ORDINALITY AS parts (word, place)) counted
    $$
    """,
)
INDEX = """
    CREATE INDEX call_texts_words ON call_texts USING gin (words_in_month(organization_id, created_at, words))
    WITH (fastupdate = off)
"""
GATHER = """
    CREATE OR REPLACE FUNCTION gather_call_words(of_organization uuid, of_call uuid) RETURNS void
    LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO call_texts (organization_id, call_id, {columns} words)
        SELECT c.organization_id, c.id, {values} ''
        FROM calls c WHERE c.organization_id = of_organization AND c.id = of_call
        ON CONFLICT DO NOTHING;
        PERFORM FROM call_texts t WHERE t.organization_id = of_organization AND t.call_id = of_call FOR UPDATE;
        UPDATE call_texts t SET words = {words}(concat_ws(' ', c.notes,
            (SELECT string_agg(s.text, ' ') FROM call_turns s
             WHERE s.organization_id = of_organization AND s.call_id = of_call),
            (SELECT string_agg(s ->> 'text', ' ') FROM transcripts v, jsonb_array_elements(v.segments) s
             WHERE v.organization_id = of_organization AND v.call_id = of_call)){end}
        FROM calls c
        WHERE t.organization_id = of_organization AND t.call_id = of_call
          AND c.organization_id = of_organization AND c.id = of_call;
    END $$
"""
OLD_TABLE = """
    CREATE TABLE call_texts (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        words tsvector NOT NULL,
        CONSTRAINT call_texts_pkey PRIMARY KEY (organization_id, call_id),
        CONSTRAINT call_texts_organization_id_call_id_fkey
            FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
"""
OLD_INDEX = "CREATE INDEX call_texts_words ON call_texts USING gin (words) WITH (fastupdate = off)"
TENANT = "word_of_tenant(t.organization_id)"
DAY = "word_of_day(t.organization_id, (c.created_at AT TIME ZONE 'UTC')::date)"

FILL = """
    INSERT INTO call_texts (organization_id, call_id, {columns} words)
    SELECT t.organization_id, t.call_id, {values} {words}
    FROM call_texts_before t JOIN calls c ON c.organization_id = t.organization_id AND c.id = t.call_id
"""


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)
    words = f"ts_delete(t.words, ARRAY[{TENANT}, {DAY}])"
    _remake(
        TABLE,
        "ALTER TABLE call_texts ALTER words SET STORAGE EXTERNAL",
        FILL.format(columns="created_at,", values="c.created_at,", words=words),
        INDEX,
    )
    op.execute(
        GATHER.format(columns="created_at,", values="c.created_at,", words="array_to_tsvector(words_of", end="))")
    )
    # Their columns are not asked for by themselves, and sampling their words takes long.
    op.execute("ALTER TABLE call_texts ALTER words SET STATISTICS 0")
    op.execute("ALTER INDEX call_texts_words ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    words = f"array_to_tsvector(tsvector_to_array(t.words) || {TENANT} || {DAY})"
    _remake(OLD_TABLE, FILL.format(columns="", values="", words=words), OLD_INDEX)
    op.execute(
        GATHER.format(columns="", values="", words="call_words(c.organization_id, c.created_at, concat", end="))")
    )
    for function in (
        "words_asked_in(text, text)",
        "words_in_month(uuid, timestamptz, tsvector)",
        "month_mark(uuid, integer)",
        "month_of(timestamptz)",
    ):
        op.execute(f"DROP FUNCTION {function}")


def _remake(*statements: str) -> None:
    """The rows in a table of another make; its policy and what it is excepted from as in revision 0010."""
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    op.execute("ALTER TABLE call_texts RENAME TO call_texts_before")
    op.execute("ALTER INDEX call_texts_words RENAME TO call_texts_words_before")
    for name in ("call_texts_pkey", "call_texts_organization_id_call_id_fkey"):
        op.execute(f"ALTER TABLE call_texts_before RENAME CONSTRAINT {name} TO {name}_before")
    for statement in statements:
        op.execute(statement)
    op.execute("DROP TABLE call_texts_before")
    protect("call_texts")
    op.execute("ALTER TABLE call_texts NO FORCE ROW LEVEL SECURITY")
