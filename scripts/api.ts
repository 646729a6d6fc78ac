/**
 * Prints the public interface as text: what index.ts exports, in its groups, with the signatures that users see.
 *
 *   npm run api    rewrites docs/api.txt
 *
 * tests/api.test.ts compares that file with the sources, so that a review shows every change of the interface.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { script } from './script';

const root = join(__dirname, '..');
export const reportFile = join(root, 'docs', 'api.txt');

export interface PublicName {
  /** As users write it: `fit`, `ops.mul`. */
  name: string;
  /** The heading in index.ts under which it is exported. */
  group: string;
  /** The file that declares it, from the root of the project. */
  file: string;
  isType: boolean;
  /** Its declaration without comments and private members. */
  signature: string;
  /** Empty if there is none. */
  docstring: string;
}

export interface PublicInterface {
  names: PublicName[];
  /** Types of the project that a signature mentions but that users cannot import, each with a name that mentions it. */
  missing: string[];
  /** Names with an inferred type: their signatures must state it. */
  inferred: string[];
}

interface Declarations {
  program: ts.Program;
  /** Names whose declaration leaves a type to inference, as `file name`. */
  inferred: Set<string>;
}

/** The file that `from './pass'` refers to in the file at `path`. */
function resolve(path: string, from: string): string {
  const target = join(dirname(path), from);
  return existsSync(`${target}.ts`) ? `${target}.ts` : join(target, 'index.ts');
}

const IMPORTS = /(?:from|import\()\s*['"](\.[^'"]+)['"]/g;

/**
 * The declarations of index.ts and of all files that it imports, directly or not. Each is generated from its file
 * alone, as with the compiler option `isolatedDeclarations`: that takes a tenth of the time of type-checking.
 */
function declarations(): Declarations {
  const files = new Map<string, string>();
  const inferred = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    const source = readFileSync(path, 'utf8');
    const { outputText, diagnostics } = ts.transpileDeclaration(source, {
      fileName: path,
      reportDiagnostics: true,
      compilerOptions: { target: ts.ScriptTarget.ES2022, isolatedDeclarations: true, stripInternal: true },
    });
    for (const { start = 0, file } of diagnostics ?? [])
      for (const name of namesAt(file!, start)) inferred.add(`${relative(root, path)} ${name}`);
    // the comments of index.ts are the group headings
    files.set(path, path === index ? source : outputText);
    for (const [, from] of outputText.matchAll(IMPORTS)) visit(resolve(path, from));
  };
  const index = join(root, 'index.ts');
  visit(index);
  // parsed again without any library: names have to be resolved, not types
  const options: ts.CompilerOptions = { noLib: true, types: [] };
  const program = ts.createProgram([index], options, {
    ...ts.createCompilerHost(options),
    fileExists: (path) => files.has(path),
    readFile: (path) => files.get(path),
    getSourceFile: (path) => ts.createSourceFile(path, files.get(path) ?? '', ts.ScriptTarget.Latest, true),
  });
  return { program, inferred };
}

/** What the statement at a position of a file declares. */
function namesAt(file: ts.SourceFile, position: number): string[] {
  const statement = file.statements.find(({ pos, end }) => pos <= position && position < end)!;
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText(file));
  const { name } = statement as ts.DeclarationStatement;
  return name ? [name.getText(file)] : [];
}

const isPrivate = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);

/** A declaration as users see it: no comments, no private members. */
function signatureOf(declaration: ts.Node): string {
  const withoutPrivate: ts.TransformerFactory<ts.Node> = (context) => (node) =>
    ts.visitEachChild(node, (child) => (isPrivate(child) ? undefined : child), context);
  const [shown] = ts.transform(declaration, [withoutPrivate]).transformed;
  const printer = ts.createPrinter({ removeComments: true });
  const text = printer.printNode(ts.EmitHint.Unspecified, shown, declaration.getSourceFile());
  return text.replace(/^(export )?(declare )?/, '').replace(/ {4}/g, '  ');
}

/** The exports of index.ts, in order. A comment `// Heading` above an export begins a group. */
export function publicInterface(): PublicInterface {
  const { program, inferred } = declarations();
  const found = exportsOf(program);
  const names = found.map(({ name }) => name);
  return {
    names,
    missing: missingFrom(found, program.getTypeChecker()),
    inferred: names
      .filter(({ name, file }) => inferred.has(`${file} ${name.replace(/.*\./, '')}`))
      .map(({ name }) => name),
  };
}

/** An exported name and its declarations. */
interface Export {
  name: PublicName;
  symbol: ts.Symbol;
  nodes: ts.Node[];
}

function exportsOf(program: ts.Program): Export[] {
  const checker = program.getTypeChecker();
  const index = program.getSourceFile(join(root, 'index.ts'))!;
  const found: Export[] = [];
  let group = '';
  const add = (name: string, alias: ts.Symbol): void => {
    const symbol = targetOf(alias, checker);
    const nodes = (symbol.declarations ?? []).map((node) =>
      ts.isVariableDeclaration(node) ? node.parent.parent : node,
    );
    if (nodes.length === 0) throw new Error(`api: ${name} must be declared in this project, got nothing`);
    if (ts.isSourceFile(nodes[0]))
      for (const member of checker.getExportsOfModule(symbol)) add(`${name}.${member.name}`, member);
    else found.push({ name: described(name, group, symbol, nodes), symbol, nodes });
  };
  for (const statement of index.statements) {
    group = headingAbove(statement, index.getFullText()) ?? group;
    if (!ts.isExportDeclaration(statement) || !statement.exportClause) continue;
    const { exportClause } = statement;
    const specifiers = ts.isNamedExports(exportClause) ? exportClause.elements : [exportClause];
    for (const { name } of specifiers) add(name.text, checker.getSymbolAtLocation(name)!);
  }
  return found;
}

/** Follows an alias to the symbol it was imported from. */
const targetOf = (symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

const fileOf = (node: ts.Node): string => relative(root, node.getSourceFile().fileName);

const described = (
  name: string,
  group: string,
  symbol: ts.Symbol,
  nodes: readonly ts.Node[],
): PublicName => ({
  ...{ name, group, file: fileOf(nodes[0]) },
  isType: !(symbol.flags & ts.SymbolFlags.Value),
  signature: nodes.map(signatureOf).join('\n'),
  docstring: nodes.flatMap((node) => ts.getJSDocCommentsAndTags(node).map((doc) => doc.getText())).join('\n'),
});

/** The last comment `// Heading` above a statement. */
const headingAbove = (statement: ts.Statement, text: string): string | undefined =>
  (ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [])
    .map(({ pos, end }) => /^\/\/ (.*)/.exec(text.slice(pos, end))?.[1])
    .findLast((heading) => heading !== undefined);

/** Types that declarations mention, but that are not exported. */
function missingFrom(exported: readonly Export[], checker: ts.TypeChecker): string[] {
  const known = new Set(exported.map(({ symbol }) => symbol));
  const missing = new Set<string>();
  for (const { symbol, nodes } of exported) {
    const look = (node: ts.Node): void => {
      if (isPrivate(node)) return;
      const found = isMention(node) ? checker.getSymbolAtLocation(node) : undefined;
      const mentioned = found && targetOf(found, checker);
      const [declaration] = mentioned?.declarations ?? [];
      if (mentioned && declaration && !ts.isTypeParameterDeclaration(declaration) && !known.has(mentioned))
        missing.add(`${mentioned.name} (${fileOf(declaration)}), mentioned by ${symbol.name}`);
      ts.forEachChild(node, look);
    };
    nodes.forEach(look);
  }
  return [...missing];
}

/** Whether a node is a type name, or the operand of `typeof` in a type. */
const isMention = (node: ts.Node): boolean =>
  ts.isIdentifier(node) &&
  (ts.isTypeReferenceNode(node.parent) ||
    ts.isExpressionWithTypeArguments(node.parent) ||
    ts.isTypeQueryNode(node.parent));

/** The contents of docs/api.txt. */
export function interfaceReport({ names }: PublicInterface): string {
  const lines = ['The public interface of Backstep. Generated by `npm run api`.'];
  let last = '';
  for (const { group, file, name, signature } of names) {
    if (group !== last) lines.push('', '', `# ${(last = group)}`);
    const space = name.includes('.') ? `${name.split('.')[0]}: ` : '';
    lines.push('', `// ${space}${file}`, signature);
  }
  return `${lines.join('\n')}\n`;
}

if (require.main === module)
  void script(__filename, {}, () => writeFileSync(reportFile, interfaceReport(publicInterface())));
