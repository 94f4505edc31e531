/** What is typed into a field, and what it stands for. */

/** "a, b" ⇄ ["a", "b"], for fields that take several. */
export const listed = (text: string): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);

/** A list as it is typed: the text itself while somebody writes, so that a comma at its end stays. */
export const sameList = (text: string, list: readonly string[]): boolean => JSON.stringify(listed(text)) === JSON.stringify(list);

/** A number that may be left out. */
export const asText = (value: number | null | undefined): string => (value === null || value === undefined ? "" : String(value));
export const asNumber = (text: string): number | null => (text.trim() === "" ? null : Number(text));
