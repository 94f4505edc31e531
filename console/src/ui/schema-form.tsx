/** A form drawn from a JSON schema: what a provider's settings say about themselves. */
import type { ApiError } from "../lib/api";
import { words } from "../lib/format";
import { CheckField, SelectField, TextArea, TextField } from "./field";

export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  writeOnly?: boolean;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  $defs?: Record<string, Schema>;
}

export type Values = Record<string, unknown>;

/** `prefix`: where the API says its problems, like `config.`. `kept`: what is there already of what cannot be read. */
export function SchemaFields({ schema, values, onValues, error, prefix, kept = {} }: { schema: Schema; values: Values; onValues: (values: Values) => void; error: ApiError | null; prefix: string; kept?: Record<string, string> }) {
  const properties = Object.entries(schema.properties ?? {});
  if (!properties.length) return <p class="dim small">Nothing to say here.</p>;
  return (
    <div class="fields">
      {properties.map(([name, property]) => (
        <SchemaField
          key={name}
          name={name}
          schema={resolved(property, schema)}
          value={values[name]}
          isRequired={(schema.required ?? []).includes(name)}
          kept={kept[name]}
          error={error}
          field={`${prefix}${name}`}
          onValue={(value) => onValues({ ...values, [name]: value })}
        />
      ))}
    </div>
  );
}

function resolved(schema: Schema, root: Schema): Schema {
  if (schema.$ref) return { ...root.$defs?.[schema.$ref.split("/").pop()!], ...schema, $ref: undefined };
  const inner = schema.anyOf?.find(({ type }) => type !== "null");
  return inner ? { ...resolved(inner, root), ...schema, anyOf: undefined } : schema;
}

function SchemaField({ name, schema, value, isRequired, kept, error, field, onValue }: { name: string; schema: Schema; value: unknown; isRequired: boolean; kept?: string; error: ApiError | null; field: string; onValue: (value: unknown) => void }) {
  const shared = { label: schema.title ?? words(name), hint: schema.description, field, error };
  const shown = value === undefined ? schema.default : value;
  if (schema.type === "boolean") return <CheckField label={shared.label} hint={schema.description} value={Boolean(shown)} onChange={onValue} />;
  if (schema.enum) return <SelectField {...shared} value={String(shown ?? "")} onText={onValue} options={[...(isRequired ? [] : [["", "–"] as const]), ...schema.enum.map((each) => [String(each), words(String(each))] as const)]} />;
  if (schema.type === "array" && (schema.items?.type ?? "string") === "string") {
    return <TextField {...shared} value={((shown as string[] | undefined) ?? []).join(", ")} onText={(text) => onValue(text.split(/[,\s]+/).filter(Boolean))} hint={[schema.description, "Separated by commas."].filter(Boolean).join(" ")} />;
  }
  if (schema.type === "number" || schema.type === "integer") {
    return <TextField {...shared} type="number" step={schema.type === "integer" ? 1 : "any"} min={schema.minimum} max={schema.maximum} value={String(shown ?? "")} onText={(text) => onValue(text === "" ? undefined : Number(text))} required={isRequired} />;
  }
  if (schema.type === "object" || schema.type === "array") {
    return (
      <TextArea
        {...shared}
        mono
        rows={4}
        value={typeof shown === "string" ? shown : shown === undefined ? "" : JSON.stringify(shown, null, 2)}
        onText={(text) => onValue(parsed(text))}
        hint={[schema.description, "As JSON."].filter(Boolean).join(" ")}
      />
    );
  }
  const isSecret = schema.writeOnly || schema.format === "password";
  return (
    <TextField
      {...shared}
      type={isSecret ? "password" : "text"}
      autocomplete={isSecret ? "new-password" : "off"}
      value={String(shown ?? "")}
      onText={(text) => onValue(text === "" ? undefined : text)}
      required={isRequired && !kept}
      placeholder={kept}
    />
  );
}

/** Text that is no JSON yet stays text, and the API says so. */
function parsed(text: string): unknown {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
