import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { ArrowLeft } from "lucide";
import { CampaignFields, NEW_CAMPAIGN, type Draft } from "../campaign/form";
import { post } from "../lib/api";
import { agents, learnNames } from "../lib/names";
import { useTitle, useWork } from "../lib/use";
import { Icon } from "../ui/icon";
import { Button, ButtonLink, Note, PageHead, Problem } from "../ui/parts";

export function CampaignNew() {
  useTitle("New campaign");
  const { route, query } = useLocation();
  const [draft, setDraft] = useState<Draft>({ ...NEW_CAMPAIGN, agent_id: query.agent ?? "" });
  const [known, setKnown] = useState(false);
  useEffect(() => {
    void learnNames().then(() => {
      setKnown(true);
      if (agents.value.length === 1) setDraft((old) => ({ ...old, agent_id: old.agent_id || agents.value[0]!.id }));
    });
  }, []);
  const save = useWork(async () => {
    const made = await post("/campaigns", { body: draft });
    route(`/console/campaigns/${made.id}/contacts`);
  });
  return (
    <form
      class="page"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <PageHead
        back={
          <a class="crumb" href="/console/campaigns">
            <Icon of={ArrowLeft} /> Campaigns
          </a>
        }
        title="New campaign"
      >
        Nobody is rung before you launch it; the people come next.
      </PageHead>
      {known && !agents.value.length && (
        <Note kind="warn">
          A campaign needs an agent that speaks. <a href="/console/agents/new">Make one first.</a>
        </Note>
      )}
      <CampaignFields draft={draft} change={(by) => setDraft((old) => ({ ...old, ...by }))} error={save.error} />
      <Problem error={save.error} shown={["name", "description", "agent_id", "start_time", "end_time", "timezone", "country"]} />
      <div class="row">
        <Button type="submit" look="first" busy={save.busy}>
          Make campaign
        </Button>
        <ButtonLink href="/console/campaigns">Cancel</ButtonLink>
      </div>
    </form>
  );
}
