/** Reads a folder of texts with a subfolder for each class: `reviews/good/1.txt`. */
import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { must, mustBe } from '../core/check';
import { encodingOf } from '../core/encoding';
import { Table } from '../data/table';
import { filesUnder } from '../io/folder';

/** The files of a folder, each with the name of its subfolder, which is its class; links are followed. */
export const filesIn = (folder: string): { file: string; label: string }[] =>
  filesUnder(folder).map((file) => ({ file, label: file.includes(sep) ? file.split(sep, 1)[0] : '' }));

/**
 * A table with a row for each file: its name, its text, and the name of its folder as the label.
 * @throws RangeError for a folder without files; TypeError for a file that is neither UTF-8 nor UTF-16 with a byte order mark, with its name.
 */
export function folderTable(folder: string): Table {
  const files = filesIn(folder);
  const where = `table: ${folder}`;
  must(files.length > 0, where, 'it must hold files, in a folder for each class', 'none');
  const texts = files.map(({ file }) => {
    try {
      const bytes = readFileSync(join(folder, file));
      return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes).trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      mustBe(code !== 'ERR_ENCODING_INVALID_ENCODED_DATA', where, 'files must be UTF-8 text', file);
      throw error;
    }
  });
  const labels = files.map(({ label }) => label);
  return new Table(
    folder,
    [
      { name: 'file', kind: 'texts', values: files.map(({ file }) => file) },
      { name: 'text', kind: 'texts', values: texts },
      // files outside of any subfolder have no label
      ...(labels.some((label) => label !== '')
        ? [{ name: 'label', kind: 'texts' as const, values: labels }]
        : []),
    ],
    'folder',
    files.map((_, k) => k + 1),
  );
}
