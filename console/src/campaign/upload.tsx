/** A file of people: looked at first, then taken. */
import { useState } from "preact/hooks";
import { FileSpreadsheet, Upload as UploadIcon } from "lucide";
import { post, type Schemas } from "../lib/api";
import { count, plural, words } from "../lib/format";
import { useWork } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { Button, Note, Problem } from "../ui/parts";
import { say } from "../ui/toast";

type Report = Schemas["Uploaded"];

const FIELDS = [
  ["phone_number", "Phone number"],
  ["name", "Name"],
  ["timezone", "Time zone"],
  ["priority", "Priority (9 first)"],
] as const;
const PROBLEMS_SHOWN = 50;

export function Upload({ campaignId, onClose, onAdded }: { campaignId: string; onClose: () => void; onAdded: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const [report, setReport] = useState<Report | null>(null);
  const send = async (chosen: File, columns: Record<string, string>, dryRun: boolean): Promise<Report> => {
    const form = new FormData();
    form.set("file", chosen);
    form.set("mapping", JSON.stringify(Object.fromEntries(Object.entries(columns).filter(([, title]) => title))));
    return post("/campaigns/{campaign_id}/contacts/upload", { path: { campaign_id: campaignId }, query: { dry_run: dryRun }, form });
  };
  const look = useWork(async (chosen: File, columns: Record<string, string>) => {
    setFile(chosen);
    setMapping(columns);
    setReport(await send(chosen, columns, true));
  });
  const add = useWork(async () => {
    const added = await send(file!, mapping, false);
    say(`${plural(added.added, "person is", "people are")} in the campaign`);
    onAdded();
    onClose();
  });
  return (
    <Dialog
      wide
      title="Upload people"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="first" icon={UploadIcon} busy={add.busy} disabled={!report?.added || look.busy} onClick={() => void add.run()}>
            {report ? `Add ${plural(report.added, "person", "people")}` : "Add"}
          </Button>
        </>
      }
    >
      <label class="drop">
        <Icon of={FileSpreadsheet} />
        <span class="grow">
          <span class="strong block">{file ? file.name : "Choose a CSV or Excel file"}</span>
          <span class="small dim">
            {file ? "Choose another file" : "One row a person, a column with the phone number. Every other column is a variable that the agent can say."}
          </span>
        </span>
        <input
          class="only-read"
          type="file"
          accept=".csv,.tsv,.txt,.xlsx,text/csv"
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            if (chosen) void look.run(chosen, {});
          }}
        />
      </label>
      {look.busy && (
        <p class="dim" role="status">
          Reading every row; nothing is kept yet…
        </p>
      )}
      <Problem error={look.error ?? add.error} />
      {report && file && (
        <>
          <Findings report={report} />
          <Columns report={report} mapping={mapping} onMap={(columns) => void look.run(file, columns)} />
          {report.problems.length > 0 && <Problems report={report} />}
        </>
      )}
    </Dialog>
  );
}

function Findings({ report }: { report: Report }) {
  return (
    <dl class="figures">
      {(
        [
          ["Rows", report.rows],
          ["Will be added", report.added],
          ["Doubles", report.duplicates],
          ["Do not fit", report.rejected],
        ] as const
      ).map(([name, value]) => (
        <div key={name} class="figure">
          <dt>{name}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Columns({ report, mapping, onMap }: { report: Report; mapping: Record<string, string>; onMap: (mapping: Record<string, string>) => void }) {
  const titles = Object.keys(report.columns);
  const takenFor = (field: string): string => mapping[field] ?? titles.find((title) => report.columns[title] === field) ?? "";
  const variables = titles.filter((title) => !FIELDS.some(([field]) => report.columns[title] === field));
  return (
    <div class="stack tight">
      <h3>Which column is what</h3>
      <div class="fields">
        {FIELDS.map(([field, name]) => (
          <div key={field} class="field">
            <label for={`map-${field}`}>{name}</label>
            <select class="input" id={`map-${field}`} value={takenFor(field)} onChange={(event) => onMap({ ...mapping, [field]: event.currentTarget.value })}>
              <option value="">{field === "phone_number" ? "Choose a column" : "In no column"}</option>
              {titles.map((title) => (
                <option key={title} value={title}>
                  {title}
                </option>
              ))}
            </select>
          </div>
        ))}
      </div>
      {variables.length > 0 && (
        <p class="small dim">
          Variables:{" "}
          {variables.map((title) => (
            <code key={title} class="tag">{`{{${report.columns[title]!.replace(/^variables?[.:]?\s*/, "")}}}`}</code>
          ))}
        </p>
      )}
    </div>
  );
}

function Problems({ report }: { report: Report }) {
  return (
    <div class="stack tight">
      <h3>Rows that stay out</h3>
      {report.rejected > report.problems.length && <Note kind="warn">The first {count(report.problems.length)} of {count(report.rejected)} are shown.</Note>}
      <div class="table-scroll boxed" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Row</th>
              <th scope="col">Column</th>
              <th scope="col">Says</th>
              <th scope="col">Why not</th>
            </tr>
          </thead>
          <tbody>
            {report.problems.slice(0, PROBLEMS_SHOWN).map(({ row, column, value, message, code }) => (
              <tr key={`${row}-${column}-${code}`}>
                <td class="num">{row}</td>
                <td>{column || "–"}</td>
                <td class="wrap-any">{value || "–"}</td>
                <td>{message || words(code)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
