"""What a finished call says, on its row: summary, sentiment, emotions, key phrases; and what its answers took."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = {
    "analysis_state": "text CHECK (analysis_state IN ('pending', 'done', 'failed'))",
    "summary": "text",
    "sentiment": "text CHECK (sentiment IN ('positive', 'neutral', 'negative'))",
    "emotions": "text[]",
    "key_phrases": "text[]",
    "spoken_language": "text",
    "goal_reached": "boolean NOT NULL DEFAULT false",
    "answer_ms": "real[] NOT NULL DEFAULT '{}'",
}


def upgrade() -> None:
    op.execute("ALTER TABLE calls " + ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items()))
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    op.execute(
        """
        UPDATE calls SET answer_ms = told.answer_ms
        FROM (SELECT organization_id, call_id, array_agg((latency ->> 'total_ms')::real ORDER BY index) AS answer_ms
              FROM call_turns WHERE latency IS NOT NULL GROUP BY 1, 2) told
        WHERE calls.organization_id = told.organization_id AND calls.id = told.call_id
        """
    )
    op.execute(
        """
        UPDATE calls SET goal_reached = true
        FROM agent_versions ran
        WHERE ran.organization_id = calls.organization_id AND ran.agent_id = calls.agent_id
          AND ran.version = calls.agent_version AND ran.config -> 'success_dispositions' ? calls.disposition
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE calls " + ", ".join(f"DROP COLUMN {name}" for name in reversed(COLUMNS)))
