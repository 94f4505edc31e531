/** Files that were taken in, and what was wrong with their rows. */
import { useState } from "preact/hooks";
import { FileDown, FileSpreadsheet } from "lucide";
import { download, get, remove, type Schemas } from "../lib/api";
import { count, plural } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { Answered, Button, Empty, Time } from "../ui/parts";
import { Pill } from "../ui/pill";

type Shown = Schemas["UploadShown"];

/** Of one campaign, or of the do-not-call lists, whose files can be taken back. */
export function Uploads({ campaignId, onClose, onChange }: { campaignId?: string; onClose: () => void; onChange?: () => void }) {
  const query = campaignId ? { campaign_id: campaignId, limit: 100 } : { kind: "do_not_call" as const, limit: 100 };
  const asked = useAsk(`uploads:${campaignId ?? "do-not-call"}`, (signal) => get("/uploads", { query, signal }));
  const [taking, setTaking] = useState<Shown | null>(null);
  return (
    <Dialog wide title="Files so far" onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      <Answered of={asked} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon={FileSpreadsheet} title="No file was uploaded yet" />
          ) : (
            <ul class="lines boxed">
              {items.map((each) => (
                <li key={each.id}>
                  <div class="line row wrap">
                    <span class="grow">
                      <span class="strong wrap-any">{each.file_name}</span>
                      <span class="small dim block">
                        <Time at={each.created_at} /> · {plural(each.rows, "row")}: {count(each.added)} added, {count(each.duplicates)} doubles, {count(each.rejected)} did not fit
                        {each.error && ` · ${each.error}`}
                      </span>
                    </span>
                    <Pill of={each.status} name={each.dry_run ? "Only looked at" : undefined} />
                    {each.rejected > 0 && (
                      <Button look="little" icon={FileDown} onClick={() => void download(`/uploads/${each.id}/errors`, `${each.file_name}-errors.csv`)}>
                        Rows that did not fit
                      </Button>
                    )}
                    {!campaignId && !each.dry_run && mayWrite() && (
                      <Button look="little" onClick={() => setTaking(each)}>
                        Take back
                      </Button>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
      {taking && (
        <Confirm
          title={`Take ${taking.file_name} back?`}
          action="Take back"
          onClose={() => setTaking(null)}
          work={async () => {
            await remove("/do-not-call/imports/{upload_id}", { path: { upload_id: taking.id } });
            onChange?.();
          }}
        >
          The numbers that this file brought may be called again. Who asked not to be called, in a call or by another list, stays in peace.
        </Confirm>
      )}
    </Dialog>
  );
}
