/** Reads a folder of texts with a subfolder for each class: `reviews/good/1.txt`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, mustBe } from '../core/check';
import { Table } from '../data/table';

/** The files of a folder and its subfolders, sorted by name, without hidden ones. */
export function filesIn(folder: string): { file: string; label: string }[] {
  const inside = (path: string) =>
    readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  return inside(folder).flatMap((entry) =>
    entry.isDirectory()
      ? inside(join(folder, entry.name))
          .filter((own) => own.isFile())
          .map(({ name }) => ({ file: join(entry.name, name), label: entry.name }))
      : entry.isFile()
        ? [{ file: entry.name, label: '' }]
        : [],
  );
}

/**
 * A table with a row for each file: its name, its text, and the name of its folder as the label.
 * @throws RangeError for a folder without files; TypeError for a file that is not UTF-8 text, with its name.
 */
export function folderTable(folder: string): Table {
  const files = filesIn(folder);
  const where = `table: ${folder}`;
  must(files.length > 0, where, 'it must hold files, in a folder for each class', 'none');
  const texts = files.map(({ file }) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(join(folder, file))).trim();
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
