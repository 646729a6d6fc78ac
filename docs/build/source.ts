/** Extracts declarations from a source file, by name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { must } from '../../core/check';
import { say, type Language } from './languages';

const root = join(__dirname, '..', '..');
const parsed = new Map<string, ts.SourceFile>();

/**
 * The declarations as a block of code, in the order asked for, under the name of their file.
 * @throws RangeError when the file declares no such name, so that the book has to be updated.
 */
export function sourceOf(file: string, names: readonly string[], where: string, language: Language): string {
  let source = parsed.get(file);
  if (!source) {
    source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true);
    parsed.set(file, source);
  }
  const texts = names.map((name) => {
    const text = declaration(source, source, name.split('.'));
    must(text !== undefined, where, `${file} must declare ${name}`, 'no such name');
    return text;
  });
  return `\`\`\`ts [${file}]\n${texts.join('\n\n')}\n\`\`\`\n\n<p class="from">${say('from', language)} <code>${file}</code></p>\n`;
}

/** The text of a declaration with the comments above it; `lstm.step` is the member `step` within `lstm`. */
function declaration(source: ts.SourceFile, within: ts.Node, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  const found = find(within, name);
  if (!found) return undefined;
  if (rest.length > 0) return declaration(source, found, rest);
  const [comment] = ts.getLeadingCommentRanges(source.text, found.getFullStart())?.slice(-1) ?? [];
  // the header of a file is not the comment of its first declaration
  const header = comment !== undefined && comment.pos === 0;
  const from = comment && !header ? comment.pos : found.getStart();
  return unindented(source.text.slice(from, found.getEnd()), source, from);
}

function find(within: ts.Node, name: string): ts.Node | undefined {
  let found: ts.Node | undefined;
  const visit = (node: ts.Node): void => {
    if (found) return;
    const own = (node as { name?: ts.Node }).name?.getText();
    const declares =
      ts.isVariableStatement(node) &&
      node.declarationList.declarations.some((each) => each.name.getText() === name);
    const isDeclaration =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isPropertyAssignment(node);
    if (declares || (isDeclaration && own === name)) found = node;
    else ts.forEachChild(node, visit);
  };
  ts.forEachChild(within, visit);
  return found;
}

/** Removes the indentation of a nested member. */
function unindented(text: string, source: ts.SourceFile, from: number): string {
  const { character } = source.getLineAndCharacterOfPosition(from);
  return text.replaceAll(`\n${' '.repeat(character)}`, '\n');
}
