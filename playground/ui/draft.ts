/** A text that is being typed, kept for this tab of the browser, so that loading the page again does not lose it. */
const KEY = 'backstep.draft';

interface Draft {
  /** The text that the typing began from. */
  from: string;
  text: string;
}

/** What was typed from a text, or the text itself. */
export function draftOf(from: string): string {
  try {
    const kept = Object(JSON.parse(sessionStorage.getItem(KEY) ?? '{}')) as Partial<Draft>;
    return kept.from === from && typeof kept.text === 'string' ? kept.text : from;
  } catch {
    return from;
  }
}

export function keepDraft(from: string, text: string): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ from, text } satisfies Draft));
  } catch {
    // without storage, the text lasts as long as the page
  }
}
