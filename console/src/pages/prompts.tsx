import { useEffect, useRef, useState } from "preact/hooks";
import { AudioLines, Play, Square, Trash2, Upload as UploadIcon } from "lucide";
import { fetchSignedIn, get, post, remove, type Schemas } from "../lib/api";
import { duration } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Answered, Button, Empty, PageHead, Problem, Time } from "../ui/parts";
import { say } from "../ui/toast";

type Shown = Schemas["PromptShown"];

/** Recordings that a flow plays in place of its voice. */
export function Prompts() {
  useTitle("Recordings to play");
  const asked = useAsk("prompts", (signal) => get("/prompts", { query: { limit: 100 }, signal }));
  const [opened, setOpened] = useState(false);
  const [deleting, setDeleting] = useState<Shown | null>(null);
  const add = mayWrite() && (
    <Button look="first" icon={UploadIcon} onClick={() => setOpened(true)}>
      Upload a recording
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="Recordings to play" actions={add}>
        Your own voice, in any language: a step of a flow plays it in place of the agent's voice.
      </PageHead>
      <Answered of={asked}>
        {({ items }) => (
          <section class="card">
            {items.length === 0 ? (
              <Empty icon={AudioLines} title="No recordings yet" actions={add}>
                Upload one, then choose it at a step of a flow. With keys as answers such a flow runs in every language.
              </Empty>
            ) : (
              <ul class="lines">
                {items.map((each) => (
                  <Row key={each.id} prompt={each} onDelete={() => setDeleting(each)} />
                ))}
              </ul>
            )}
          </section>
        )}
      </Answered>
      {opened && <Form onClose={() => setOpened(false)} onDone={asked.reload} />}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.name}?`}
          action="Delete"
          onClose={() => setDeleting(null)}
          work={async () => {
            await remove("/prompts/{prompt_id}", { path: { prompt_id: deleting.id } });
            asked.reload();
          }}
        >
          Steps that play it are spoken by the agent's voice instead.
        </Confirm>
      )}
    </div>
  );
}

function Row({ prompt, onDelete }: { prompt: Shown; onDelete: () => void }) {
  const sound = useRef<HTMLAudioElement | null>(null);
  const [isPlaying, setPlaying] = useState(false);
  const stop = () => {
    sound.current?.pause();
    setPlaying(false);
  };
  useEffect(() => stop, []);
  const play = useWork(async () => {
    const answer = await fetchSignedIn(`/prompts/${prompt.id}/download`);
    const url = URL.createObjectURL(await answer.blob());
    const audio = new Audio(url);
    audio.onended = () => {
      setPlaying(false);
      URL.revokeObjectURL(url);
    };
    sound.current = audio;
    await audio.play();
    setPlaying(true);
  });
  return (
    <li>
      <div class="line row wrap">
        <Button look="little" icon={isPlaying ? Square : Play} label={isPlaying ? `Stop ${prompt.name}` : `Play ${prompt.name}`} busy={play.busy} onClick={() => (isPlaying ? stop() : void play.run())} />
        <span class="grow">
          <code class="strong">{prompt.name}</code> <span class="dim wrap-any">{prompt.description}</span>
          <span class="small dim block">
            {duration(prompt.duration_seconds)} · <Time at={prompt.created_at} />
          </span>
        </span>
        {mayWrite() && <Button look="quiet little" icon={Trash2} label={`Delete ${prompt.name}`} onClick={onDelete} />}
      </div>
      <Problem error={play.error} />
    </li>
  );
}

function Form({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const save = useWork(async () => {
    const form = new FormData();
    form.set("name", name);
    form.set("description", description);
    form.set("file", file!);
    await post("/prompts", { form });
    say("The recording is there");
    onDone();
    onClose();
  });
  const choose = (chosen: File) => {
    setFile(chosen);
    if (!name) setName(chosen.name.replace(/\.\w+$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, ""));
  };
  return (
    <Dialog
      title="Upload a recording"
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" icon={UploadIcon} busy={save.busy} disabled={!file || !name}>
            Upload
          </Button>
        </>
      }
    >
      <label class="drop">
        <Icon of={AudioLines} />
        <span class="grow">
          <span class="strong block">{file ? file.name : "Choose a WAV, FLAC, OGG or MP3 file"}</span>
          <span class="small dim">Up to two minutes.</span>
        </span>
        <input class="only-read" type="file" accept="audio/*,.wav,.flac,.ogg,.mp3" onChange={(event) => event.currentTarget.files?.[0] && choose(event.currentTarget.files[0])} />
      </label>
      <TextField label="Name" field="name" error={save.error} value={name} onText={setName} required hint="How steps call it, like welcome-hi." />
      <TextField label="Description" field="description" error={save.error} value={description} onText={setDescription} hint="What is said in it." />
      <Problem error={save.error} shown={["name", "description"]} />
    </Dialog>
  );
}
