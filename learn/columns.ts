/**
 * Reads CoNLL columns: a token and its tag on each line, an empty line after each sentence.
 *
 *   Mark   NNP  B-PER          the token first, the tag last; columns between them are ignored
 *   works  VBZ  O
 *
 * In CoNLL-U (ten columns, comments after #), the second column is the token, and the fourth is the tag.
 */
import { must } from '../core/check';
import { Table } from '../data/table';

/** Whether a file has a name that is usual for such files. */
export const hasColumns = (file: string): boolean => /\.(conllu?|iob2?|bio)$/i.test(file);

interface Sentence {
  tokens: string[];
  tags: string[];
  line: number;
}

/** Whether a text is CoNLL-U, by its name or by the comments at its beginning. */
const isUniversal = (text: string, name: string): boolean =>
  /\.conllu$/i.test(name) || text.split('\n', 20).some((line) => /^# (sent_id|text) =/.test(line));

/**
 * The sentences of a text as a table of two list columns, `tokens` and `tags`; the tags are empty if the lines hold
 * only tokens.
 * @param input Lines of the same input before these, and whether it is CoNLL-U.
 * @throws RangeError for a line whose number of columns differs from that of the first, giving its number.
 */
export function columnsTable(
  text: string,
  name: string,
  { before = 0, universal = isUniversal(text, name) } = {},
): Table {
  const where = `table: ${name}`;
  const lines = text.split(/\r?\n/);
  const sentences: Sentence[] = [];
  let current: Sentence | undefined;
  let width: number | undefined;
  for (const [k, line] of lines.entries()) {
    if (line.trim() === '') {
      current = undefined;
      continue;
    }
    if ((universal && line.startsWith('#')) || line.startsWith('-DOCSTART-')) continue;
    const cells = line.includes('\t') ? line.split('\t') : line.trim().split(/\s+/);
    width ??= cells.length;
    const why = 'a token and its tag on each line, an empty line after each sentence';
    if (cells.length !== width)
      must(
        false,
        where,
        `every line must have ${width} columns`,
        `${cells.length} in line ${before + k + 1}`,
        why,
      );
    // contracted and elided words have ids such as 3-4 and 8.1
    if (universal && !/^\d+$/.test(cells[0])) continue;
    if (!current) sentences.push((current = { tokens: [], tags: [], line: before + k + 1 }));
    current.tokens.push(universal ? cells[1] : cells[0]);
    if (width > 1) current.tags.push(universal ? cells[3] : cells[width - 1]);
  }
  must(sentences.length > 0, where, 'it must hold sentences', 'an empty file');
  return new Table(
    name,
    [
      { name: 'tokens', kind: 'lists', values: sentences.map(({ tokens }) => tokens) },
      { name: 'tags', kind: 'lists', values: sentences.map(({ tags }) => tags) },
    ],
    'columns',
    sentences.map(({ line }) => line),
  );
}

/** The sentences of a text as tables, each as soon as the empty line after it has arrived. */
export async function* columnsTables(texts: AsyncIterable<string>, name: string): AsyncGenerator<Table> {
  let [rest, before, count] = ['', 0, 0];
  let universal = false;
  for await (const { text, last } of withEnd(texts)) {
    rest += text;
    const end = last
      ? rest.length
      : Math.max(0, ...[...rest.matchAll(/\n[ \t\r]*\n/g)].map((at) => at.index + at[0].length));
    const whole = rest.slice(0, end);
    rest = rest.slice(end);
    // comments alone make no sentence
    if (whole.split('\n').some((one) => /^[^#\s]/.test(one))) {
      // the comments of the first sentences tell it for all
      universal ||= isUniversal(whole, name);
      yield columnsTable(whole, name, { before, universal });
      count++;
    }
    before += whole.split('\n').length - 1;
  }
  must(count > 0, `table: ${name}`, 'it must hold sentences', 'an empty file');
}

/** Texts, and an empty one that is the last. */
async function* withEnd(texts: AsyncIterable<string>): AsyncGenerator<{ text: string; last: boolean }> {
  for await (const text of texts) yield { text, last: false };
  yield { text: '', last: true };
}
