/** Runs the book's programs when it is built, so that the shown output is real. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const folder = join(root, '.cache', 'book');

const outputs = new Map<string, string>();

/** The program as a reader would write it, and its output; a translation shows the same run. */
export function programOutput(code: string, where: string): string {
  const output = outputs.get(code) ?? run(code, where);
  outputs.set(code, output);
  return `\`\`\`ts\n${code}\`\`\`\n\n\`\`\`text\n${output}\n\`\`\`\n`;
}

function run(code: string, where: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'program.ts');
  // CommonJS has no top-level await
  const [imports, rest] = [/^import [^]*?;$/gm, code].map((part) =>
    typeof part === 'string' ? part.replace(/^import [^]*?;$/gm, '') : (code.match(part) ?? []).join('\n'),
  );
  const here = imports.replace(/'backstep'/g, `'${join(root, 'index')}'`);
  writeFileSync(file, `${here}\nvoid (async () => {\n${rest}\n})();\n`);
  const args = ['-r', join(root, 'scripts', 'register.js'), file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  rmSync(file);
  if (status !== 0) throw new Error(`${where}: the program must succeed, got exit code ${status}\n${stderr}`);
  return stdout.trimEnd();
}
