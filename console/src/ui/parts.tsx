import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Check, CircleAlert, CircleCheck, Copy, Info, Inbox, LoaderCircle, RotateCw, TriangleAlert, type IconNode } from "lucide";
import type { ApiError } from "../lib/api";
import { atFull, when } from "../lib/format";
import { Icon } from "./icon";

type Children = { children?: ComponentChildren };

export function Button({
  icon,
  busy,
  look = "",
  label,
  children,
  ...rest
}: Children & { icon?: IconNode; busy?: boolean; look?: string; label?: string } & ButtonHTMLAttributes) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${look}${children ? "" : " only-icon"}`}
      aria-label={label}
      title={label}
      disabled={busy || rest.disabled}
    >
      {busy ? <Icon of={LoaderCircle} turning /> : icon && <Icon of={icon} />}
      {children}
    </button>
  );
}

export function ButtonLink({ icon, look = "", href, children }: Children & { icon?: IconNode; look?: string; href: string }) {
  return (
    <a class={`button ${look}`} href={href}>
      {icon && <Icon of={icon} />}
      {children}
    </a>
  );
}

export function PageHead({ title, children, back, actions }: Children & { title: ComponentChildren; back?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <header class="page-head">
      <div class="titles">
        {back}
        <h1>{title}</h1>
        {children && <p>{children}</p>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </header>
  );
}

export function Card({ title, about, actions, children, pad = true }: Children & { title?: ComponentChildren; about?: ComponentChildren; actions?: ComponentChildren; pad?: boolean }) {
  return (
    <section class="card">
      {title && (
        <header>
          <div>
            <h2>{title}</h2>
            {about && <p>{about}</p>}
          </div>
          {actions && <div class="row wrap">{actions}</div>}
        </header>
      )}
      {pad ? <div class="pad">{children}</div> : children}
    </section>
  );
}

export function Empty({ icon = Inbox, title, children, actions }: Children & { icon?: IconNode; title: string; actions?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="badge">
        <Icon of={icon} />
      </span>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

export function Note({ kind = "info", children }: Children & { kind?: "info" | "bad" | "warn" | "good" }) {
  const icon = { info: Info, bad: CircleAlert, warn: TriangleAlert, good: CircleCheck }[kind];
  return (
    <div class={`note ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      <Icon of={icon} />
      <div class="grow wrap-any">{children}</div>
    </div>
  );
}

/** What went wrong, in the API's own words, the fields too that no input shows. */
export function Problem({ error, again, shown = [] }: { error: ApiError | null; again?: () => void; shown?: string[] }) {
  if (!error) return null;
  const fields = error.fields.filter(({ field }) => !shown.includes(field));
  return (
    <Note kind="bad">
      <strong class="strong">{error.message}</strong>
      {error.details && <div>{error.details}</div>}
      {fields.length > 0 && (
        <ul>
          {fields.map(({ field, message }) => (
            <li key={field + message}>
              <code>{field}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {again && (
        <div>
          <Button look="little" icon={RotateCw} onClick={again}>
            Try again
          </Button>
        </div>
      )}
    </Note>
  );
}

export function Loading({ lines = 5 }: { lines?: number }) {
  return (
    <div class="bones" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} class="bone" style={{ width: `${92 - ((index * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

/** The answer, or a picture of waiting, or what went wrong. */
export function Answered<T>({ of, children, lines }: { of: { data: T | null; error: ApiError | null; reload: () => void }; children: (data: T) => ComponentChildren; lines?: number }) {
  if (of.data !== null) {
    return (
      <>
        {of.error && <Problem error={of.error} again={of.reload} />}
        {children(of.data)}
      </>
    );
  }
  if (of.error) return <Problem error={of.error} again={of.reload} />;
  return <Loading lines={lines} />;
}

export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={atFull(at)} class="num">
      {when(at)}
    </time>
  );
}

export function Figure({ label, children, note }: Children & { label: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {children}
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => [<dt key={`${name}?`}>{name}</dt>, <dd key={name}>{value ?? <span class="faint">–</span>}</dd>])}
    </dl>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button look="little" icon={done ? Check : Copy} onClick={() => void copy()}>
      {done ? "Copied" : label}
    </Button>
  );
}

/** The clipboard is there on secure pages alone; a selected field is there always. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function Segmented<T extends string>({ options, value, onChange, label }: { options: readonly (readonly [T, string])[]; value: T; onChange: (value: T) => void; label: string }) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {options.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
          {text}
        </button>
      ))}
    </div>
  );
}
