/**
 * Leaves out the texts of error messages: `must(…, 'text')`, `fail('text')`, `new TypeError('text')`, and those that
 * reach a message through a variable or a parameter's default named `where` or `why`, or as the name of equations.
 */
import { PluginKind, declareValuePlugin } from '@stryker-mutator/api/plugin';

const THROWS = /^(must|fail$|.*Error$)/;
const NAMED = /^(where|why)$/;
/** Their first argument stands in messages about the equations alone. */
const EQUATIONS = /^(equations|lazyEquations)$/;

const messageText = {
  shouldIgnore(path) {
    if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined;
    let at = path.parentPath;
    while (
      at.isConditionalExpression() ||
      at.isLogicalExpression() ||
      at.isBinaryExpression({ operator: '+' })
    ) {
      at = at.parentPath;
    }
    const { callee, id, left } = at.node;
    const called = callee?.name ?? callee?.property?.name ?? '';
    const isName = EQUATIONS.test(called) && path.parentPath === at && path.key === 0;
    const isMessage = THROWS.test(called) || isName || NAMED.test((id ?? left)?.name ?? '');
    return isMessage ? 'text of an error message' : undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'message-text', messageText)];
